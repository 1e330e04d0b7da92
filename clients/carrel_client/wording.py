"""I have words that a server says to assistants: what does a person at the command line call these things?"""

from __future__ import annotations

import re
import shlex

__all__ = ["PROBLEM_WORDS", "in_commands"]

_SAID = (
    ("use remove_documents with source=FOLDER", "run: carrel remove {folder} --yes"),
    ("sync with drop=excluded", "add --drop-excluded"),
    ("sync with drop=most", "add --drop-most"),
    ("read_page(keep=true)", "carrel fetch --keep"),
    ("search_library", "carrel search"),
    ("submit_ranking", "carrel rank"),
    ("read_document", "carrel read"),
    ("add_documents", "carrel add"),
    ("remove_documents", "carrel remove"),
    ("library_status", "carrel doctor"),
    ("read_page", "carrel fetch"),
    ("search_web", "carrel web-search"),
    ("crawl_site", "carrel crawl"),
    ("find_papers", "carrel papers"),
    ("get_papers", "carrel papers"),
    ("check_quote", "carrel quote"),
    ("audit_report", "carrel audit"),
)
_TOOLS = re.compile("|".join(rf"(?<!\w){re.escape(tool)}(?!\w)" for tool, _ in _SAID))
_COMMANDS = dict(_SAID)

# The words of the audit's page and summary, so that a verdict is called the same wherever it is read.
PROBLEM_WORDS = {
    "altered_quote": "altered quotation",
    "contradicted": "statement contradicted by its source",
    "fabricated_reference": "reference that looks made up",
    "missing_reference": "reference that does not exist as cited",
    "absent_quote": "quotation not in its source",
    "not_found": "statement not found in its source",
    "dangling": "citation without a reference",
    "placeholder": "placeholder instead of a source",
    "unreadable_source": "source that could not be read",
    "uncited": "statement without a citation",
    "needs_judgement": "statement left to your judgement",
    "duplicate": "source listed twice",
    "unused": "source never cited",
}


def in_commands(text: str, folder: str = "FOLDER") -> str:
    """A message with tools named by the command that uses them; ``folder`` is the one it speaks of."""
    place = shlex.quote(folder) if folder != "FOLDER" else folder
    return _TOOLS.sub(lambda match: _COMMANDS[match[0]].replace("{folder}", place), text)
