"""I have a page that only its scripts can show: run them, and give me what a reader would see."""

from carrel.web.browser.rendering import Browser

__all__ = ["Browser"]
