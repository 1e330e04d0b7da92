"""Collections in many languages: each one's words find its documents, and a model by name finds across languages."""

from __future__ import annotations

import sys
import types
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from carrel.index import Library
from carrel.models import load_encoder
from carrel.settings import Settings
from carrel_search.server import create_server
from kit import Host, text_document

TEXTS = {
    "English": "The lighthouse keeper wrote down every ship that passed the harbour before the storm.",
    "German": "Der Leuchtturmwärter schrieb jedes Schiff auf, das vor dem Sturm am Hafen vorüberfuhr.",
    "French": "Le gardien du phare notait chaque navire qui passait devant le port avant la tempête.",
    "Chinese": "灯塔看守人记录了暴风雨前经过港口的每一艘船。",
    "Japanese": "灯台守は嵐の前に港を通ったすべての船を書き留めた。",
    "Russian": "Смотритель маяка записывал каждый корабль, проходивший мимо гавани перед бурей.",
    "Polish": "Latarnik zapisywał każdy statek, który przed burzą mijał port.",
    "Czech": "Strážce majáku zapisoval každou loď, která před bouří míjela přístav.",
    "Thai": "คนเฝ้าประภาคารจดชื่อเรือทุกลำที่แล่นผ่านท่าเรือก่อนพายุ",
}
QUERIES = [
    ("English", "harbour storm"),
    ("German", "Leuchtturmwärter Hafen"),
    ("German", "leuchtturmwarter sturm"),
    ("French", "gardien du phare"),
    ("French", "tempete navire"),
    ("Chinese", "港口 灯塔"),
    ("Chinese", "暴风雨"),
    ("Japanese", "嵐の前に"),
    ("Japanese", "書き留めた船"),
    ("Russian", "маяка корабль"),
    ("Russian", "МАЯКА БУРЕЙ"),
    ("Polish", "statek przed burzą"),
    ("Polish", "zapisywal latarnik"),
    ("Czech", "majáku loď"),
    ("Czech", "pristav bouri"),
    ("Thai", "ประภาคาร"),
    ("Thai", "พายุ เรือ"),
]


@pytest.fixture(params=["", "simple"])
async def host(
    request: pytest.FixtureRequest, settings: Settings, make_library: Callable[..., Library]
) -> AsyncIterator[Host]:
    library = make_library()
    library.create("default", language=request.param)
    library.add([text_document(text, title) for title, text in TEXTS.items()])
    server = create_server(settings, library=library)
    yield Host(server)
    await server.aclose()


@pytest.mark.parametrize(("language", "query"), QUERIES)
async def test_a_query_finds_the_document_of_its_language(host: Host, language: str, query: str) -> None:
    reply = await host.record("search_library", queries=[query], mode="lexical")
    assert reply["hits"][0]["title"] == language


@pytest.mark.parametrize(
    ("language", "phrase"),
    [
        ("Chinese", "经过港口"),
        ("Japanese", "すべての船"),
        ("Thai", "ก่อนพายุ"),
        ("Russian", "мимо гавани"),
        ("Polish", "mijał port"),
    ],
)
async def test_a_phrase_of_any_language_can_be_demanded(host: Host, language: str, phrase: str) -> None:
    reply = await host.record("search_library", queries=[phrase], must=[phrase], mode="lexical")
    assert [hit["title"] for hit in reply["hits"]] == [language]
    turned = phrase[::-1] if " " not in phrase else " ".join(reversed(phrase.split()))
    assert (await host.record("search_library", queries=[phrase], must=[turned], mode="lexical"))["hits"] == []


@pytest.mark.parametrize(
    ("language", "query"),
    [
        ("Russian", "корабьл"),
        ("Polish", "latarinka"),
        ("Czech", "prisatv"),
        ("German", "Leuchtturmwarer"),
        ("French", "tempte"),
    ],
)
async def test_a_mistyped_word_is_mended_in_its_own_alphabet(host: Host, language: str, query: str) -> None:
    reply = await host.record("search_library", queries=[query], mode="lexical")
    assert reply["hits"][0]["title"] == language


async def test_a_stemmed_collection_finds_other_forms_and_phrases_across_them(
    settings: Settings, make_library: Callable[..., Library]
) -> None:
    library = make_library()
    library.create("german", language="de")
    library.add([text_document(TEXTS["German"], "Turm"), text_document("Die Häuser stehen leer.", "Haus")], "german")
    server = create_server(settings, library=library)
    host = Host(server)
    for query, title in (("Häusern", "Haus"), ("die Schiffe", "Turm"), ("Hauser", "Haus"), ("Schifef", "Turm")):
        reply = await host.record("search_library", queries=[query], collection="german", mode="lexical")
        assert [hit["title"] for hit in reply["hits"]] == [title], query
    reply = await host.record("search_library", queries=["Haus"], must=["Haus stehen"], collection="german")
    assert [hit["title"] for hit in reply["hits"]] == ["Haus"]
    await server.aclose()


CONCEPTS = [
    ("lighthouse", "leuchtturm", "phare", "灯塔", "灯台", "маяк", "latarni", "maják", "ประภาคาร"),
    ("ship", "schiff", "navire", "船", "船", "корабл", "statek", "loď", "เรือ"),
    ("badger", "dachs", "blaireau", "獾", "アナグマ", "барсук", "borsuk", "jezevec", "แบดเจอร์"),
]


class _Multilingual:
    """A tiny model whose space is shared by all languages: one axis for each concept, however it is said."""

    max_seq_length = 128

    def __init__(self, name: str) -> None:
        assert name == "tiny/multilingual"
        self.prompts = {"query": "", "document": ""}

    def get_embedding_dimension(self) -> int:
        return len(CONCEPTS) + 1

    def state_dict(self) -> dict[str, Any]:
        return {}

    def encode_document(self, texts: list[str], **_: object) -> NDArray[np.float32]:
        rows = [[float(any(word in text.lower() for word in words)) for words in CONCEPTS] + [0.1] for text in texts]
        vectors = np.array(rows, np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    encode_query = encode_document


async def test_a_multilingual_model_by_name_is_all_that_searching_across_languages_needs(
    settings: Settings, make_library: Callable[..., Library], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("sentence_transformers")
    module.SentenceTransformer = _Multilingual  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    library = make_library(encoder=load_encoder("tiny/multilingual", settings.models), background=False)
    library.add([text_document(text, title) for title, text in TEXTS.items()])
    library.add([text_document("Ein Dachs gräbt.", "Dachs")])
    library.encode("default")
    server = create_server(settings, library=library)
    host = Host(server)
    reply = await host.record("search_library", queries=["lighthouse"], k=20)
    assert {hit["title"] for hit in reply["hits"][: len(TEXTS)]} == set(TEXTS)
    for query in ("badger", "獾", "барсук"):
        assert (await host.record("search_library", queries=[query]))["hits"][0]["title"] == "Dachs", query
    await server.aclose()
