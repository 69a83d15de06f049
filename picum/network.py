"""From which network somebody asks: enough to count what comes from there, too little to know who it is."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

_PORT = re.compile(r"^\[(.+)\](?::\d+)?$|^([\d.]+):\d+$")


def network_of(request: HttpRequest) -> str:
    """The visitor's network, "203.0.113.0/24" or "2001:db8:1::/48"; "" where the server does not say.

    Behind a proxy it is the last entry of X-Forwarded-For that counts, because the proxy itself wrote it: what stands
    before it, or in the header without a proxy, is whatever the visitor likes. Nobody logs or stores it as it is.
    """
    said = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        said = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2] or said
    with_port = _PORT.match(said := said.strip())
    try:
        address = ipaddress.ip_address((with_port[1] or with_port[2]) if with_port else said)
    except ValueError:
        return ""
    address = getattr(address, "ipv4_mapped", None) or address
    # Without the zone of an address such as fe80::1%eth0, which is the server's own word.
    plain = str(address).partition("%")[0]
    return str(ipaddress.ip_network(f"{plain}/{24 if address.version == 4 else 48}", strict=False))
