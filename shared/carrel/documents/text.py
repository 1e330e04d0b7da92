"""I have raw characters: give me clean ones.

Every format's text passes through `clean` once, before it is stored, so that stored text holds nothing a reader cannot
see and offsets into it stay true for ever.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clean"]

# Longest run of combining marks that is kept. Unicode's Stream-Safe Text Format (UAX #15, section 13) allows 30 and
# says that no language needs more; sorting a longer run is also what makes normalisation quadratic.
MAX_MARKS = 30

_NEWLINES = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")

# Scripts in which joiners change the shape of a word: Arabic and its kin, the Indic family, Tibetan to Mongolian.
_JOINING = (
    "\u0600-\u08ff\u0900-\u0dff\u0e00-\u109f\u1780-\u18af\u1900-\u1aff\ua800-\uabff"
    "\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc"
)
_EMOJI = (
    "\u00a9\u00ae\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)

# Always invisible: controls, zero-width, bidi, tag and filler characters, noncharacters.
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufdd0-\ufdef\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_SELECTOR = "\ufe00-\ufe0f\u180b-\u180d\U000e0100-\U000e01ef"
_REMOVED = re.compile(
    f"[{_UNSEEN}]"
    # a joiner is kept after a letter of a joining script, or (ZWJ) between two emoji
    f"|(?<![{_JOINING}])\u200c"
    f"|(?<![{_JOINING}])(?:(?<![{_EMOJI}\ufe0f\U0001f3fb-\U0001f3ff])\u200d|\u200d(?![{_EMOJI}]))"
    # one variation selector may follow a visible character, never a run of them
    f"|(?<![^\\s{_UNSEEN}{_SELECTOR}\u200c\u200d])[{_SELECTOR}]"
)
_ASCII_REMOVED = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# A run that could hold too many combining marks: they are neither word characters nor spaces, none is below U+0300.
_LONG_RUN = re.compile(rf"[^\w\s\x00-\u02ff]{{{MAX_MARKS + 1},}}")


def clean(text: str) -> tuple[str, int]:
    """Make text fit to be stored; returns it and how many invisible characters were taken out.

    Line ends (CR, CRLF, VT, FF, NEL, LS, PS) become ``\\n``; control, zero-width, bidi and tag characters,
    noncharacters and over-long runs of combining marks go; joiners stay where emoji, Arabic or Indic text needs them;
    lone surrogates become U+FFFD; a soft hyphen at a line's end is the hyphen a reader sees and becomes ``-``.
    The result is in NFC and cleaning it again changes nothing.
    """
    if "\r" in text or not text.isascii() or "\f" in text or "\v" in text:
        text = _NEWLINES.sub("\n", text)
    if text.isascii():
        return _ASCII_REMOVED.subn("", text)
    text = _SURROGATE.sub("\ufffd", text).replace("\u00ad\n", "-\n")
    before = len(text)
    text = _cut_marks(_without_unseen(text))
    removed = before - len(text)
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text, removed


def _without_unseen(text: str) -> str:
    # Taking one character out can strand its neighbour (a joiner between two hidden characters), hence the second look.
    for _ in range(4):
        text, count = _REMOVED.subn("", text)
        if not count:
            break
    return text


def _cut_marks(text: str) -> str:
    return _LONG_RUN.sub(_cut_run, text)


def _cut_run(match: re.Match[str]) -> str:
    kept = []
    marks = 0
    for character in match[0]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)
