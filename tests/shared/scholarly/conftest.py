"""A pretend internet of scholarly services, with invented works in the shapes the real services use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import unquote

import anyio.lowlevel
import httpx2
import pytest

from carrel.scholarly import Scholar
from carrel.web import WebClient

HOSTS = {
    "api.crossref.org": "crossref",
    "api.openalex.org": "openalex",
    "export.arxiv.org": "arxiv",
    "doi.org": "doi",
    "api.semanticscholar.org": "semanticscholar",
    "api.datacite.org": "datacite",
    "dblp.org": "dblp",
    "doaj.org": "doaj",
    "api2.openreview.net": "openreview",
    "api.openreview.net": "openreview",
    "eutils.ncbi.nlm.nih.gov": "pubmed",
    "www.ebi.ac.uk": "europepmc",
    "api.unpaywall.org": "unpaywall",
}


class Time:
    """A clock that moves only when everybody who could go on sleeps."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self._sleepers: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        until = self.seconds + seconds
        self._sleepers.append(until)
        try:
            while self.seconds < until:
                for _ in range(40):
                    await anyio.lowlevel.checkpoint()
                if until <= min(self._sleepers):
                    self.seconds = max(self.seconds, until)
        finally:
            self._sleepers.remove(until)


def crossref_work(doi: str, title: str, **more: object) -> dict[str, object]:
    return {
        "DOI": doi,
        "title": [title],
        "author": [{"given": "Ada", "family": "Quill"}, {"given": "Ben", "family": "Øster"}],
        "issued": {"date-parts": [[2019, 3]]},
        "container-title": ["Journal of Widgets"],
        "publisher": "Widget House",
        "type": "journal-article",
        "is-referenced-by-count": 7,
        "indexed": {"date-time": "2026-01-02T03:04:05Z"},
        **more,
    }


def openalex_work(number: int, title: str, doi: str = "", **more: object) -> dict[str, object]:
    return {
        "id": f"https://openalex.org/W{number}",
        "doi": f"https://doi.org/{doi}" if doi else None,
        "display_name": title,
        "authorships": [
            {"author": {"display_name": "Ada Quill", "orcid": None}, "raw_author_name": "Ada Quill"},
            {"author": {"display_name": "Ben Øster", "orcid": None}, "raw_author_name": "Ben Øster"},
        ],
        "publication_date": "2019-03-04",
        "publication_year": 2019,
        "type": "article",
        "ids": {"openalex": f"https://openalex.org/W{number}"},
        "is_retracted": False,
        "updated_date": "2026-01-05T00:00:00",
        "cited_by_count": 9,
        **more,
    }


def semanticscholar_paper(number: int, title: str, **ids: str) -> dict[str, object]:
    return {
        "paperId": f"{number:040x}",
        "corpusId": number,
        "externalIds": {"CorpusId": number, **ids},
        "title": title,
        "abstract": "We bend widgets.",
        "venue": "Journal of Widgets",
        "year": 2019,
        "publicationDate": "2019-03-04",
        "publicationTypes": ["JournalArticle"],
        "journal": {"name": "J. Widgets", "pages": "1 - 9", "volume": "3"},
        "citationCount": 11,
        "openAccessPdf": {"url": "https://example.org/widgets.pdf", "status": "GREEN", "license": "CCBYNC"},
        "authors": [{"authorId": "1", "name": "Ada Quill"}, {"authorId": "2", "name": "Ben Øster"}],
    }


def datacite_entry(doi: str, title: str, **more: object) -> dict[str, object]:
    return {
        "id": doi,
        "type": "dois",
        "attributes": {
            "doi": doi,
            "creators": [
                {"name": "Quill, Ada", "nameType": "Personal", "givenName": "Ada", "familyName": "Quill"},
                {"name": "The Widget Consortium", "nameType": "Organizational"},
            ],
            "titles": [{"title": title}],
            "publisher": "Widget Vault",
            "publicationYear": 2019,
            "dates": [{"date": "2019-03-04", "dateType": "Issued"}],
            "types": {"resourceTypeGeneral": "Dataset", "citeproc": "dataset"},
            "descriptions": [{"description": "<p>All widgets.</p>", "descriptionType": "Abstract"}],
            "rightsList": [
                {"rightsUri": "https://creativecommons.org/licenses/by/4.0", "rightsIdentifier": "cc-by-4.0"}
            ],
            "relatedIdentifiers": [],
            "url": "https://example.org/vault/1",
            "citationCount": 0,
            **more,
        },
    }


def dblp_info(key: str, title: str, **more: object) -> dict[str, object]:
    return {
        "authors": {"author": [{"@pid": "1/2", "text": "Ada Quill 0001"}, {"@pid": "1/3", "text": "Ben Øster"}]},
        "title": f"{title}.",
        "venue": "WIDGETS",
        "pages": "1-9",
        "year": "2019",
        "type": "Conference and Workshop Papers",
        "access": "closed",
        "key": key,
        "url": f"https://dblp.org/rec/{key}",
        **more,
    }


def doaj_article(doi: str, title: str, **more: object) -> dict[str, object]:
    return {
        "id": "a" * 32,
        "bibjson": {
            "identifier": [{"id": "1234-5678", "type": "pissn"}, {"id": doi, "type": "DOI"}],
            "journal": {
                "title": "Open Widgets",
                "volume": "3",
                "number": "1",
                "publisher": "Widget House",
                "language": ["EN"],
            },
            "year": "2019",
            "month": "3",
            "start_page": "1",
            "end_page": "9",
            "author": [
                {"name": "Ada Quill", "orcid_id": "https://orcid.org/0000-0002-1825-0097"},
                {"name": "Ben Øster"},
            ],
            "link": [{"type": "fulltext", "url": "https://example.org/open/1", "content_type": "HTML"}],
            "abstract": "We open widgets.",
            "title": title,
            **more,
        },
    }


def openreview_note(forum: str, title: str, **more: object) -> dict[str, object]:
    content = {
        "title": title,
        "authors": ["Ada Quill", "Ben Øster"],
        "abstract": "We submit widgets.",
        "venue": "WIDGETS 2019 poster",
        "venueid": "WIDGETS.cc/2019/Conference",
        "pdf": "/pdf/0a1b.pdf",
        **more,
    }
    wrapped = {name: {"value": value} for name, value in content.items()}
    return {"id": forum, "forum": forum, "pdate": 1_551_700_000_000, "license": "CC BY 4.0", "content": wrapped}


def arxiv_entry(number: str, title: str, extra: str = "", authors: tuple[str, ...] = ("Ada Quill", "Ben Øster")) -> str:
    names = "".join(f"<author><name>{name}</name></author>" for name in authors)
    return (
        f"<entry><id>http://arxiv.org/abs/{number}v2</id><title>{title}</title><updated>2019-05-01T00:00:00Z</updated>"
        f"<published>2019-02-01T00:00:00Z</published><summary>We study\n  widgets.</summary>{names}{extra}</entry>"
    )


def feed(*entries: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
        f"<id>x</id><title>arXiv Query</title><opensearch:totalResults>{len(entries)}</opensearch:totalResults>"
        f"{''.join(entries)}</feed>"
    )


def pubmed_article(
    pmid: str,
    title: str,
    *,
    doi: str = "",
    pmcid: str = "",
    types: tuple[str, ...] = ("Journal Article",),
    notes: str = "",
    abstract: str = '<AbstractText Label="METHODS">We bent <i>widgets</i> at p &lt; 0.05.</AbstractText>',
    data: str = "",
) -> str:
    kinds = "".join(f'<PublicationType UI="D1">{kind}</PublicationType>' for kind in types)
    names = f'<ArticleId IdType="pubmed">{pmid}</ArticleId>'
    names += f'<ArticleId IdType="doi">{doi}</ArticleId>' if doi else ""
    names += f'<ArticleId IdType="pmc">{pmcid}</ArticleId>' if pmcid else ""
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">{pmid}</PMID><Article PubModel="Print">'
        "<Journal><JournalIssue><Volume>7</Volume><Issue>2</Issue><PubDate><Year>2019</Year><Month>Mar</Month></PubDate>"
        f"</JournalIssue><Title>Journal of Widgets</Title></Journal><ArticleTitle>{title}.</ArticleTitle>"
        f"<Pagination><MedlinePgn>113-25</MedlinePgn></Pagination><Abstract>{abstract}</Abstract>"
        '<AuthorList CompleteYN="Y"><Author ValidYN="Y"><LastName>Quill</LastName><ForeName>Ada</ForeName>'
        '<Initials>A</Initials><Identifier Source="ORCID">0000-0002-1825-0097</Identifier></Author>'
        "<Author><LastName>Øster</LastName><ForeName>Ben</ForeName></Author>"
        f"<Author><CollectiveName>The Widget Group</CollectiveName></Author></AuthorList><Language>eng</Language>"
        f"<PublicationTypeList>{kinds}</PublicationTypeList></Article>"
        f"<CommentsCorrectionsList>{notes}</CommentsCorrectionsList></MedlineCitation>"
        f"<PubmedData><ArticleIdList>{names}</ArticleIdList>{data}</PubmedData></PubmedArticle>"
    )


def europepmc_result(number: str, title: str, **more: object) -> dict[str, object]:
    return {
        "id": number,
        "source": "MED",
        "pmid": number,
        "title": f"{title}.",
        "authorList": {
            "author": [
                {
                    "fullName": "Quill A",
                    "firstName": "Ada",
                    "lastName": "Quill",
                    "initials": "A",
                    "authorId": {"type": "ORCID", "value": "0000-0002-1825-0097"},
                },
                {"fullName": "Øster B", "firstName": "Ben", "lastName": "Øster", "initials": "B"},
                {"collectiveName": "The Widget Group"},
            ]
        },
        "journalInfo": {
            "issue": "2",
            "volume": "7",
            "yearOfPublication": 2019,
            "printPublicationDate": "2019-03-01",
            "journal": {"title": "Journal of Widgets"},
        },
        "pubYear": "2019",
        "pageInfo": "113-25",
        "abstractText": "<h4>Methods</h4>We bent widgets.",
        "language": "eng",
        "pubTypeList": {"pubType": ["Journal Article"]},
        "isOpenAccess": "Y",
        "inPMC": "N",
        "citedByCount": 5,
        "firstPublicationDate": "2019-02-03",
        **more,
    }


def unpaywall_object(doi: str, title: str, *places: dict[str, object]) -> dict[str, object]:
    return {
        "doi": doi,
        "title": title,
        "genre": "journal-article",
        "is_oa": bool(places),
        "oa_status": "green" if places else "closed",
        "published_date": "2019-03-04",
        "year": 2019,
        "journal_name": "Journal of Widgets",
        "publisher": "Widget House",
        "best_oa_location": places[0] if places else None,
        "oa_locations": list(places),
        "z_authors": [{"raw_author_name": "Ada Quill"}, {"raw_author_name": "Ben Øster"}],
    }


class Internet:
    """Twelve services over invented works; ``faults[name]`` replaces an answer, ``asked`` logs (name, time, URL)."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.crossref: dict[str, dict[str, object]] = {}
        self.openalex: list[dict[str, object]] = []
        self.arxiv: dict[str, str] = {}
        self.registered: dict[str, dict[str, object] | None] = {}
        self.semanticscholar: list[dict[str, object]] = []
        self.datacite: dict[str, dict[str, object]] = {}
        self.dblp: list[dict[str, object]] = []
        self.doaj: list[dict[str, object]] = []
        self.openreview: dict[str, list[dict[str, object]]] = {"api2.openreview.net": [], "api.openreview.net": []}
        self.pubmed: dict[str, str] = {}
        self.europepmc: list[dict[str, object]] = []
        self.unpaywall: dict[str, dict[str, object]] = {}
        self.faults: dict[str, Callable[[httpx2.Request], object]] = {}
        self.asked: list[tuple[str, float, str]] = []
        self.headers: list[httpx2.Headers] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        name = HOSTS[request.url.host]
        self.asked.append((name, self.time(), str(request.url)))
        self.headers.append(request.headers)
        if name in self.faults:
            answer = self.faults[name](request)
            if hasattr(answer, "__await__"):
                answer = await answer  # type: ignore[misc]
            if isinstance(answer, Exception):
                raise answer
            assert isinstance(answer, httpx2.Response)
            return answer
        answer = getattr(self, f"_{name}")(request)
        assert isinstance(answer, httpx2.Response)
        return answer

    def requests(self, name: str) -> list[tuple[float, str]]:
        return [(at, url) for service, at, url in self.asked if service == name]

    def _crossref(self, request: httpx2.Request) -> httpx2.Response:
        path = unquote(request.url.raw_path.decode().split("?")[0])
        if path.startswith("/works/"):
            work = self.crossref.get(path.removeprefix("/works/"))
            if work is None:
                return httpx2.Response(404, text="Resource not found.")
            return _json({"status": "ok", "message-type": "work", "message": work})
        filters = request.url.params.get("filter", "")
        wanted = re.findall(r"doi:([^,]+)", filters)
        words = set(
            re.findall(
                r"\w+",
                (request.url.params.get("query.title") or request.url.params.get("query.bibliographic") or "").lower(),
            )
        )
        works = [w for doi, w in self.crossref.items() if doi in wanted or (words and words & set(_words(w["title"])))]
        message = {"total-results": len(works), "items": _slice(works, request.url.params, "offset", "rows")}
        return _json({"status": "ok", "message-type": "work-list", "message": message})

    def _openalex(self, request: httpx2.Request) -> httpx2.Response:
        path = unquote(request.url.raw_path.decode().split("?")[0])
        if path.startswith("/works/"):
            key = path.removeprefix("/works/")
            for work in self.openalex:
                if key in _openalex_keys(work):
                    return _json(work)
            body = "<!doctype html><title>404 Not Found</title><p>The requested URL was not found on the server.</p>"
            return httpx2.Response(404, text=body, headers={"content-type": "text/html"})
        params = request.url.params
        if named := re.match(r"(doi|pmid|openalex|pmcid):(.+)", params.get("filter", "")):
            keys = {f"{named[1]}:{value}" if named[1] != "openalex" else value for value in named[2].split("|")}
            works = [w for w in self.openalex if keys & _openalex_keys(w)]
            return _json({"meta": {"count": len(works)}, "results": works})
        words = set(re.findall(r"\w+", (params.get("search", "") + " " + params.get("filter", "")).lower()))
        works = [w for w in self.openalex if words & set(_words(w["display_name"]))]
        page, size = int(params.get("page", "1")), int(params.get("per_page", "25"))
        return _json({"meta": {"count": len(works)}, "results": works[(page - 1) * size : page * size]})

    def _arxiv(self, request: httpx2.Request) -> httpx2.Response:
        if numbers := request.url.params.get("id_list"):
            entries = [self.arxiv[n.split("v")[0]] for n in numbers.split(",") if n.split("v")[0] in self.arxiv]
        else:
            words = set(re.findall(r"\w+", request.url.params["search_query"].lower())) - {
                "all",
                "or",
                "and",
                "ti",
                "au",
            }
            entries = [e for e in self.arxiv.values() if words & set(_words(re.findall("<title>(.*?)</title>", e)))]
        return httpx2.Response(200, text=feed(*entries), headers={"content-type": "application/atom+xml"})

    def _doi(self, request: httpx2.Request) -> httpx2.Response:
        path = unquote(request.url.raw_path.decode().split("?")[0])
        doi = path.removeprefix("/api/handles/").lstrip("/").lower()
        if path.startswith("/api/handles/"):
            known = doi in self.registered or doi in self.crossref
            return _json({"responseCode": 1 if known else 100, "handle": doi}, 200 if known else 404)
        work = self.registered.get(doi)
        return _json(work) if work else httpx2.Response(406, text="no")

    def _semanticscholar(self, request: httpx2.Request) -> httpx2.Response:
        path = unquote(request.url.raw_path.decode().split("?")[0]).removeprefix("/graph/v1/paper/")
        if path == "batch":
            wanted = json.loads(request.content)["ids"]
            found = [next((p for p in self.semanticscholar if key in _s2_keys(p)), None) for key in wanted]
            return _json(found) if any(found) else _json({"error": "No valid paper ids given"}, 400)
        if path.startswith("search"):
            words = set(_words(request.url.params["query"]))
            papers = [p for p in self.semanticscholar if words & set(_words(p["title"]))]
            if path == "search/match":
                return _json({"data": papers[:1]}) if papers else _json({"error": "Title match not found"}, 404)
            part = _slice(papers, request.url.params, "offset", "limit")
            return _json({"total": len(papers), "offset": 0} | ({"data": part} if papers else {}))
        paper = next((p for p in self.semanticscholar if path in _s2_keys(p)), None)
        return _json(paper) if paper else _json({"error": f"Paper with id {path} not found"}, 404)

    def _datacite(self, request: httpx2.Request) -> httpx2.Response:
        path = unquote(request.url.raw_path.decode().split("?")[0])
        if path.startswith("/dois/"):
            entry = self.datacite.get(path.removeprefix("/dois/"))
            missing = {"errors": [{"status": "404", "title": "The resource you are looking for doesn't exist."}]}
            return _json({"data": entry}) if entry else _json(missing, 404)
        query = request.url.params["query"]
        named = set(re.findall(r'"([^"]+)"', query))
        words = set(_words(query))
        found = [
            e
            for doi, e in self.datacite.items()
            if doi in named or (not named and words & set(_words(e["attributes"]["titles"])))  # type: ignore[index]
        ]
        page, size = int(request.url.params.get("page[number]", "1")), int(request.url.params["page[size]"])
        return _json({"data": found[(page - 1) * size : page * size], "meta": {"total": len(found)}})

    def _dblp(self, request: httpx2.Request) -> httpx2.Response:
        words = set(_words(request.url.params["q"]))
        infos = [info for info in self.dblp if words & set(_words(info["title"]))]
        hits: dict[str, object] = {"@total": str(len(infos)), "@sent": str(len(infos))}
        if infos:
            hits["hit"] = [{"@score": "1", "info": i} for i in _slice(infos, request.url.params, "f", "h")]
        return _json({"result": {"status": {"@code": "200", "text": "OK"}, "hits": hits}})

    def _doaj(self, request: httpx2.Request) -> httpx2.Response:
        words = set(_words(unquote(request.url.raw_path.decode().split("?")[0]).rsplit("/", 1)[-1]))
        found = [a for a in self.doaj if words & set(_words(a["bibjson"]["title"]))]  # type: ignore[index]
        page, size = int(request.url.params["page"]), int(request.url.params["pageSize"])
        return _json({"total": len(found), "page": page, "results": found[(page - 1) * size : page * size]})

    def _openreview(self, request: httpx2.Request) -> httpx2.Response:
        held = self.openreview[request.url.host]
        if request.url.path == "/notes":
            wanted = request.url.params["id"]
            found = [note for note in held if note["id"] == wanted]
            missing = {"name": "NotFoundError", "message": f"The Note {wanted} was not found", "status": 404}
            return _json({"notes": found, "count": 1}) if found else _json(missing, 404)
        words = set(_words(request.url.params["term"]))
        found = [n for n in held if words & set(_words(n["content"]))]
        return _json({"notes": _slice(found, request.url.params, "offset", "limit"), "count": len(found)})

    def _pubmed(self, request: httpx2.Request) -> httpx2.Response:
        utility, params = request.url.path.rsplit("/", 1)[-1].removesuffix(".fcgi"), request.url.params
        if utility == "esearch":
            named, words = re.findall(r"(PMC\d+)\[pmcid\]", params["term"]), set(_words(params["term"]))
            pmids = [
                pmid
                for pmid, article in self.pubmed.items()
                if any(f">{pmcid}<" in article for pmcid in named)
                or words & set(_words(re.findall("<ArticleTitle>(.*?)</ArticleTitle>", article)))
            ]
            start = int(params.get("retstart", "0"))
            part = pmids[start : start + int(params["retmax"])]
            return _json({"header": {}, "esearchresult": {"count": str(len(pmids)), "idlist": part}})
        pmids = params["id"].split(",")
        if utility == "esummary":
            told = {
                p: {"uid": p} if p in self.pubmed else {"uid": p, "error": "cannot get document summary"} for p in pmids
            }
            return _json({"header": {}, "result": {"uids": pmids, **told}})
        articles = "".join(self.pubmed[pmid] for pmid in pmids if pmid in self.pubmed)
        return httpx2.Response(200, text=pubmed_set(articles), headers={"content-type": "text/xml"})

    def _europepmc(self, request: httpx2.Request) -> httpx2.Response:
        query, size = request.url.params["query"], int(request.url.params["pageSize"])
        named = set(re.findall(r'(?:EXT_ID:|PMCID:|DOI:")([^\s)"]+)', query))
        words = set(_words(query))
        found = [
            r
            for r in self.europepmc
            if {r.get("pmid"), r.get("pmcid"), r.get("doi")} & named or (not named and words & set(_words(r["title"])))
        ]
        return _json({"version": "6.9", "hitCount": len(found), "resultList": {"result": found[:size]}})

    def _unpaywall(self, request: httpx2.Request) -> httpx2.Response:
        doi = unquote(request.url.raw_path.decode().split("?")[0]).removeprefix("/v2/")
        missing = {"HTTP_status_code": 404, "error": True, "message": f"'{doi}' isn't in Unpaywall. See the DOI docs"}
        return _json(self.unpaywall[doi]) if doi in self.unpaywall else _json(missing, 404)


def pubmed_set(articles: str) -> str:
    return (
        '<?xml version="1.0" ?><!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
        f'"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd"><PubmedArticleSet>{articles}</PubmedArticleSet>'
    )


def _s2_keys(paper: dict[str, object]) -> set[str]:
    told = paper["externalIds"]
    assert isinstance(told, dict)
    prefixes = {"DOI": "DOI:", "ArXiv": "ARXIV:", "PubMed": "PMID:", "PubMedCentral": "PMCID:", "ACL": "ACL:"}
    names = {prefix + str(told[kind]).lower() for kind, prefix in prefixes.items() if kind in told}
    return names | {str(paper["paperId"]), f"CorpusId:{paper['corpusId']}"}


def _openalex_keys(work: dict[str, object]) -> set[str]:
    ids = work.get("ids")
    pmid = str(ids.get("pmid", "")).rsplit("/", 1)[-1] if isinstance(ids, dict) else ""
    return {
        str(work["id"]).rsplit("/", 1)[-1],
        "doi:" + str(work["doi"]).removeprefix("https://doi.org/"),
        f"pmid:{pmid}",
    }


def _words(value: object) -> list[str]:
    return [w for w in re.findall(r"\w+", str(value).lower()) if len(w) > 3]


def _slice(
    works: list[dict[str, object]], params: httpx2.QueryParams, start: str, size: str
) -> list[dict[str, object]]:
    at = int(params.get(start, "0"))
    return works[at : at + int(params.get(size, "20"))]


def _json(value: object, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, text=json.dumps(value), headers={"content-type": "application/json"})


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def internet(clock: Time) -> Internet:
    return Internet(clock)


@pytest.fixture
def scholar(internet: Internet, clock: Time) -> Scholar:
    return new_scholar(internet, clock)


@pytest.fixture
def make_scholar(internet: Internet, clock: Time) -> Callable[..., Scholar]:
    return lambda **options: new_scholar(internet, clock, **options)


def new_scholar(internet: Internet, clock: Time, **options: object) -> Scholar:
    transport = httpx2.MockTransport(internet)
    client = WebClient(
        transport=transport, retries=0, clock=clock, sleep=clock.sleep, contact=str(options.get("contact", ""))
    )
    settings = {"clock": clock, "sleep": clock.sleep, "now": lambda: datetime(2026, 6, 1, tzinfo=UTC)} | options
    return Scholar(client, **settings)  # type: ignore[arg-type]


@pytest.fixture
def shapes() -> dict[str, Callable[..., object]]:
    return {
        "crossref": crossref_work,
        "openalex": openalex_work,
        "arxiv": arxiv_entry,
        "feed": feed,
        "semanticscholar": semanticscholar_paper,
        "datacite": datacite_entry,
        "dblp": dblp_info,
        "doaj": doaj_article,
        "openreview": openreview_note,
        "pubmed": pubmed_article,
        "europepmc": europepmc_result,
        "unpaywall": unpaywall_object,
    }
