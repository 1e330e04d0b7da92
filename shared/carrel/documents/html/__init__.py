"""I have an HTML page: give me its content as Markdown, its links and what it says about itself."""

from carrel.documents.html.extract import HtmlContent, extract, whole

__all__ = ["HtmlContent", "extract", "whole"]
