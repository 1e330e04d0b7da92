"""An evaluation from its options to its outcome: test sets, somebody's own collection, or runs that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from carrel.errors import BadRequest, NotFound
from carrel.evaluation.advice import advice
from carrel.evaluation.beir import is_beir, read_corpus, read_queries, read_questions, with_answers
from carrel.evaluation.choosing import chosen
from carrel.evaluation.comparing import Table, compared
from carrel.evaluation.judged import names_of_documents
from carrel.evaluation.nouns import Progress, Questions, Run
from carrel.evaluation.options import Bound, Options
from carrel.evaluation.own import GRANULARITY, halves, own_questions, place_name
from carrel.evaluation.pipelines import Pipeline, ablation, leans_on_words
from carrel.evaluation.report import as_data, as_markdown
from carrel.evaluation.running import Shelf, run_pipeline
from carrel.evaluation.setting import encoder, facts, reranking
from carrel.evaluation.shelves import folder_bytes, shelf_of
from carrel.evaluation.trec import read_qrels, read_run
from carrel.evaluation.writing import write
from carrel.index import ANALYSERS, open_library
from carrel.records import Hit
from carrel.settings import Settings

__all__ = ["Outcome", "Surroundings", "work"]

_OWN = 150  # questions of each kind, unless asked otherwise


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an evaluation needs: settings, a folder for its indexes, a clock that counts seconds, who hears progress."""

    settings: Settings
    cache: Path
    clock: Callable[[], float]
    progress: Progress


@dataclass(frozen=True, slots=True)
class Outcome:
    """One table as text and as data, and a sentence for each measure ``below`` what it should reach."""

    markdown: str
    data: Mapping[str, Any]
    below: tuple[str, ...] = ()


def work(options: Options, around: Surroundings) -> Iterator[Outcome]:
    """Evaluate, one outcome per table. Raises BadRequest, NotFound, Unsupported (ir_measures) or Unavailable."""
    if options.runs:
        yield _of_runs(options)
    elif options.own:
        yield _of_own(options, around)
    elif options.collection:
        yield _of_collection(options, around)
    else:
        for folder in options.sets:
            yield _of_set(folder, options, around)


def _of_runs(options: Options) -> Outcome:
    if options.qrels is None:
        raise BadRequest("--run needs --qrels, the judgements it is measured by")
    qrels = read_qrels(options.qrels)
    questions = with_answers(options.qrels.stem, dict.fromkeys(qrels, ""), qrels)
    runs = _told_apart([read_run(path) for path in options.runs])
    pairs = [(runs[-1].name, run.name) for run in runs[:-1]]
    table = compared(questions, runs, pairs, measures=options.measures, seed=options.seed)
    return _outcome(table, {"seed": options.seed}, runs, replace(options, main=runs[-1].name))


def _told_apart(runs: Sequence[Run]) -> list[Run]:
    names: dict[str, int] = {}
    made = []
    for run in runs:
        count = names[run.name] = names.get(run.name, 0) + 1
        made.append(replace(run, name=f"{run.name} ({count})") if count > 1 else run)
    return made


def _of_set(folder: Path, options: Options, around: Surroundings) -> Outcome:
    if not is_beir(folder):
        raise NotFound("that folder is no test set; it needs corpus.jsonl, queries.jsonl and a folder qrels")
    if options.language and options.language not in ANALYSERS:
        raise BadRequest("unknown language; write its English name or its code, as german or de, or none")
    questions = _few(read_questions(folder, options.split), options.questions)
    corpus = read_corpus(folder / "corpus.jsonl")
    questions = _with_notes(questions, set(corpus.names))
    pipelines, pairs = _plan(options)
    with shelf_of(
        corpus,
        around.cache,
        encoder(around.settings),
        words=list(dict.fromkeys(("usual", *(each.words for each in pipelines)))),
        language=options.language,
        vectors=any(each.mode != "lexical" for each in pipelines),
        progress=around.progress,
    ) as shelf:
        shelf = replace(shelf, reranking=reranking(around.settings))
        empty = len(corpus.names) - shelf.library.collection(shelf.collections["usual"]).documents
        if empty:
            questions = replace(questions, notes=(*questions.notes, f"{empty} documents of the set have no text"))
        return _measured(shelf, questions, pipelines, pairs, options, around)


def _with_notes(questions: Questions, known: set[str]) -> Questions:
    """The same, with a note on relevant documents that are not among ``known``."""
    found = with_answers(questions.name, questions.topics, questions.qrels, known)
    return replace(questions, notes=(*questions.notes, *found.notes))


def _of_collection(options: Options, around: Surroundings) -> Outcome:
    if options.queries is None or options.qrels is None:
        raise BadRequest("--collection needs --queries and --qrels; --own makes questions by itself")
    topics, qrels = read_queries(options.queries), read_qrels(options.qrels)
    library = open_library(around.settings)
    try:
        called = names_of_documents(library, options.collection, qrels)
        questions = _few(with_answers(options.collection, topics, qrels, set(called.values())), options.questions)

        def name(hit: Hit, _: object) -> str:
            return called.get(hit.passage.doc_id, hit.passage.doc_id)

        shelf = Shelf(
            library,
            {"usual": options.collection},
            name,
            reranking=reranking(around.settings),
            bytes=folder_bytes(library.data),
        )
        pipelines, pairs = _plan(options, whole=False)
        return _measured(shelf, questions, pipelines, pairs, options, around)
    finally:
        library.close()


def _of_own(options: Options, around: Surroundings) -> Outcome:
    library = open_library(around.settings)
    try:
        each = options.questions or _OWN
        questions = own_questions(library, options.own, each=each, seed=options.seed, progress=around.progress)
        shelf = Shelf(
            library,
            {"usual": options.own},
            place_name,
            kinds=GRANULARITY,
            reranking=reranking(around.settings),
            bytes=folder_bytes(library.data),
        )
        pipelines, pairs = _plan(options, whole=False)
        if options.ablate:
            return _measured(shelf, questions, pipelines, pairs, options, around)
        return _chosen_of(shelf, questions, pipelines, pairs, options, around)
    finally:
        library.close()


def _chosen_of(
    shelf: Shelf,
    questions: Questions,
    pipelines: Sequence[Pipeline],
    pairs: Sequence[tuple[str, str]],
    options: Options,
    around: Surroundings,
) -> Outcome:
    picking, proving = halves(questions, seed=options.seed)
    if not picking.topics or not proving.topics:
        raise BadRequest("the collection gives too few questions to choose by; add documents")
    runs = [_run(shelf, questions, each, options, around) for each in pipelines]
    tables = [compared(half, runs, pairs, measures=options.measures, seed=options.seed) for half in (picking, proving)]
    main = next(each for each in pipelines if each.name == options.main)
    barred = [each.name for each in pipelines if leans_on_words(each, main)]
    if barred:
        note = f"questions in the words of their texts favour {', '.join(barred)}, which they cannot choose"
        questions = replace(questions, notes=(*questions.notes, note))
    choice = chosen(tables[0], tables[1], options.main, barred)
    whole = compared(questions, runs, pairs, measures=options.measures, seed=options.seed)
    outcome = _outcome(whole, facts(shelf, depth=options.depth, seed=options.seed), runs, options)
    parts = [as_markdown(table, {}) for table in tables]
    told = advice(choice, next(each for each in pipelines if each.name == choice.name))
    return Outcome(
        "\n".join([outcome.markdown, *parts, told]),
        {**outcome.data, "choice": choice.name, "reason": choice.reason, "halves": [as_data(t, {}) for t in tables]},
        outcome.below,
    )


def _plan(options: Options, *, whole: bool = True) -> tuple[tuple[Pipeline, ...], list[tuple[str, str]]]:
    """The pipelines, and which are compared. Without ``whole`` there is one index only, as the library has it."""
    if not options.ablate:
        if not whole and any(each.words != "usual" for each in options.pipelines):
            raise BadRequest("a library has one index; words=whole is for test sets")
        pairs = [(options.main, each.name) for each in options.pipelines if each.name != options.main]
        return options.pipelines, pairs
    stages = [(each, other) for each, other in ablation() if whole or each.words == "usual"]
    names = {each.name for each, _ in stages}
    return tuple(each for each, _ in stages), [(each.name, other) for each, other in stages if other in names]


def _few(questions: Questions, most: int) -> Questions:
    if not most or len(questions.topics) <= most:
        return questions
    topics = dict(islice(questions.topics.items(), most))
    note = f"only the first {most} of {len(questions.topics)} questions"
    qrels = {topic: questions.qrels[topic] for topic in topics}
    return replace(questions, topics=topics, qrels=qrels, notes=(*questions.notes, note))


def _measured(
    shelf: Shelf,
    questions: Questions,
    pipelines: Sequence[Pipeline],
    pairs: Sequence[tuple[str, str]],
    options: Options,
    around: Surroundings,
) -> Outcome:
    runs = [_run(shelf, questions, each, options, around) for each in pipelines]
    table = compared(questions, runs, pairs, measures=options.measures, seed=options.seed)
    return _outcome(table, facts(shelf, depth=options.depth, seed=options.seed), runs, options)


def _run(shelf: Shelf, questions: Questions, each: Pipeline, options: Options, around: Surroundings) -> Run:
    return run_pipeline(shelf, questions, each, depth=options.depth, clock=around.clock, progress=around.progress)


def _outcome(table: Table, facts: Mapping[str, Any], runs: Sequence[Run], options: Options) -> Outcome:
    below = tuple(filter(None, (_missed(table, each, options.main) for each in options.bounds)))
    markdown, data = as_markdown(table, facts), as_data(table, facts)
    if options.out is not None:
        remarks = write(options.out, table, markdown, data, runs, seed=options.seed)
        markdown += "".join(f"- {remark}\n" for remark in remarks)
    return Outcome(markdown, data, below)


def _missed(table: Table, bound: Bound, main: str) -> str:
    value = table.row(main).means[bound.measure]
    if value >= bound.least:
        return ""
    return f"{table.questions.name}: {bound.measure} of {main} is {value:.4f}, below {bound.least}"
