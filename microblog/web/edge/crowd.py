"""The crowd: how many requests are worked on at once, who waits for a turn, and who is told to go.

One loop does the work of one processor: more requests at once end no sooner, each only takes
longer. So beyond some the next ones stand in line; and where the line is so long, or so slow, that
a newcomer would hardly have a turn in time, the newcomer is told so at once.

A place is held until the answer begins: who reads it slowly takes no work. It is given back earlier
by :func:`step_aside`, where a request waits for something that is not done by the loop.
"""

from typing import Any

from microblog.web.edge.asgi import Receive, Scope
from microblog.web.edge.line import Line, Place
from microblog.web.edge.refused import Refused

_PLACE = "microblog.place"
# What must be answered above all when there is a crowd, and costs next to nothing.
_ALWAYS = frozenset({"/livez", "/readyz"})
_STATIC = "/static/"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_UNBOUNDED = 2**31
# A page is asked for again by a click; in a change is what somebody wrote, or a program's promise.
_CHANGES_WAIT = 5
# When all sockets come back at once, pages need the database and the loop, too; and nobody looks on
# while a socket waits. A thousand are let in within this time.
_HANDSHAKES = 2
_HANDSHAKES_MOST, _HANDSHAKES_WAIT = 4, 15


class Crowd:
    """The lines of one process.

    Changes have their own: on SQLite they wait for whoever else writes, and who reads must not wait
    for them. So have large bodies, which take as long as their senders' networks do, and the
    handshakes of websockets: an open one counts no more.
    """

    def __init__(
        self, places: int = _UNBOUNDED, most: int = _UNBOUNDED, patience: float = 1.0
    ) -> None:
        """``places``, ``most`` and ``patience`` are as :class:`Line` has them, for reading."""
        self.reading = Line(places, most, patience)
        self.changing = Line(places, most, _CHANGES_WAIT * patience)
        self.sending = Line(places, most, _CHANGES_WAIT * patience)
        self.shaking = Line(
            min(places, _HANDSHAKES), _HANDSHAKES_MOST * most, _HANDSHAKES_WAIT * patience
        )
        self._always = Line(_UNBOUNDED, 0, patience)

    async def turn(
        self, scope: Scope, receive: Receive, *, large: bool, since: float | None = None
    ) -> tuple[Place, Receive]:
        """Stand in the line for this request; ``large`` if its body is still to come.

        ``since`` and what it raises are as :meth:`Line.turn` has them.
        """
        try:
            return await self._line_for(scope, large=large).turn(receive, since)
        except Refused as refused:
            # A body that is still on its way ends the connection; else it serves for the next try.
            refused.unread = refused.closes = large
            raise

    @property
    def refused(self) -> dict[str, int]:
        """How many were told to go so far, line by line."""
        lines = {
            "reading": self.reading,
            "changing": self.changing,
            "sending": self.sending,
            "shaking": self.shaking,
        }
        return {name: line.refused for name, line in lines.items()}

    def _line_for(self, scope: Scope, *, large: bool) -> Line:
        path: str = scope["path"]
        if path in _ALWAYS or path.startswith(_STATIC):
            return self._always
        if large:
            return self.sending
        return self.reading if scope["method"] in _SAFE_METHODS else self.changing


def hold(scope: Scope, place: Place) -> Scope:
    """The scope of a request that has its turn."""
    return {**scope, _PLACE: place}


# The framework types its scopes too narrowly for ours: hence Any.
def step_aside(scope: Any) -> None:
    """Let the next one have this request's place: it waits for something beside the loop now.

    That may be a thread that hashes, or a service outside. What little is left to do after it needs
    no place. Of so many at once as may stand in line; the others keep their place.
    """
    place: Place | None = scope.get(_PLACE)
    if place is not None:
        place.step_aside()
