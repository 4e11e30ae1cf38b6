"""Pings for all open sockets of one server, each in its own turn, with one timer for all."""

import asyncio
from collections import OrderedDict
from typing import Any, Protocol


class Pinged(Protocol):
    """Somebody who can be asked whether they are still there."""

    def ping(self) -> bool:
        """Ask again; False if that makes no sense any more."""


class Pings:
    """Those who are asked, in the order in which they are due."""

    def __init__(self) -> None:
        self._due: OrderedDict[Pinged, float] = OrderedDict()
        self._interval = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def look_after(self, socket: Pinged, interval: float) -> None:
        """Ping now, and again every `interval` seconds, the same for all; never if it is 0."""
        if interval and socket.ping():
            self._interval = interval
            self._due[socket] = asyncio.get_running_loop().time() + interval
            if self._timer is None:
                self._set_timer()

    def forget(self, socket: Pinged) -> None:
        self._due.pop(socket, None)

    def _set_timer(self) -> None:
        self._timer = None
        for due in self._due.values():
            self._timer = asyncio.get_running_loop().call_at(due, self._ping)
            break

    def _ping(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._due:
            socket, due = next(iter(self._due.items()))
            if due > now:
                break
            del self._due[socket]
            if socket.ping():
                self._due[socket] = now + self._interval
        self._set_timer()


def pings_of(context: Any) -> Pings:
    """Those of the server whose connections have this context in common."""
    found: Pings = vars(context).setdefault("pings", Pings())
    return found
