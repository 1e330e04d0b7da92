"""I have an honest report: make the three classic faults in it, so that an audit can show that it finds them.

One quotation is altered in a way that changes what it says, one claim is planted beside a true citation that does not
support it, and one reference is made up, identifier and all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["FAKE_DOI", "Planted", "tamper"]

FAKE_DOI = "10.1145/9876543.2109876"
_FAKE_REFERENCE = (
    "Harrowgate, L. M., and Okonjo-Vance, P. (2024). Self-Certifying Citations in Retrieval-Augmented Research Agents. "
    f"Transactions on Automated Scholarship, 17(3), 211-238. https://doi.org/{FAKE_DOI}"
)
_FAKE_STATEMENT = (
    "A controlled study of 412 research agents found that self-certified citations cut factual errors by 83 percent"
)
_PLANTED_CLAIM = "The maintainers measured a 97 percent reduction in hospital energy costs after switching to it"

_SHORT = 180  # characters of a quotation that a reader takes in at a glance
_QUOTED = re.compile(r"“([^“”\n]{30,})” \[(\d+)\]")
_NUMBER = re.compile(r"(?<![\w.,/-])(\d{1,4})(?![\w/-]|[.,]\w)")
_INVERSE = {
    "is": "is not",
    "are": "are not",
    "can": "cannot",
    "will": "will not",
    "does": "does not",
    "supports": "does not support",
    "provides": "does not provide",
    "allows": "does not allow",
    "includes": "does not include",
    "requires": "does not require",
    "uses": "does not use",
    "has": "does not have",
    "works": "does not work",
    "makes": "does not make",
    "offers": "does not offer",
    "lets": "does not let",
}
_OPPOSITES = {
    "first": "last",
    "more": "less",
    "most": "least",
    "all": "none",
    "every": "no",
    "always": "never",
    "before": "after",
    "with": "without",
    "fast": "slow",
    "high": "low",
    "increase": "decrease",
    "increased": "decreased",
    "increases": "decreases",
    "above": "below",
    "large": "small",
    "and": "but not",
}
_TURNED = re.compile(rf"\b({'|'.join(_OPPOSITES)})\b")
_POSITIVE = re.compile(rf"\b({'|'.join(_INVERSE)})\b")


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault that was put in: its ``kind`` (quote, claim, reference), the text now in the report, and what it was."""

    kind: str
    text: str
    was: str = ""
    change: str = ""


def tamper(report: str) -> tuple[str, tuple[Planted, ...]]:
    """Return the report with the three faults, and what they are.

    A report without a quotation that can be altered gets the other two only.
    """
    planted = []
    altered = _alter_a_quote(report)
    if altered is not None:
        report, fault = altered
        planted.append(fault)
    body, mark, references = report.partition("\n## References\n")
    numbers = [int(number) for number in re.findall(r"^\[(\d+)\]", references, re.M)]
    if not numbers:
        return report, tuple(planted)
    fake = max(numbers) + 1
    claim = f"{_PLANTED_CLAIM} [{_least_used(body, numbers)}]."
    made_up = f"{_FAKE_STATEMENT} [{fake}]."
    body = _insert(body, f"{claim}\n\n{made_up}\n")
    references = f"{references.rstrip()}\n\n[{fake}] {_FAKE_REFERENCE}\n"
    planted += [Planted("claim", claim), Planted("reference", _FAKE_REFERENCE, change=f"[{fake}]")]
    return f"{body}{mark}{references}", tuple(planted)


def _alter_a_quote(report: str) -> tuple[str, Planted] | None:
    """Change a number in a quotation, else turn one round; a short quotation is taken before a long one."""
    quotations = sorted(_QUOTED.finditer(report), key=lambda match: (len(match[1]) > _SHORT, match.start()))
    changes: tuple[Callable[[str], tuple[str, str] | None], ...] = (_other_number, _negated, _turned)
    for change in changes:
        for match in quotations:
            made = change(match[1])
            if made is not None:
                text, said = made
                altered = f"{report[: match.start(1)]}{text}{report[match.end(1) :]}"
                return altered, Planted("quote", text, match[1], said)
    return None


def _other_number(quote: str) -> tuple[str, str] | None:
    match = _NUMBER.search(quote)
    if match is None:
        return None
    other = str(int(match[1]) * 2 + 1)
    return f"{quote[: match.start()]}{other}{quote[match.end() :]}", f"{match[1]} became {other}"


def _negated(quote: str) -> tuple[str, str] | None:
    match = _POSITIVE.search(quote)
    if match is None or re.search(r"\b(?:not|no|never|cannot)\b", quote):
        return None
    inverse = _INVERSE[match[1]]
    return f"{quote[: match.start()]}{inverse}{quote[match.end() :]}", f"“{match[1]}” became “{inverse}”"


def _turned(quote: str) -> tuple[str, str] | None:
    match = _TURNED.search(quote)
    if match is None:
        return None
    other = _OPPOSITES[match[1]]
    return f"{quote[: match.start()]}{other}{quote[match.end() :]}", f"“{match[1]}” became “{other}”"


def _least_used(body: str, numbers: list[int]) -> int:
    """The listed number cited last in the body: its sentence is far from where the claim is planted."""
    cited = [int(number) for number in re.findall(r"\[(\d+)\]", body)]
    return next((number for number in reversed(cited) if number in numbers), numbers[0])


def _insert(body: str, paragraph: str) -> str:
    """Put a paragraph at the end of the first section."""
    second = [match.start() for match in re.finditer(r"^## ", body, re.M)][1:2]
    if not second:
        return f"{body.rstrip()}\n\n{paragraph}"
    return f"{body[: second[0]]}{paragraph}\n{body[second[0] :]}"
