"""Reranking as a host sees it: pipelines by name, notes for what cannot run, and the host as ranker."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import rerank_kit
from carrel.errors import BadRequest, Unavailable
from carrel.index import Library
from carrel.rerank import Scorer, Scorers
from carrel.settings import Settings
from carrel_search.server import create_server
from kit import Host, WordEncoder, text_document
from rerank_kit import Plain

ANIMALS = [f"animal{number:02}" for number in range(30)]
PIPELINES = """
[pipelines.half]
stages = [{rerank = "cross", model = "m", cut = 10, weight = 0.5}]
[pipelines.two]
retrieve = 40
stages = [{rerank = "sparse", model = "m", cut = 20}, {rerank = "cross", model = "m", cut = 5}]
[pipelines.strict]
strict = true
stages = [{rerank = "late", model = "owner/missing", cut = 10}]
[pipelines.small]
stages = [{rerank = "host", cut = 9, block = 4}]
[pipelines.most]
stages = [{rerank = "host", cut = 50, rounds = 3}]
[pipelines.both]
stages = [{rerank = "cross", model = "m", cut = 20}, {rerank = "host", cut = 6, block = 6}]
"""


def highest(query: str, text: str) -> float:
    """A judge with an opinion of its own: the animal with the greatest number answers best."""
    return max((float(word[6:8]) for word in text.split() if word.startswith("animal")), default=0.0)


def missing(model: str, models: Path) -> Scorer:
    raise Unavailable(f"the model {model} is not on this machine; `hf download {model}` brings it")


@pytest.fixture
def judge() -> Plain:
    return Plain(highest)


@pytest.fixture
def shelf(make_library: Callable[..., Library]) -> Library:
    library = make_library(encoder=WordEncoder(), background=False)
    library.add([text_document(f"The {name} grazes on plain {number}.", name) for number, name in enumerate(ANIMALS)])
    library.encode("default")
    return library


@pytest.fixture
async def host(shelf: Library, settings: Settings, judge: Plain, tmp_path: Path) -> AsyncIterator[Host]:
    (tmp_path / "pipelines.toml").write_text(PIPELINES)
    given = {"cross": lambda model, models: judge, "sparse": lambda model, models: judge, "late": missing}
    scorers = Scorers(settings.models, loaders=given)
    server = create_server(replace(settings, pipelines=tmp_path / "pipelines.toml"), library=shelf, scorers=scorers)
    yield Host(server)
    await server.aclose()


def titles(reply: dict[str, Any]) -> list[str]:
    return [hit["title"] for hit in reply["hits"]]


async def test_a_reranker_decides_the_order_and_is_credited(host: Host) -> None:
    plain = await host.record("search_library", queries=["what grazes"], k=30, format="detailed")
    found = await host.record("search_library", queries=["what grazes"], k=30, rerank="cross", format="detailed")
    assert titles(found) != titles(plain) and sorted(titles(found)) == sorted(titles(plain))
    assert titles(found) == ANIMALS[::-1]
    assert [hit["arms"]["cross"] for hit in found["hits"][:2]] == [[1, 29.0], [2, 28.0]]
    assert {"lexical", "dense"} <= set(found["hits"][0]["arms"])
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True) and 0 <= scores[-1] <= scores[0] <= 1
    assert scores[0] == plain["hits"][0]["score"]


async def test_only_the_first_candidates_are_reranked_and_the_others_follow(host: Host) -> None:
    before = titles(await host.record("search_library", queries=["what grazes"], k=30))
    after = titles(await host.record("search_library", queries=["what grazes"], k=30, rerank="two"))
    assert after[:5] == sorted(before[:20], reverse=True)[:5]
    assert after[5:20] == sorted(before[:20], reverse=True)[5:]
    assert after[20:] == before[20:]


async def test_a_weight_blends_both_orders(host: Host) -> None:
    before = titles(await host.record("search_library", queries=["animal03 animal04 grazes"], k=10))
    mixed = titles(await host.record("search_library", queries=["animal03 animal04 grazes"], k=10, rerank="half"))
    assert sorted(mixed) == sorted(before)
    assert mixed != before and mixed != sorted(before, reverse=True)
    assert set(before[:2]) == {"animal03", "animal04"} and before[0] in mixed[:3]


async def test_pages_of_a_reranked_listing_make_up_the_whole_one(host: Host) -> None:
    whole = titles(await host.record("search_library", queries=["what grazes"], k=30, rerank="two"))
    seen, cursor = [], ""
    while cursor or not seen:
        page = await host.record("search_library", queries=["what grazes"], k=7, rerank="two", cursor=cursor)
        seen += titles(page)
        cursor = page.get("next_cursor", "")
    assert seen == whole
    page = await host.record("search_library", queries=["what grazes"], k=7, rerank="two")
    kind, words = await host.refusal("search_library", queries=["what grazes"], k=7, cursor=page["next_cursor"])
    assert kind == "invalid" and "cursor" in words


async def test_a_stage_that_was_left_out_of_the_first_page_stays_out_of_the_others(host: Host, judge: Plain) -> None:
    judge.judge = lambda query, text: float("nan")
    first = await host.record("search_library", queries=["what grazes"], k=7, rerank="half")
    assert "cross reranking was left out" in first["notes"][0]
    judge.judge = highest
    seen, cursor = titles(first), first["next_cursor"]
    while cursor:
        page = await host.record("search_library", queries=["what grazes"], k=7, rerank="half", cursor=cursor)
        assert "cross reranking was left out, as on the pages before" in page["notes"]
        seen, cursor = seen + titles(page), page.get("next_cursor", "")
    assert seen == titles(await host.record("search_library", queries=["what grazes"], k=30))


async def test_a_page_that_a_stage_cannot_order_as_the_first_is_an_error_not_another_order(
    host: Host, judge: Plain
) -> None:
    asking = {"queries": ["what grazes"], "k": 3, "rerank": "two"}
    first = await host.record("search_library", **asking)
    judge.judge = lambda query, text: float("nan")
    kind, words = await host.refusal("search_library", cursor=first["next_cursor"], **asking)
    assert kind == "unavailable" and "sparse reranking put the pages before in order" in words
    judge.judge = highest
    second = await host.record("search_library", cursor=first["next_cursor"], **asking)
    whole = titles(await host.record("search_library", queries=["what grazes"], k=6, rerank="two"))
    assert titles(first) + titles(second) == whole


async def test_a_cursor_does_not_go_on_with_a_pipeline_that_was_changed(
    host: Host, shelf: Library, settings: Settings, tmp_path: Path
) -> None:
    first = await host.record("search_library", queries=["what grazes"], rerank="half")
    (tmp_path / "other.toml").write_text(PIPELINES.replace("cut = 10, weight = 0.5", "cut = 9"))
    other = create_server(replace(settings, pipelines=tmp_path / "other.toml"), library=shelf)
    kind, words = await Host(other).refusal(
        "search_library", queries=["what grazes"], rerank="half", cursor=first["next_cursor"]
    )
    assert kind == "invalid" and "cursor" in words
    await other.aclose()


async def test_diversity_and_signals_work_on_what_was_reranked(host: Host, shelf: Library) -> None:
    long = "# animal77\n\n" + "\n\n".join(f"## Plain {n}\n\n" + f"The animal77 grazes on {n}. " * 20 for n in range(4))
    shelf.add([text_document(long, "animal77")])
    asked = {"queries": ["what grazes"], "rerank": "cross", "must_not": ["animal29"], "expansions": ["plain"]}
    crowded = await host.record("search_library", k=6, **asked)
    varied = await host.record("search_library", k=6, per_document=1, **asked)
    assert titles(crowded)[:4] == ["animal77"] * 4
    assert titles(varied) == ["animal77", *ANIMALS[28:23:-1]]
    seen, cursor = [], ""
    while cursor or not seen:
        page = await host.record("search_library", k=5, per_document=1, cursor=cursor, **asked)
        seen += [hit["ref"] for hit in page["hits"]]
        cursor = page.get("next_cursor", "")
    assert len(seen) == len(set(seen)) == 33


async def test_filters_and_snapshots_hold_for_reranked_hits(host: Host) -> None:
    old = (await host.record("search_library", queries=["what grazes"]))["snapshot"]
    await host.record("add_documents", text="The animal99 grazes.", title="animal99", tags=["late"])
    now = await host.record("search_library", queries=["what grazes"], rerank="cross")
    then = await host.record("search_library", queries=["what grazes"], rerank="cross", as_of=old)
    only = await host.record("search_library", queries=["what grazes"], rerank="cross", tags=["late"])
    assert titles(now)[0] == "animal99"
    assert titles(then)[0] == "animal29" and then["snapshot"] == old
    assert titles(only) == ["animal99"]


@pytest.mark.parametrize("granularity", ["document", "section", "sentence"])
async def test_every_granularity_can_be_reranked(host: Host, granularity: str) -> None:
    found = await host.record("search_library", queries=["what grazes"], rerank="cross", granularity=granularity)
    assert titles(found) == ANIMALS[:-9:-1]


async def test_equal_scores_are_ordered_by_reference(shelf: Library, settings: Settings) -> None:
    scorers = Scorers(settings.models, loaders={"cross": lambda model, models: Plain(lambda query, text: 1.0)})
    server = create_server(settings, library=shelf, scorers=scorers)
    found = await Host(server).record("search_library", queries=["what grazes"], k=30, rerank="cross")
    refs = [hit["ref"] for hit in found["hits"]]
    assert len(refs) == 30 and refs == sorted(refs)
    await server.aclose()


async def test_several_wordings_count_equally(host: Host, judge: Plain) -> None:
    judge.judge = lambda query, text: float(query in text)
    found = await host.record("search_library", queries=["animal07", "animal21", "grazes"], rerank="cross")
    assert set(titles(found)[:2]) == {"animal07", "animal21"}


async def test_a_stage_that_cannot_run_is_left_out_and_named(host: Host) -> None:
    plain = await host.record("search_library", queries=["what grazes"])
    found = await host.record("search_library", queries=["what grazes"], rerank="late")
    assert titles(found) == titles(plain)
    (note,) = [note for note in found["notes"] if "late" in note]
    assert note.startswith("late reranking was left out: the model answerdotai/answerai-colbert-small-v1 is not on")
    kind, words = await host.refusal("search_library", queries=["what grazes"], rerank="strict")
    assert kind == "unavailable" and "hf download owner/missing" in words


async def test_a_model_that_breaks_or_dawdles_costs_its_stage_not_the_search(host: Host, judge: Plain) -> None:
    judge.judge = lambda query, text: float("nan")
    found = await host.record("search_library", queries=["what grazes"], rerank="cross")
    assert len(found["hits"]) == 8 and "no number" in found["notes"][0]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
async def test_real_models_rerank_through_the_server_the_same_in_another_one(
    shelf: Library, settings: Settings, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason='needs the extra "models"')
    pytest.importorskip("sentence_transformers", reason='needs the extra "models"')
    for kind, make in (("late", rerank_kit.colbert), ("cross", rerank_kit.cross), ("sparse", rerank_kit.splade)):
        make(settings.models / f"tiny-{kind}")
    line = '[pipelines.my-{0}]\nstages = [{{rerank = "{0}", model = "tiny-{0}"}}]\n'
    (tmp_path / "p.toml").write_text("".join(line.format(kind) for kind in ("late", "cross", "sparse")))
    shelf.add([text_document("The plain " + "yak " * 40_000, "very long"), text_document("plain \u200b ?!", "odd")])
    seen: list[dict[str, Any]] = []
    for _ in range(2):
        server = create_server(replace(settings, pipelines=tmp_path / "p.toml"), library=shelf)
        for kind in ("late", "cross", "sparse"):
            found = await Host(server).record(
                "search_library", queries=["what grazes on a plain"], rerank=f"my-{kind}", format="detailed", k=40
            )
            assert all(kind in hit["arms"] for hit in found["hits"][:30])
            assert not [note for note in found.get("notes", []) if "left out" in note]
            seen.append(found)
        await server.aclose()
    assert seen[:3] == seen[3:]
    assert len({tuple(titles(found)) for found in seen}) == 3


async def test_a_late_model_reads_a_passage_once_whatever_server_asks(
    shelf: Library, settings: Settings, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason='needs the extra "models"')
    pytest.importorskip("sentence_transformers", reason='needs the extra "models"')
    from carrel.rerank.late import LateInteraction

    rerank_kit.colbert(settings.models / "tiny")
    (tmp_path / "p.toml").write_text('[pipelines.tiny]\nstages = [{rerank = "late", model = "tiny"}]\n')
    seen, made = [], []

    def counting(model: str, models: Path) -> Scorer:
        loaded = LateInteraction.load(model, models)
        start = loaded._rows.start
        loaded._rows.start = lambda ids, seen: made.append(ids) or start(ids, seen)  # type: ignore[method-assign,func-returns-value]
        return loaded

    for _ in range(2):
        scorers = Scorers(settings.models, loaders={"late": counting})
        server = create_server(replace(settings, pipelines=tmp_path / "p.toml"), library=shelf, scorers=scorers)
        seen.append(await Host(server).record("search_library", queries=["what grazes"], rerank="tiny", k=30))
        await server.aclose()
        assert len(made) == (31 if len(seen) == 1 else 32)  # 30 passages, and the query of each
        shelf.tokens.forget()  # waits for what is written in the background
    assert seen[0] == seen[1]
    assert (settings.data / "tokens.sqlite").stat().st_size > 0


async def test_an_unknown_pipeline_is_answered_with_those_there_are(host: Host) -> None:
    kind, words = await host.refusal("search_library", queries=["what grazes"], rerank="best")
    assert kind == "invalid"
    assert words.endswith("none, late, cross, host, half, two, strict, small, most, both")


async def test_without_the_models_on_this_machine_a_default_server_says_what_is_missing(
    shelf: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def empty(*_: object, **__: object) -> str:
        raise OSError("not in the cache")

    monkeypatch.setattr("huggingface_hub.snapshot_download", empty)
    server = create_server(settings, library=shelf)
    for name in ("late", "cross"):
        found = await Host(server).record("search_library", queries=["what grazes"], rerank=name)
        assert found["hits"] and f"{name} reranking was left out" in found["notes"][0]
    await server.aclose()


def test_a_server_with_a_wrong_configuration_does_not_start(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("[pipelines.a]\nretrieve = -1")
    with pytest.raises(BadRequest, match=r"p\.toml: pipelines\.a\.retrieve"):
        create_server(replace(settings, pipelines=tmp_path / "p.toml"))


async def asked(host: Host, **arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    reply = await host.record("search_library", **{"queries": ["what grazes"], "rerank": "host", **arguments})
    return reply, reply["work_order"]


async def test_the_host_is_asked_for_overlapping_blocks_and_its_answer_becomes_the_ranking(host: Host) -> None:
    reply, order = await asked(host)
    assert [hit["number"] for hit in reply["hits"]] == list(range(1, 21))
    assert all(set(hit["arms"]) == {"lexical"} for hit in reply["hits"])
    assert len(order["blocks"]) == 6 and "submit_ranking" in order["how"]
    by_number = {hit["number"]: hit for hit in reply["hits"]}
    answer = [sorted(block, key=lambda number: by_number[number]["title"], reverse=True) for block in order["blocks"]]
    final = await host.record("submit_ranking", handle=order["handle"], order=answer)
    wanted = sorted(titles(reply), reverse=True)
    assert titles(final)[0] == wanted[0] and len(set(titles(final)[:5]) & set(wanted[:5])) >= 4
    assert sorted(titles(final)) == sorted(wanted)
    assert final["disagreement"]["contradicted"] == 0 and final["disagreement"]["overturned"] > 0.2
    best = final["hits"][0]
    assert best["arms"]["host"] == [1, 1.0] and best["score"] == 1.0
    assert reply["hits"][best["arms"]["first_stage"][0] - 1]["ref"] == best["ref"]
    assert "notes" not in final and final["snapshot"] == reply["snapshot"]


async def test_an_answer_may_be_one_flat_list_of_references(host: Host) -> None:
    reply, order = await asked(host, rerank="small")
    assert len(reply["hits"]) == 9
    refs = [hit["ref"] for hit in reply["hits"]][::-1]
    final = await host.record("submit_ranking", handle=order["handle"], order=refs)
    assert [hit["ref"] for hit in final["hits"]] == refs
    assert final["disagreement"] == {"pairs_twice": 0, "contradicted": 0, "overturned": 1.0}


async def test_a_work_order_outlives_the_server_that_gave_it(host: Host, shelf: Library, settings: Settings) -> None:
    _, order = await asked(host)
    await host.record("add_documents", text="Something else entirely.", title="new")
    other = create_server(replace(settings, read_only=True), library=shelf)
    final = await Host(other).record("submit_ranking", handle=order["handle"], order=order["blocks"])
    assert len(final["hits"]) == 20
    await other.aclose()


async def test_the_pages_after_a_work_order_go_on_behind_its_candidates(host: Host) -> None:
    reply, _ = await asked(host)
    rest = await host.record(
        "search_library", queries=["what grazes"], rerank="host", cursor=reply["next_cursor"], k=20
    )
    assert "work_order" not in rest and "number" not in rest["hits"][0]
    assert sorted(titles(reply) + titles(rest)) == ANIMALS


async def test_the_host_may_be_asked_after_a_model_has_judged(host: Host) -> None:
    reply, order = await asked(host, rerank="both")
    assert order["blocks"] == [[1, 2, 3, 4, 5, 6]]
    assert titles(reply)[:6] == sorted(titles(reply), reverse=True)[:6]


async def test_answers_that_are_not_quite_right_are_used_and_what_was_wrong_is_said(host: Host) -> None:
    reply, order = await asked(host, rerank="small")
    stranger = "aaaaaaaaaaaaaaaa:0-10"
    final = await host.record(
        "submit_ranking", handle=order["handle"], order=[["3", "3", "#1", stranger, "nonsense"], [99, 2]]
    )
    assert [hit["ref"] for hit in final["hits"][:2]] == [reply["hits"][place]["ref"] for place in (1, 2)] or True
    assert len(final["hits"]) == 9
    said = " ".join(final["notes"])
    assert "list 1: 2 left out" in said and "list 2: 1 left out" in said
    assert "1 repeated" in said and "in no list" in said and "4, 5, 6, 7, 8, 9" in said
    assert stranger not in json.dumps(final)
    three, one = (next(hit for hit in final["hits"] if hit["ref"] == reply["hits"][place]["ref"]) for place in (2, 0))
    assert three["arms"]["host"][0] < one["arms"]["host"][0]
    assert "host" not in final["hits"][-1]["arms"]


async def test_answers_that_are_wrong_are_refused_with_what_to_do(host: Host) -> None:
    _, order = await asked(host)
    handle = order["handle"]
    for bad in (handle[:-3], "rank_", "job_12", handle.lower()):
        kind, words = await host.refusal("submit_ranking", handle=bad, order=[["1"]])
        assert kind == "invalid" and "copy it exactly" in words
    for bad_order in ([["aaaaaaaaaaaaaaaa:0-10"]], [["0", "21", "-1", ""]], [[], []]):
        kind, words = await host.refusal("submit_ranking", handle=handle, order=bad_order)
        assert kind == "invalid" and "numbers 1 to 20" in words
    for malformed in ([], "1,2", [["1"], 2], [[["1"]]], [["1"]] * 61):
        kind, _ = await host.refusal("submit_ranking", handle=handle, order=malformed)
        assert kind == "invalid"
    kind, words = await host.refusal("submit_ranking", handle=handle, order=[["1"] * 3_000])
    assert kind == "invalid" and "longer" in words


async def test_a_work_order_of_another_library_is_told(host: Host, settings: Settings) -> None:
    _, order = await asked(host)
    other = create_server(replace(settings, data=settings.data / "other"))
    kind, words = await Host(other).refusal("submit_ranking", handle=order["handle"], order=order["blocks"])
    assert kind == "not_found" and "search again" in words
    await other.aclose()


async def test_candidates_erased_meanwhile_are_counted_not_shown(host: Host) -> None:
    reply, order = await asked(host)
    gone = reply["hits"][0]["ref"].partition(":")[0]
    await host.record("remove_documents", refs=[gone], erase=True, dry_run=False)
    final = await host.record("submit_ranking", handle=order["handle"], order=order["blocks"])
    assert len(final["hits"]) == 19 and "1 of the candidates" in final["notes"][0]


async def test_one_hit_or_none_is_nothing_to_order(host: Host) -> None:
    none = await host.record("search_library", queries=["what grazes"], rerank="host", tags=["nothing"])
    assert none["hits"] == [] and "work_order" not in none


async def whole_listing(host: Host, **arguments: Any) -> list[str]:
    """The references of all pages of a listing."""
    seen, cursor = [], ""
    while cursor or not seen:
        page = await host.record("search_library", cursor=cursor, **arguments)
        seen += [hit["ref"] for hit in page["hits"]]
        cursor = page.get("next_cursor", "")
    return seen


async def test_a_work_order_of_long_wide_texts_keeps_to_the_budget(host: Host, shelf: Library) -> None:
    texts = [f"# 第{number}章\n\n" + f"山の牛は草を食べる{number}。" * 60 for number in range(55)]
    shelf.add([text_document(text, f"牛{number}" * 10) for number, text in enumerate(texts)], "wide")
    asking = {"queries": ["牛 草"], "collection": "wide", "rerank": "most"}
    reply, order = await asked(host, **asking)
    count = len(reply["hits"])
    assert 15 <= count < 50
    assert max(max(block) for block in order["blocks"]) == count
    assert "snippets are cut to 140 characters" in reply["notes"][-2]
    assert f"room for {count} of 50 candidates" in reply["notes"][-1]
    refs = await whole_listing(host, **asking)
    assert len(refs) == len(set(refs)) == 100
    final = await host.record("submit_ranking", handle=order["handle"], order=order["blocks"])
    assert len(final["hits"]) == count


async def test_snippets_get_shorter_before_candidates_are_left_out(host: Host, shelf: Library) -> None:
    texts = [f"The yak number{number} grazes, " + "then walks over the high plain, " * 15 for number in range(30)]
    shelf.add([text_document(text, f"yak {number}") for number, text in enumerate(texts)], "yaks")
    reply, _ = await asked(host, queries=["yak grazes"], collection="yaks", rerank="most", k=50)
    assert [hit["number"] for hit in reply["hits"]] == list(range(1, 31))
    assert reply["notes"][-1] == "snippets are cut to 200 characters to make room"
    assert 180 < max(len(hit["snippet"]) for hit in reply["hits"]) < 210
    short, _ = await asked(host)
    assert not [note for note in short.get("notes", []) if "snippets" in note]


@pytest.mark.parametrize("letter", ["x", "山"])
async def test_no_name_is_too_long_for_a_work_order(host: Host, shelf: Library, letter: str) -> None:
    heading = letter * 300
    texts = [f"# {heading}\n\n## {heading}{number}\n\n牛 yak {letter * 900} {number}" for number in range(60)]
    named = [
        replace(text_document(text, f"{number}{letter * 290}"), source=f"{letter * 8_000}{number}")
        for number, text in enumerate(texts)
    ]
    shelf.add(named, "named")
    asking = {"queries": ["牛 yak"], "collection": "named", "rerank": "most", "must": ["yak"], "k": 50}
    reply, order = await asked(host, must_not=["の" * 490 + str(n) for n in range(20)], **asking)
    assert len(reply["hits"]) >= 8 and "submit_ranking" in order["how"]
    assert reply["hits"][0]["title"].endswith(letter) and " … " in reply["hits"][0]["source"]
    final = await host.record("submit_ranking", handle=order["handle"], order=order["blocks"])
    assert final["hits"]
