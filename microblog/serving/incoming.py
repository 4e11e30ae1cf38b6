"""A connection as the loop sees it: looked at before any machinery wakes up for it."""

import asyncio
from typing import Protocol, cast

import h11

from microblog.web.edge import Arrival, Shedder


class Host(Protocol):
    """Who has the connections."""

    shedder: Shedder | None
    keep_alive_seconds: float

    @property
    def draining(self) -> bool:
        """Whether each answer is the last one on its connection."""

    def __len__(self) -> int:
        """How many there are."""

    def begin(
        self, incoming: "Incoming", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """A connection is there."""


class Incoming(asyncio.StreamReaderProtocol):
    """One connection: what it says goes to its reader, unless it is told to come again."""

    def __init__(self, host: Host) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = asyncio.StreamReader(loop=self._loop)
        super().__init__(self._reader, loop=self._loop)
        self.arrival = Arrival()
        self._host = host
        # Whether the next byte begins a request.
        self._is_between = True
        self._since = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._line = cast("asyncio.Transport", transport)
        writer = asyncio.StreamWriter(self._line, self, self._reader, self._loop)
        self._host.begin(self, self._reader, writer)

    def data_received(self, data: bytes) -> None:
        if self._is_between and self._host.shedder is not None:
            if self._is_refused(data, self._host.shedder):
                return
            self._is_between = False
        super().data_received(data)

    def _is_refused(self, data: bytes, shedder: Shedder) -> bool:
        if self._line.get_write_buffer_size():
            return False  # it does not even read what it was told before
        found = shedder.judge(data, self.arrival, last=self._ends_soon)
        if found is None:
            return False
        answer, closes = found
        self._line.write(answer)
        if closes:
            self._line.close()
        return True

    @property
    def _ends_soon(self) -> bool:
        """Idle connections are closed in time; one that is only refused must not be caught so."""
        idle = self._loop.time() - self._since
        return self._host.draining or idle > self._host.keep_alive_seconds / 2

    def note_answered(self, connection: h11.Connection) -> None:
        """Everything that was asked is answered; maybe more has been said already."""
        is_idle = connection.our_state is h11.IDLE and connection.their_state is h11.IDLE
        unread = self._reader._buffer or connection.trailing_data[0]  # type: ignore[attr-defined]  # noqa: SLF001 - nothing else tells
        if is_idle and not unread:
            self._is_between = True
            self._since = self._loop.time()

    def connection_lost(self, error: Exception | None) -> None:
        self.arrival.reach()
        super().connection_lost(error)
