"""I have the text of a URL: is it one we fetch, and what exactly will be asked of whom?

A URL is taken apart once, here, and put together again from the checked parts: what was checked is what is fetched.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from carrel.errors import BadRequest, Refused
from carrel.web.addresses import is_public

__all__ = ["ADDRESS_REFUSED", "WebUrl", "check_url", "is_listed", "join_location"]

MAX_URL = 8_192  # what servers accept in a request line varies from 8 KB up
_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\\]")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
# Names that only ever mean this machine or this network (RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN .internal).
_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "alt", "onion", "invalid")
# What WHATWG leaves unescaped in a path and a query; "%" too, as what is escaped already must not be escaped twice.
_PATH_SAFE = "/:@!$&'()*+,;=~%[]|"
_QUERY_SAFE = "/:@!$&()*+,;=~%[]|?`{}^"
ADDRESS_REFUSED = (
    "address not allowed: only pages on the public web can be read; hosts of your own go in CARREL_ALLOW_HOSTS"
)


@dataclass(frozen=True, slots=True)
class WebUrl:
    """A checked URL. ``host`` is lower-case ASCII (IPv6 without brackets); ``path`` includes the query.

    ``listed`` tells that the configuration exempts this host and port from the address rule.
    """

    scheme: str
    host: str
    port: int
    path: str
    listed: bool = False

    @property
    def authority(self) -> str:
        """The host, and the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def text(self) -> str:
        return self.origin + self.path


def check_url(url: str, *, allow_hosts: Collection[str] = ()) -> WebUrl:
    """Take an absolute http or https URL apart, or say why it is not fetched; the fragment is dropped.

    ``allow_hosts`` holds exact ``host`` (ports 80 and 443) or ``host:port`` names of the user's own configuration.
    Raises BadRequest for a malformed URL, Refused for what policy forbids (scheme, user name, port, private address).
    """
    _check_text(url)
    match = _SCHEME.match(url)
    if match is None:
        raise BadRequest("give an absolute URL that starts with http:// or https://")
    if match[1].lower() not in _PORTS:
        raise Refused("only http and https URLs are read")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadRequest("that URL is malformed; check its host and port") from None
    if "@" in parts.netloc:
        raise Refused("a URL with a user name or password in it is not fetched; give it without them")
    host = _host(_bare_host(parts.netloc))
    port = _PORTS[parts.scheme] if port is None else port
    listed = is_listed(host, port, allow_hosts)
    if not listed:
        _check_place(host, port)
    return WebUrl(parts.scheme, host, port, _path(parts.path, parts.query), listed)


def join_location(base: WebUrl, location: str) -> str:
    """Resolve a Location header; spaces and non-ASCII letters in it are escaped, as browsers do."""
    cleaned = re.sub(r"[\t\r\n]", "", location.strip())
    try:
        return urljoin(base.text, quote(cleaned, safe=_QUERY_SAFE + "#\\"))
    except ValueError:
        raise BadRequest("the page redirects to a malformed URL") from None


def _check_text(url: str) -> None:
    if not url:
        raise BadRequest("the URL is empty")
    if len(url) > MAX_URL:
        raise BadRequest(f"the URL is longer than {MAX_URL} characters")
    if _FORBIDDEN.search(url):
        raise BadRequest("the URL holds a space, a control character or a backslash; escape it (%20) or remove it")


def _bare_host(netloc: str) -> str:
    """Cut ``:port`` off; only ASCII digits make a port, so that no other parser can see another one."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]*\]|[^\[\]:]*)(?::([0-9]*))?", netloc)
    if match is None:
        raise BadRequest("the host of that URL is malformed")
    return match[1]


def _host(raw: str) -> str:
    """Bring a host to lower-case ASCII. Numbers that are not a plain IPv4 or IPv6 address are refused."""
    if raw.startswith("["):
        try:
            return ipaddress.IPv6Address(raw[1:-1]).compressed
        except ValueError:
            raise BadRequest("the IPv6 address of that URL is malformed") from None
    host = _to_ascii(raw).rstrip(".") if raw.count(".") < 127 else ""
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadRequest("the host of that URL is not a valid name")
    for label in labels:
        if label.startswith("xn--"):
            _check_punycode(label)
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(host)
    return host


def _check_punycode(label: str) -> None:
    import idna

    try:
        idna.alabel(idna.uts46_remap(idna.ulabel(label.encode("ascii"))))
    except (idna.IDNAError, UnicodeError):
        raise BadRequest("the host of that URL is not a valid international name") from None


def _to_ascii(raw: str) -> str:
    if raw.isascii():
        return raw.lower()
    import idna

    try:
        return idna.encode(raw, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise BadRequest("the host of that URL is not a valid international name") from None


def _ipv4(host: str) -> str:
    """A host whose last label is a number is an IPv4 address (WHATWG URL); octal, hex and short forms are refused."""
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise Refused(ADDRESS_REFUSED) from None


def is_listed(host: str, port: int, allow_hosts: Collection[str]) -> bool:
    shown = f"[{host}]" if ":" in host else host
    names = {shown, host} if port in _PORTS.values() else set()
    names.add(f"{shown}:{port}")
    return any(entry.strip().lower() in names for entry in allow_hosts)


def _check_place(host: str, port: int) -> None:
    if port not in _PORTS.values():
        raise Refused("only ports 80 and 443 are read; list host:port in CARREL_ALLOW_HOSTS to read another")
    if ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]):
        if not is_public(host):
            raise Refused(ADDRESS_REFUSED)
    elif "." not in host or any(host == name or host.endswith("." + name) for name in _LOCAL_NAMES):
        raise Refused(ADDRESS_REFUSED)


def _path(path: str, query: str) -> str:
    full = quote(_without_dots(path), safe=_PATH_SAFE)
    return f"{full}?{quote(query, safe=_QUERY_SAFE)}" if query else full


def _without_dots(path: str) -> str:
    """Resolve ``.`` and ``..``, escaped ones too, before anyone looks at the path: robots.txt judges what is sent."""
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for place, segment in enumerate(segments):
        plain = segment.lower().replace("%2e", ".")
        if plain == ".." and kept:
            kept.pop()
        if plain not in (".", ".."):
            kept.append(segment)
        elif place == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)
