"""How many files and connections this process may have open at a time."""

import logging
import sys
from contextlib import suppress

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

# For the database, logs, outgoing calls and files that are served.
RESERVED = 100
_LESS = (65_536, 10_240)


def raise_limit() -> None:
    """As far as the operator allows: what a shell starts with is far too little for sockets."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == hard:
            return
        # Some systems promise more than they keep.
        for wanted in (hard, *(number for number in _LESS if number > soft)):
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                return


def most_connections() -> int:
    """What is left for those who come."""
    if resource is None:
        return sys.maxsize
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(1, soft - RESERVED)


def warn_below(wanted: int) -> None:
    """Tell the operator if as many connections as the settings promise cannot be had."""
    if (most := most_connections()) < wanted:
        log.warning(
            "at most %d connections at a time (live.connections_total is %d): "
            "raise the limit of open files",
            most,
            wanted,
        )
