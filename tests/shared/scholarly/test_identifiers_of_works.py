from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel.errors import BadRequest
from carrel.scholarly import AmbiguousIdentifier, find_identifiers, parse_identifier

DATA = Path(__file__).parents[4] / "shared" / "data" / "identifiers"

SAME = {
    "doi:10.1016/j.cell.2019.01.001": [
        "10.1016/j.cell.2019.01.001",
        "10.1016/J.CELL.2019.01.001",
        "doi:10.1016/j.cell.2019.01.001",
        "DOI: 10.1016/j.cell.2019.01.001.",
        "DOI 10.1016/j.cell.2019.01.001.",
        "https://doi.org/10.1016/j.cell.2019.01.001",
        "http://dx.doi.org/10.1016%2Fj.cell.2019.01.001",
        "<https://doi.org/10.1016/j.cell.2019.01.001>",
        "doi.org/10.1016/j.cell.2019.01.001",
        "(10.1016/j.cell.2019.01.001)",
        "https://www.example.com/doi/full/10.1016/j.cell.2019.01.001",
        "https://www.example.com/article/10.1016/j.cell.2019.01.001/full?x=1#top",
        "https://www.example.com/doi/pdf/10.1016/j.cell.2019.01.001.pdf",
    ],
    "doi:10.1002/(sici)1521-3978(199806)46:4/5<493::aid-prop493>3.0.co;2-p": [
        "10.1002/(SICI)1521-3978(199806)46:4/5<493::AID-PROP493>3.0.CO;2-P",
        "10.1002/(SICI)1521-3978(199806)46:4/5&lt;493::AID-PROP493&gt;3.0.CO;2-P",
        "https://doi.org/10.1002/(SICI)1521-3978(199806)46:4/5%3C493::AID-PROP493%3E3.0.CO;2-P",
    ],
    "doi:10.1101/2020.03.04.123456": ["https://www.biorxiv.org/content/10.1101/2020.03.04.123456v3.full.pdf"],
    "doi:10.1038/s41586-020-1234-5": ["https://www.nature.com/articles/s41586-020-1234-5"],
    "arxiv:1706.03762": [
        "1706.03762",
        "arXiv:1706.03762",
        "ARXIV: 1706.03762",
        "https://arxiv.org/abs/1706.03762",
        "https://arxiv.org/pdf/1706.03762.pdf",
        "10.48550/arXiv.1706.03762",
        "https://doi.org/10.48550/arXiv.1706.03762",
        "https://www.alphaxiv.org/abs/1706.03762",
        "https://huggingface.co/papers/1706.03762",
    ],
    "arxiv:1706.03762v5": ["arXiv:1706.03762v5 [cs.CL]", "https://arxiv.org/pdf/1706.03762v5", "1706.03762v5"],
    "arxiv:math/0309136": ["math.GT/0309136", "arXiv:math/0309136", "https://arxiv.org/abs/math/0309136"],
    "arxiv:hep-th/9901001v3": ["hep-th/9901001v3", "https://arxiv.org/abs/hep-th/9901001v3"],
    "pmid:12082125": ["pmid:12082125", "PMID 12082125".replace(" ", ":"), "https://pubmed.ncbi.nlm.nih.gov/12082125/"],
    "pmcid:PMC2631623": [
        "PMC2631623",
        "pmc2631623",
        "PMC2631623.2",
        "pmcid:2631623",
        "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC2631623/",
    ],
    "openalex:W2741809807": [
        "W2741809807",
        "w2741809807",
        "https://openalex.org/W2741809807",
        "https://api.openalex.org/works/W2741809807",
    ],
    "s2:" + "ab12" * 10: ["s2:" + "AB12" * 10, "https://www.semanticscholar.org/paper/Some-Title/" + "ab12" * 10],
    "corpusid:123456": ["CorpusId:123456", "corpusid:123456"],
    "isbn:9780306406157": [
        "isbn:0306406152",
        "ISBN 978-0-306-40615-7".replace(" ", ":"),
        "978-0-306-40615-7",
        "9780306406157",
    ],
    "issn:0167-6423": ["0167-6423", "issn:01676423"],
    "orcid:0000-0002-1825-0097": [
        "https://orcid.org/0000-0002-1825-0097",
        "0000-0002-1825-0097",
        "orcid:0000000218250097",
    ],
    "acl:P19-1001": ["acl:P19-1001", "https://aclanthology.org/P19-1001.pdf"],
    "openreview:rJ4km2R5t7": ["https://openreview.net/forum?id=rJ4km2R5t7"],
    "handle:10013/epic.10033": ["hdl:10013/epic.10033", "https://hdl.handle.net/10013/epic.10033"],
    "bibcode:2011ApJS..192...18K": [
        "2011ApJS..192...18K",
        "https://ui.adsabs.harvard.edu/abs/2011ApJS..192...18K/abstract",
    ],
}

NOTHING = [
    "",
    "   ",
    "abc",
    "10.",
    "10.1016",
    "10.1016/",
    "10.1016/ab cd",
    "10.12/abc",
    "11.10.1016/x",
    "doi:",
    "doi:abc",
    "arXiv:",
    "arXiv:1713.00001",
    "1713.00001",
    "1706.037",
    "0612.0001",
    "and/0301001",
    "tcp/0301001",
    "PMC",
    "PMC0",
    "pmid:0",
    "pmid:abc",
    "pmid:123456789",
    "W12",
    "A5010416163",
    "isbn:0306406153",
    "9780306406158",
    "0167-6424",
    "0000-0002-1825-0098",
    "1422-4586-3573-0476",
    "https://example.com/",
    "https://example.com/10/1016",
    "user@example.com",
    "swh:1:cnt:94a9ed024d3859793618152ea559a168bbcbb5e2",
    "P02833",
    "NM_206454",
    "4079154-3",
    "hello world",
    "10.1016/\u0000abc",
    "http://",
    "javascript:alert(1)",
    "2024-01-01",
    "1/2",
    "and/or",
    "S0092-8674(19)30001-1",
]


@pytest.mark.parametrize(("canonical", "spelling"), [(c, s) for c, spellings in SAME.items() for s in spellings])
def test_every_usual_spelling_gives_the_canonical_form(canonical: str, spelling: str) -> None:
    assert str(parse_identifier(spelling)) == canonical


@pytest.mark.parametrize("canonical", SAME)
def test_the_canonical_form_reads_back_as_itself(canonical: str) -> None:
    assert str(parse_identifier(canonical)) == canonical


@pytest.mark.parametrize("text", NOTHING)
def test_what_is_no_identifier_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_identifier(text)


@pytest.mark.parametrize("text", ["12082125", "15626865", "5b5056cbf89049064b44d5101764aaae42eb1447"])
def test_what_could_be_several_things_is_ambiguous_not_guessed(text: str) -> None:
    with pytest.raises(AmbiguousIdentifier):
        parse_identifier(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_and_what_is_read_reads_back(text: str) -> None:
    try:
        identifier = parse_identifier(text)
    except BadRequest:
        return
    assert parse_identifier(str(identifier)) == identifier


def test_identifiers_are_mined_from_running_text_with_their_places() -> None:
    text = (
        "As shown (doi:10.1000/abc.1), see https://doi.org/10.1000/XYZ(2). Also arXiv:1706.03762v2, PMID: 12082125, "
        "PMC2631623; ISBN 978-0-306-40615-7 and 10.1002 / pd.354, DOI: 10.1002 / pd.354. Version 10.2 of 1706.03762 no."
    )
    found = find_identifiers(text)
    assert [str(m.identifier) for m in found] == [
        "doi:10.1000/abc.1",
        "doi:10.1000/xyz(2)",
        "arxiv:1706.03762v2",
        "pmid:12082125",
        "pmcid:PMC2631623",
        "isbn:9780306406157",
        "doi:10.1002/pd.354",
    ]
    assert text[found[0].start : found[0].end] == "10.1000/abc.1"


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("see 10.1016/j.cell.2010.01.001Article history", "10.1016/j.cell.2010.01.001"),
        ('<a href="https://doi.org/10.1000/abc">10.1000/abc</a>', "10.1000/abc"),
        ("[link](https://doi.org/10.1000/abc)", "10.1000/abc"),
        ("10.1000/abc, 10.1000/abc", "10.1000/abc"),
        ("doi 10.1111/j.1528-\n1167.2005.57504.x.", "10.1111/j.1528-1167.2005.57504.x"),
    ],
)
def test_a_doi_ends_where_its_neighbours_begin(text: str, doi: str) -> None:
    assert {m.identifier.value for m in find_identifiers(text)} == {doi}


@pytest.mark.parametrize(
    "text",
    [
        "10.1234/" + "(" * 200_000,
        "10.1234/" * 40_000,
        "ISBN 978" + " 1" * 100_000,
        "arxiv: " * 80_000,
        "doi 10.1 " * 60_000,
    ],
)
def test_mining_hostile_text_is_linear(text: str) -> None:
    import time

    started = time.process_time()
    find_identifiers(text)
    assert time.process_time() - started < 2.0


def test_the_public_vector_has_no_false_accept_in_our_schemes() -> None:
    if not DATA.exists():
        pytest.skip("the identifier vector is not beside the checkout")
    names = {"bibcode": "ads"}
    wrong = []
    for line in (DATA / "idutils_identifiers.jsonl").read_text().splitlines():
        case = json.loads(line)
        try:
            identifier = parse_identifier(case["value"])
        except BadRequest:
            continue
        scheme = names.get(identifier.scheme, identifier.scheme)
        normal = case["normalized"].lower().removeprefix("arxiv:").replace("-", "")
        ours = str(identifier).partition(":")[2].lower().replace("-", "")
        if (scheme not in case["schemes"] and "urn" not in case["schemes"]) or (normal and normal != ours):
            wrong.append(case["value"])
    assert wrong == []
