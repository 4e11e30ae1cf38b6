"""Where a request comes from."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from quart import has_request_context, request, websocket

from microblog.web import scope

# Of what claims to be an address; real ones are shorter.
_LONGEST = 64


def address() -> str:
    """The client's address as limits count it: IPv6 by its /64, which is one household's.

    Only as many proxies are believed as the operator has set; whatever a client claims beyond
    them is not looked at.
    """
    hops = scope.settings().server.trusted_proxies
    asked = request if has_request_context() else websocket
    claimed = asked.headers.get("X-Forwarded-For", "").split(",") if hops else []
    raw = claimed[-hops].strip() if len(claimed) >= hops > 0 else asked.remote_addr or ""
    return _counted(raw[:_LONGEST])


@lru_cache(1024)
def _counted(raw: str) -> str:
    try:
        parsed = ip_address(raw)
    except ValueError:
        return raw
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)
