"""What may be refused before it is parsed: only what is one whole request beyond doubt."""

import pytest

from microblog.web.edge.arrivals import Arrival
from microblog.web.edge.line import Line
from microblog.web.edge.shedding import Shedder, is_plain

PLAIN = b"GET / HTTP/1.1\r\nHost: site.example\r\n\r\n"


@pytest.mark.parametrize(
    "asked",
    [
        b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /static/css/site.css HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\nGET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nCONTENT-LENGTH: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\rContent-Length: 60\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\nContent-Length: 60\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nCookie: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA\x00b: c\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_only_what_cannot_be_misunderstood_is_told_before_the_gate(asked: bytes) -> None:
    assert not is_plain(asked)
    assert is_plain(PLAIN)


def test_who_was_let_in_counts_until_it_is_there() -> None:
    """T-57: of a burst only so many come in as there is room for, before any of them arrives."""
    line = Line(2, 1, 600)
    shedder = Shedder(line, lambda _scope: ([], b"no"))
    arrivals = [Arrival() for _ in range(5)]
    refused = [shedder.judge(PLAIN, arrival, last=False) is not None for arrival in arrivals]
    assert refused == [False, False, False, True, True]
    assert (line.coming, line.refused) == (3, 2)
    assert [arrival.reach() is None for arrival in arrivals] == refused
    assert line.coming == 0
    # Whoever is asked twice was only there once.
    assert arrivals[0].reach() is None
    assert shedder.judge(PLAIN, arrivals[0], last=False) is None
    assert shedder.judge(PLAIN, arrivals[0], last=False) is None
    assert line.coming == 1
