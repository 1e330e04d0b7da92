"""The goals that need no clock and no server: identifiers, fields, abstracts, merging, titles, retractions."""

from __future__ import annotations

import csv
import gzip
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.scholar.material import crossref_messages, lines, openalex_works, searches

from carrel.errors import CarrelError
from carrel.records import Work, WorkStatus
from carrel.scholarly import Record, Retractions, compare_titles, parse_identifier
from carrel.scholarly.crossref import crossref_record
from carrel.scholarly.merge import group
from carrel.scholarly.openalex import openalex_record

__all__ = ["abstracts", "fields", "identifiers", "merging", "retractions", "titles"]

_MARKUP = re.compile(r"</?(?:jats|mml|[a-z]{1,5})[:>\s]|&(?:amp|lt|gt|#\d)")

_COLUMNS = (
    "OriginalPaperDOI",
    "OriginalPaperPubMedID",
    "RetractionDOI",
    "RetractionNature",
    "RetractionDate",
    "Reason",
)


def _share(right: Sequence[bool]) -> float:
    return round(sum(right) / len(right), 4) if right else 0.0


def _letters(text: str) -> str:
    return re.sub(r"<[^>]*>|&\w+;|[\W_]", "", text).lower()


def identifiers(data: Path) -> dict[str, Any]:
    """A-1: real DOIs and arXiv numbers in several spellings; titles and mangled identifiers must be refused."""
    entries = [*lines(data / "references" / "bibliography_entries.jsonl"), *lines(data / "references/references.jsonl")]
    dois = sorted({e["doi"].strip() for e in entries if re.fullmatch(r"10\.\d{4,9}/\S+", (e.get("doi") or "").strip())})
    links = " ".join(str(e.get("arxiv_link") or "") + " " + str(e.get("url") or "") for e in entries)
    numbers = sorted(set(re.findall(r"arxiv\.org/abs/(\d{4}\.\d{4,5})", links)))
    wanted: list[tuple[str, str]] = []
    for doi in (d for d in dois if "arxiv" not in d.lower() and "\\" not in d):
        forms = (doi, f"doi:{doi}", f"https://doi.org/{doi}", f"http://dx.doi.org/{doi.upper()}", f"DOI {doi}.")
        wanted += [(form, f"doi:{doi.lower()}") for form in forms]
    for number in numbers:
        forms = (f"arXiv:{number}", f"https://arxiv.org/abs/{number}v2", f"https://arxiv.org/pdf/{number}.pdf")
        wanted += [(form, f"arxiv:{number}") for form in (*forms, f"10.48550/arXiv.{number}")]
    nothing = [e["title"] for e in entries if len(e["title"].split()) > 2]
    nothing += [f"11.{doi[3:]}" for doi in dois] + [doi.partition("/")[0] for doi in dois]
    wrong = [(text, _read(text)) for text, right in wanted if _read(text) != right]
    accepted = [text for text in nothing if _read(text)]
    cases = len(wanted) + len(nothing)
    return {
        "cases": cases,
        "negatives": len(nothing),
        "right": round(1 - (len(wrong) + len(accepted)) / cases, 4),
        "false_accepts": len(accepted),
        "wrong": [*wrong[:5], *accepted[:5]],
    }


def _read(text: str) -> str:
    try:
        found = parse_identifier(text)
    except CarrelError:
        return ""
    return f"{found.scheme}:{found.value}"


def fields(data: Path) -> dict[str, Any]:
    """A-5: what recorded Crossref and OpenAlex records say against what was read from them."""
    told: dict[str, list[bool]] = {"title": [], "doi": [], "year": [], "families": [], "no markup": []}
    for message in crossref_messages(data):
        work = crossref_record(message).work
        parts = (message.get("issued", {}).get("date-parts") or [[None]])[0]
        families = [" ".join(a["family"].split()) for a in message["author"] if a.get("family")]
        told["title"].append(_letters(work.title).startswith(_letters(message["title"][0])[:40]))
        told["doi"].append("arxiv" in work.identifiers or work.identifiers.get("doi") == message["DOI"].lower())
        told["year"].append(not parts or not parts[0] or work.year == int(parts[0]))
        told["families"].append([a.family for a in work.authors if a.family in families] == families)
        told["no markup"].append(not _MARKUP.search(work.title + work.abstract + work.venue))
    for item in openalex_works(data):
        work = openalex_record(item).work
        told["title"].append(_letters(work.title).startswith(_letters(item.get("title") or "")[:40]))
        told["year"].append(work.year == item.get("publication_year"))
        told["families"].append(len(work.authors) == len(item["authorships"]))
        told["no markup"].append(not _MARKUP.search(work.title + work.abstract))
    return {"records": len(told["title"])} | {name: _share(right) for name, right in told.items()}


def abstracts(data: Path) -> dict[str, Any]:
    """A-6: every recorded inverted index, word by word in its order."""
    exact = []
    for item in openalex_works(data):
        if index := item.get("abstract_inverted_index"):
            placed = sorted((at, word) for word, places in index.items() for at in places)
            told = (" ".join(word for _, word in placed), openalex_record(item).work.abstract)
            plain, read = (
                re.sub(r"[\W_]", "", unescape(unescape(text))).lower().removeprefix("abstract") for text in told
            )
            exact.append(read == plain)
    return {"inverted_indexes": len(exact), "exact": _share(exact)}


def merging(data: Path) -> dict[str, Any]:
    """A-7: pairs of records in the recorded answers of Crossref and OpenAlex to one title.

    The DOI is the label: the same one is the same work, another one another work; pairs of different DOIs whose titles
    are letter for letter the same (a preprint and its article, or copies) say nothing and are left out. "blind" hides
    every identifier of the OpenAlex records, so that title, author and year alone must join and keep apart.
    """
    answers = searches(data)
    return {name: _pairs(answers, blind) for name, blind in (("as_recorded", False), ("blind", True))}


def _pairs(answers: Sequence[Any], blind: bool) -> dict[str, Any]:
    right = joined = missed = apart = 0
    for answer in answers:
        records = [*answer.crossref, *answer.openalex]
        labels = [record.work.identifiers.get("doi") for record in records]
        shown = [_hidden(r) if blind and r.provider == "openalex" else r for r in records]
        home = {at: n for n, places in enumerate(group(shown)) for at in places}
        for one, other in combinations(range(len(records)), 2):
            if not labels[one] or not labels[other]:
                continue
            same, together = labels[one] == labels[other], home[one] == home[other]
            if not same and _letters(records[one].work.title) == _letters(records[other].work.title):
                continue
            right += same and together
            missed += same and not together
            joined += together and not same
            apart += not together and not same
    f1 = 2 * right / max(1, 2 * right + joined + missed)
    return {
        "pairs": right + missed + joined + apart,
        "same": right + missed,
        "wrongly_joined": joined,
        "f1": round(f1, 4),
    }


def _hidden(record: Record) -> Record:
    return replace(record, work=replace(record.work, identifiers={}), related=frozenset())


def titles(data: Path) -> dict[str, Any]:
    """A-8: real titles with one word exchanged, a number or part changed, or a denial; and as others print them."""
    read = lines(data / "references" / "bibliography_entries.jsonl")
    plain = [t for e in read if len((t := " ".join(e["title"].split())).split()) >= 5 and t.isascii()]
    near: list[tuple[str, str]] = []
    benign: list[tuple[str, str]] = []
    for at, title in enumerate(plain):
        words, strange = title.split(), max(plain[at - 1].split(), key=len)
        longest = words.index(max(words, key=len))
        if strange.lower() not in title.lower():
            near.append((title, " ".join([*words[:longest], strange, *words[longest + 1 :]])))
        near += [(f"{title}, part I", f"{title}, part II"), (f"{title} 3", f"{title} 4"), (title, f"Erratum: {title}")]
        forms = (title.upper(), title.lower(), f"{title}.", f"<i>{title}</i>", "{" + title + "}", f"  {title} ")
        benign += [(title, form) for form in (*forms, title.replace("-", "‐"), title.replace("'", "’"))]
    return {
        "near_misses": len(near),
        "near_miss_called_same": round(1 - _share([compare_titles(a, b).kind != "same" for a, b in near]), 4),
        "near_miss_accepted": round(1 - _share([not compare_titles(a, b).agrees for a, b in near]), 4),
        "benign": len(benign),
        "benign_accepted": _share([compare_titles(a, b).agrees for a, b in benign]),
    }


def retractions(data: Path) -> dict[str, Any]:
    """A-9: the real list of works, each with a notice of its own that a catalogue wrongly flags as retracted."""
    with gzip.open(data / "retractions" / "retraction_status.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = [(row["doi"], row["nature"].split(";")) for row in csv.DictReader(file)]
    listed = [(doi, kinds) for doi, kinds in rows if _read(doi)]
    with tempfile.TemporaryDirectory() as folder:
        path, kept = Path(folder) / "rw.csv", Retractions(Path(folder))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            for at, (doi, kinds) in enumerate(listed):
                writer.writerows([doi, "0", f"10.5555/n{at}", kind, "1/2/2020 0:00", "+Error;"] for kind in kinds)
        kept.load(path)
        against = [doi for doi, kinds in listed if kinds == ["Retraction"]]
        judged = kept.judge([Work("w", identifiers={"doi": doi.lower()}) for doi in against])
        flag = WorkStatus("retracted", provider="openalex")
        notices = kept.judge(
            [Work("n", identifiers={"doi": f"10.5555/n{at}"}, status=flag) for at in range(len(listed))]
        )
    recorded = [m for m in crossref_messages(data) if m.get("update-to") and not m.get("updated-by")]
    flagged = [w for w in notices if w.status and w.status.state != "none_known"]
    flagged += [w for m in recorded if (w := crossref_record(m).work).status and w.status.state != "none_known"]  # type: ignore[union-attr]
    return {
        "rows_without_a_readable_doi": len(rows) - len(listed),
        "retracted": len(against),
        "recall": _share([w.status is not None and w.status.state == "retracted" for w in judged]),
        "notices": len(notices) + len(recorded),
        "notices_flagged": len(flagged),
    }
