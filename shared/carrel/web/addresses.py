"""I have an address: may a page be fetched from it?

`ipaddress.is_global` is no such rule: it lets multicast, IPv4-compatible, NAT64, SIIT, site-local and one cloud's
public-looking metadata address through. Here IPv4 has a list of refused networks and IPv6 an allowed block minus the
special and transition ranges (IANA special-purpose registries; 168.63.129.16 is Azure's wire server).
"""

from __future__ import annotations

import ipaddress

__all__ = ["is_public"]

_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_ALLOWED_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48")
)


def is_public(address: str) -> bool:
    """Tell whether a literal IP address lies on the public Internet; anything that is not one is not public.

    An IPv4 address mapped into IPv6 is judged as IPv4; a scope id is refused.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.scope_id is not None:
            return False
        if parsed.ipv4_mapped is None:
            return parsed in _ALLOWED_V6 and not any(parsed in network for network in _REFUSED_V6)
        parsed = parsed.ipv4_mapped
    return not any(parsed in network for network in _REFUSED_V4)
