"""I have a question and passages: give me a short brief, every sentence of it cited.

Extractive and deterministic: sentences are chosen, never written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carrel_client.choosing import Chosen, choose, nearest
from carrel_client.evidence import Found, Sentence
from carrel_client.naming import Place
from carrel_client.topic import Topic, topic_of

__all__ = ["Brief", "Line", "compose", "to_markdown"]

_STRONG = "strong"
_FAIR = "fair"
_WEAK = "weak"
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Line:
    """A chosen sentence and the number of its reference."""

    sentence: Sentence
    number: int
    score: float


@dataclass(frozen=True, slots=True)
class Brief:
    """The chosen sentences: ``answer`` opens the brief, ``sections`` maps a heading to the rest, in reading order.

    ``strength`` is strong, fair, weak or none; ``missing`` are words of the question that no chosen sentence has.
    ``near`` are the passages to look at where no sentence was chosen.
    """

    question: str
    answer: tuple[Line, ...]
    sections: Mapping[str, tuple[Line, ...]]
    strength: str
    missing: tuple[str, ...] = ()
    near: tuple[Found, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines by reference number."""
        rest = (line for lines in self.sections.values() for line in lines)
        return tuple(sorted((*self.answer, *rest), key=lambda line: line.number))


def compose(
    question: str,
    passages: Sequence[Found],
    *,
    limit: int = 6,
    per_document: int = 3,
    without: frozenset[str] = frozenset(),
    first: int = 1,
) -> Brief:
    """Choose at most ``limit`` sentences and arrange them; references in ``without`` are left out.

    References are numbered from ``first``.
    """
    topic = topic_of(question, passages)
    chosen = choose(topic, passages, limit=limit, per_document=per_document, without=without)
    covered = frozenset[str]().union(*(one.said | one.implied for one in chosen))
    if not chosen:
        return Brief(question, (), {}, _NONE, topic.missing(covered), tuple(nearest(topic, passages)))
    return _arrange(question, chosen, _strength(topic, chosen, covered), topic.missing(covered), first)


def _strength(topic: Topic, chosen: Sequence[Chosen], covered: frozenset[str]) -> str:
    """How much the evidence can bear: by the share of the question it meets, in all and in its best sentence."""
    whole = topic.share(covered)
    said = max(topic.share(one.said) for one in chosen)
    together = max(topic.share(one.said | one.implied) for one in chosen)
    if whole >= 0.75 and together >= 0.7 and said >= 0.5 and len(chosen) >= 2:
        return _STRONG
    return _FAIR if whole >= 0.5 and together >= 0.34 else _WEAK


def _arrange(question: str, chosen: Sequence[Chosen], strength: str, missing: tuple[str, ...], first: int) -> Brief:
    """The two sentences chosen first open; the rest follow by document, best first, in the order of the text.

    What leans on a sentence stands after it, and what leans on a title stands under it.
    """
    lead = [one for one in chosen if not one.leans][: 2 if len(chosen) > 3 else 1]
    for one in chosen:
        if one.leans == "sentence" and (before := one.sentence.after) in (refs := [each.sentence.ref for each in lead]):
            lead.insert(refs.index(before) + 1, one)
    groups: dict[str, list[Chosen]] = {}
    for one in sorted(chosen, key=lambda one: -one.score):
        if one not in lead:
            groups.setdefault(one.sentence.doc_id, []).append(one)
    numbers: dict[str, int] = {}

    def number(one: Chosen) -> int:
        return numbers.setdefault(one.sentence.ref, len(numbers) + first)

    answer = tuple(Line(one.sentence, number(one), one.score) for one in lead)
    sections: dict[str, tuple[Line, ...]] = {}
    for members in groups.values():
        heading = _one_line(members[0].sentence.found.title) or "Untitled"
        while heading in sections:
            heading += " (another document)"
        ordered = sorted(members, key=lambda one: one.sentence.start)
        sections[heading] = tuple(Line(one.sentence, number(one), one.score) for one in ordered)
    return Brief(question, answer, sections, strength, missing)


def _one_line(text: str, limit: int = 110) -> str:
    """A title for a line of Markdown: no markup that could break the line or forge a citation."""
    flat = " ".join(re.sub(r"[`\[\]<>#*|]", " ", text).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def _note(text: str) -> str:
    """A note as one sentence."""
    return _one_line(text, 400).replace(". ", "; ").rstrip(".") + "."


def _sentence(line: Line) -> str:
    """A quotation with its marker; curly quotes inside would end it early, so such a sentence stands as a statement."""
    text = line.sentence.text
    safe = re.sub(r"([\[\]*<`])", r"\\\1", text)
    return f"{safe} [{line.number}]" if re.search("[“”]", text) else f"“{safe}” [{line.number}]"


# Words about the brief itself begin with "This brief", so that an audit does not ask them for a source.
_NOTES = {
    _STRONG: "This brief rests on strong evidence: what it quotes meets most of the question.",
    _FAIR: "This brief rests on fair evidence: what it quotes meets the question in part.",
    _WEAK: "This brief rests on weak evidence: what it quotes only touches the question, so take it as a lead.",
    _NONE: "This brief is empty, for no good evidence was found: nothing in the library answers the question.",
}

_NEAREST = "This brief is empty, for no sentence answers the question; these are the nearest passages:"


def to_markdown(briefs: Sequence[Brief], *, title: str = "", notes: Sequence[str] = (), place: Place = str) -> str:
    """One report of one or several briefs: answers, a section per document, how far to trust them, the references.

    ``place`` makes the source of a document readable.
    """
    lines = [f"# {_one_line(title or briefs[0].question, 200)}", ""]
    mark = "##" if len(briefs) == 1 else "###"
    for brief in briefs:
        if len(briefs) > 1:
            lines += [f"## {_one_line(brief.question, 200)}", ""]
        lines += _body(brief, mark)
    if notes:
        lines += [
            "## Limits",
            "",
            *(part for note in notes for part in (f"*This brief was made under a limit: {_note(note)}*", "")),
        ]
    references = _references([line for brief in briefs for line in brief.lines], place)
    if references:
        lines += ["## References", "", *references]
    return "\n".join(lines).rstrip() + "\n"


def _body(brief: Brief, mark: str) -> list[str]:
    lines: list[str] = []
    if brief.answer:
        lines += [f"{mark} In short", "", *_paragraphs(brief.answer)]
    for heading, members in brief.sections.items():
        lines += [f"{mark} {heading}", "", *_paragraphs(members)]
    if brief.near:
        # In a fence, for these are places to look at: an audit would take them for statements with a citation.
        return [*lines, f"*{_NEAREST}*", "", "```text", *map(_near, brief.near), "```", ""]
    lines += [f"{mark} How far to trust this", "", f"*{_NOTES[brief.strength]}*", ""]
    if brief.missing and brief.answer:
        lines += [
            f"*This brief has no sentence that meets these words of the question: {', '.join(brief.missing)}.*",
            "",
        ]
    return lines


def _near(found: Found) -> str:
    """A passage to look at: where it is, and the reference that opens it."""
    where = [_one_line(part).rstrip(".") for part in (found.title, found.heading) if part]
    return f"{found.ref}  {', '.join(dict.fromkeys(where)) or 'Untitled'}"


def _paragraphs(lines: Sequence[Line]) -> list[str]:
    return [part for line in lines for part in (_sentence(line), "")]


def _where(found: Found) -> str:
    """The date of a source and the page in it, as far as they are known: " (2021, p. 4)"."""
    known = [part for part in (_one_line(found.date, 20), f"p. {found.page}" if found.page else "") if part]
    return f" ({', '.join(known)})" if known else ""


def _references(lines: Sequence[Line], place: Place) -> list[str]:
    """A line for each citation; the second one of a document names the first instead of the source."""
    first: dict[str, int] = {}
    listed = []
    for line in lines:
        found, doc_id = line.sentence.found, line.sentence.doc_id
        known = first.setdefault(doc_id, line.number)
        title = (_one_line(found.title) or "Untitled").rstrip(".") + _where(found)
        source = _one_line(place(found.source), 300) if known == line.number else f"Same source as {known}"
        listed.append(f"[{line.number}] {title}. {source}. `{line.sentence.ref}`\n")
    return listed
