"""The listener's backlog: taken many at a time, and turned away where there is no room.

The fast loop takes one connection in each of its turns; under a crowd the others would wait in the
kernel, counted by nobody.
"""

import asyncio
import errno
import logging
import socket

from microblog.logs import Seldom
from microblog.serving.incoming import Host, Incoming
from microblog.serving.listening import BACKLOG
from microblog.web.edge import is_always_let_in

AT_ONCE = 64
# Nothing can be opened any more: others must close something first.
REST_SECONDS = 0.2
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_HEAD_BYTES = 16_384
# So many are taken beyond the most, if they ask whether we live, or for a static file.
_PROBES = 20

seldom = Seldom(logging.getLogger(__name__))


class Acceptor:
    """Takes connections from a listener, and never more than ``most`` at a time."""

    def __init__(self, listener: socket.socket, host: Host, most: int) -> None:
        self._listener = listener
        self._host = host
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()
        self._coming = 0  # taken, and not yet among those that are open
        self._resting: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """From now on."""
        self._listener.setblocking(False)
        # Those that are accepted inherit it.
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._listen()

    async def end(self, seconds: float) -> None:
        """No more, except for those that the kernel has taken already; back when they are ours."""
        if self._resting is not None:
            self._resting.cancel()
        self._loop.remove_reader(self._listener)
        self._take(BACKLOG)
        self._listener.close()
        if self._opening:
            await asyncio.wait(self._opening, timeout=seconds)

    def _listen(self) -> None:
        self._resting = None
        self._loop.add_reader(self._listener, self._take)

    def _take(self, number: int = AT_ONCE) -> None:
        for _ in range(number):
            try:
                line, _address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._rest(error)
                    return
                continue  # it broke while it waited
            if not self._turns_away(line):
                self._open(line)

    def _rest(self, error: OSError) -> None:
        seldom.warning("no connection can be taken now: %s", error.strerror)
        if self._loop.remove_reader(self._listener):
            self._resting = self._loop.call_later(REST_SECONDS, self._listen)

    def _open(self, line: socket.socket) -> None:
        line.setblocking(False)
        self._coming += 1
        opening = self._loop.connect_accepted_socket(self._incoming, line)
        task: asyncio.Task[object] = self._loop.create_task(opening)
        self._opening.add(task)
        task.add_done_callback(self._note_open)

    def _incoming(self) -> Incoming:
        self._coming -= 1
        return Incoming(self._host)

    def _note_open(self, task: asyncio.Task[object]) -> None:
        self._opening.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # It was gone before we had it.
            seldom.warning("a connection could not be opened: %s", type(error).__name__)

    def _turns_away(self, line: socket.socket) -> bool:
        """Answer and hang up, if there is no room for what it asks, or for the connection."""
        shedder = self._host.shedder
        is_last = len(self._host) + self._coming >= self._most
        if not is_last and (shedder is None or not shedder.is_full):
            return False
        data = _asked(line)
        if is_last and is_always_let_in(data) and len(self._host) < self._most + _PROBES:
            return False
        if is_last:
            seldom.warning("%d connections are open: no more are taken", self._most)
            found = shedder.answer(data, last=True) if shedder is not None else None
        else:
            found = shedder.judge(data, None, last=True) if shedder is not None else None
            if found is None:
                return False
        _say_last(line, found[0] if found is not None else b"", len(data))
        return True


def _asked(line: socket.socket) -> bytes:
    """What it has said already, which stays where it is."""
    try:
        return line.recv(_HEAD_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return b""


def _say_last(line: socket.socket, answer: bytes, heard: int) -> None:
    """Hanging up over unread bytes would reset the connection, and the answer with it."""
    with line:
        try:
            if heard:
                line.recv(heard, socket.MSG_DONTWAIT)
            line.send(answer, socket.MSG_DONTWAIT)
            line.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has gone
