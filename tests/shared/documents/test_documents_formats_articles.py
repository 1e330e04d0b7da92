"""Journal articles in JATS XML: the sections, the references, and what the publisher holds back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carrel.documents import parse
from carrel.errors import BadRequest, CarrelError, Unsupported
from carrel.records import Document

RECORDED = Path(__file__).parents[4] / "shared" / "data" / "api-recordings"

FRONT = """<front><article-meta><article-id pub-id-type="doi">10.1/tides</article-id><title-group><article-title>Tides
of the <italic>North</italic> Sea</article-title></title-group><contrib-group><contrib contrib-type="author"><name>
<surname>Berg</surname><given-names>Ann</given-names></name></contrib></contrib-group><pub-date><year>2020</year>
<month>3</month></pub-date><abstract><p>The sea rose.</p></abstract></article-meta></front>"""
BODY = """<body><sec><label>1</label><title>Methods</title><p>We saw 10<sup>6</sup> waves<sup><xref>7</xref></sup>.
<list><list-item><p>first</p></list-item></list></p><sec><title>Gauges</title><p>Two stood.</p><table-wrap>
<label>Table 1</label><caption><p>Heights</p></caption><table><tr><th>port</th><th>m</th></tr><tr><td>Emden</td>
<td>3</td></tr></table></table-wrap></sec></sec></body>"""
BACK = """<back><ref-list><ref><label>1.</label><element-citation><person-group><name><surname>Doe</surname>
<given-names>J</given-names></name></person-group><article-title>Waves</article-title><year>1999</year>
</element-citation></ref></ref-list></back>"""


def read(
    xml: str, source: str = "https://example.org/PMC1/fullTextXML", media_type: str = "application/xml"
) -> Document:
    return parse(xml.encode(), source=source, source_kind="web", media_type=media_type)


def test_an_article_has_its_sections_its_table_and_its_references() -> None:
    document = read(f"<!-- c --><article xml:lang='en'>{FRONT}{BODY}{BACK}</article>")
    assert (document.title, document.authors, document.date) == ("Tides of the North Sea", ("Ann Berg",), "2020-03")
    assert [(s.level, s.heading) for s in document.sections if s.level] == [
        (1, "Tides of the North Sea"),
        (2, "Abstract"),
        (2, "1 Methods"),
        (3, "Gauges"),
        (2, "References"),
    ]
    assert "We saw 10^6 waves7.\n\n- first" in document.text
    assert "Table 1 Heights\n| port | m |\n| Emden | 3 |" in document.text
    assert document.text.endswith("- 1. J Doe. Waves. 1999")
    assert document.metadata["doi"] == "10.1/tides" and "body" not in document.metadata


def test_lines_of_a_listing_stay_apart() -> None:
    assert "\nx = 1\n  y = 2" in read(f"<article>{FRONT}<body><code>x = 1\n  y = 2</code></body></article>").text


def test_an_article_without_its_body_says_so() -> None:
    document = read(f"<pmc-articleset><article>{FRONT}</article></pmc-articleset>")
    assert document.metadata["body"] == "none" and "The sea rose." in document.text


def test_an_article_of_which_only_the_record_is_given_is_refused_in_other_words_than_an_empty_one() -> None:
    record = FRONT.replace("<abstract><p>The sea rose.</p></abstract>", "")
    with pytest.raises(Unsupported, match="only the record of the article is given"):
        read(f"<article>{record}</article>")
    with pytest.raises(Unsupported, match="has no text"):
        read(f"<article>{record}<body/></article>")


def test_a_formula_given_twice_is_read_once_and_without_its_preamble() -> None:
    tex = r"\documentclass{minimal}\usepackage{amsmath}\begin{document}$$x^2$$\end{document}"
    power = "<math><msup><mi>x</mi><mn>2</mn></msup></math>"
    formula = "<p>So <inline-formula>{}</inline-formula> grows.</p>"
    both = formula.format(f"<alternatives>{power}<tex-math>{tex}</tex-math></alternatives>")
    text = read(f"<article>{FRONT}<body>{both}{formula.format(power)}</body></article>").text
    assert "So $$x^2$$ grows.\n\nSo x^2 grows." in text


def test_what_stands_behind_the_text_is_read_too() -> None:
    floats = "<floats-group><table-wrap><label>Table 9</label><table><tr><td>Husum</td></tr></table><table-wrap-foot>"
    floats += "<fn><p>Measured at noon.</p></fn></table-wrap-foot></table-wrap></floats-group>"
    notes = "<back><fn-group><title>Interests</title><fn><p>None declared.</p></fn></fn-group></back>"
    text = read(f"<article>{FRONT}{BODY}{notes}{floats}</article>").text
    assert "Table 9\n| Husum |" in text and "Measured at noon." in text
    assert text.endswith("## Interests\n\nNone declared.") or text.endswith("Interests\n\nNone declared.")


def test_references_in_two_forms_are_read_once_and_two_in_one_are_both() -> None:
    identifier = "<pub-id pub-id-type='doi'>10.1/w</pub-id>"
    first = f"<element-citation><article-title>Waves</article-title>{identifier}</element-citation>"
    second = "<mixed-citation>Li W. Tides. 2001.</mixed-citation>"
    twice = (
        f"<ref><citation-alternatives>{first}<mixed-citation>Waves, W.</mixed-citation></citation-alternatives></ref>"
    )
    text = read(
        f"<article>{FRONT}{BODY}<back><ref-list>{twice}<ref>{first}{second}</ref></ref-list></back></article>"
    ).text
    assert text.endswith("- Waves. doi:10.1/w\n- Waves. doi:10.1/w; Li W. Tides. 2001.")


def test_an_author_with_names_in_two_scripts_is_named_once() -> None:
    names = "<name><surname>Li</surname><given-names>Wei</given-names></name><name><surname>李</surname></name>"
    front = FRONT.replace(
        '<contrib contrib-type="author"><name>',
        f"<contrib><name-alternatives>{names}</name-alternatives></contrib><contrib><name>",
    )
    assert read(f"<article>{front}{BODY}</article>").authors == ("Wei Li", "Ann Berg")


def test_a_file_of_xml_is_an_article_only_when_it_is_one() -> None:
    assert read(f"<article>{FRONT}{BODY}</article>", "a.xml", "").media_type == "application/jats+xml"
    assert read("<article><p>News of the day.</p></article>", "a.xml", "").media_type == "text/x-data"
    assert read("<!---->" * 1_100 + "<article>", "a.xml", "").media_type == "text/x-data"


@pytest.mark.parametrize(
    "xml",
    [
        f'<!DOCTYPE article [<!ENTITY a "b">]><article>{FRONT}</article>',
        f"<article>{FRONT}<body>{'<sec>' * 5_000}<p>deep</p>{'</sec>' * 5_000}</body></article>",
        f"<article>{FRONT}<body><p>cut off",
    ],
    ids=["entities", "depth", "cut"],
)
def test_a_hostile_or_damaged_article_is_refused(xml: str) -> None:
    with pytest.raises(BadRequest):
        read(xml, media_type="application/jats+xml")


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers of the services are not here")
def test_recorded_articles_are_read_or_refused_for_a_stated_reason() -> None:
    for path in sorted([*RECORDED.glob("europepmc/*jats*.json"), *RECORDED.glob("jats/*.json")]):
        xml = json.loads(path.read_text("utf-8"))["response"]["body"]
        try:
            document = read(xml)
        except CarrelError:
            assert "<body" not in xml and "<p>" not in xml.partition("<abstract")[2], path.name
            continue
        assert document.media_type == "application/jats+xml", path.name
        assert ("body" in document.metadata) == ("<body" not in xml), path.name
