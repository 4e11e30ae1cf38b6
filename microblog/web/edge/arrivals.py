"""Requests on their way: read by the loop, and not yet before the line that they will stand in.

Between a connection and the line lie a parser and two tasks. Whoever counted only the line would
let hundreds in at once, and refuse them when most of their cost has been paid.
"""

from typing import Protocol

# Where in the state of a scope the server puts the connection's own.
ARRIVAL = "microblog.arrival"


class Counts(Protocol):
    """A line, as far as it is needed here."""

    coming: int

    def now(self) -> float:
        """By the line's own clock, in seconds."""


class Arrival:
    """The request on its way from one connection, if there is one."""

    __slots__ = ("_line", "_since")

    def __init__(self) -> None:
        self._line: Counts | None = None
        self._since = 0.0

    def set_out(self, line: Counts) -> None:
        """It was read just now, and counts from here on."""
        self.reach()
        self._line, self._since = line, line.now()
        line.coming += 1

    def reach(self) -> float | None:
        """It is there, or will never be; gives when it set out, or None if it was not counted."""
        line, self._line = self._line, None
        if line is None:
            return None
        line.coming -= 1
        return self._since
