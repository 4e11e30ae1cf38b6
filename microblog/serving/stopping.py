"""The way out of a process: asked for by a signal or its keeper, and always found in time."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable

from microblog.serving.leash import HURRY, RETIRE, Leash
from microblog.serving.mends import cut_connections

log = logging.getLogger(__name__)

# The parent is gone: whoever follows wants the port, so goodbyes are short.
ORPHAN_SECONDS = 0.5
HURRY_SECONDS = 0.5
# After the connections are cut: for their tasks' end, and for the app to tidy up.
CANCEL_SECONDS = 0.2
CLOSE_SECONDS = 1.0
# With what follows it, a stop never takes ten seconds.
LONGEST_PATIENCE = 8.4
# Of whoever stops a whole group of processes a signal may come twice; a person's second one comes
# later than that.
ECHO_SECONDS = 0.3
# How long an idle connection stays open after the stop was asked for: the next request may be on
# its way. Where another worker takes over there is time to answer it, and thereby to say goodbye.
BRIEF_LINGER = 0.1
GENTLE_LINGER = 2.0


class Stop:
    """Orderly when it is asked for, quick when it is hurried, and it always arrives.

    `linger` is in seconds, and decided once `asked` is set; `hurried` ends it early.
    """

    def __init__(self, patience: float) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()
        self.linger = min(BRIEF_LINGER, patience)
        self._retiring = False
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._asked_at = 0.0

    @property
    def spread(self) -> float:
        """Seconds over which sockets may be closed, so that not all come back at once."""
        return self.linger / 2 if self._retiring else 0.0

    def ask(self) -> None:
        if not self.asked.is_set():
            log.info("stopping: no new connections, waiting for what is under way")
            self._begin()
        elif self._retiring:
            self._retiring = False
            self.hurried.set()

    def ask_again(self) -> None:
        """As a person's signal does: the first one asks, a later one hurries."""
        if self.asked.is_set() and not self._retiring:
            if self._loop.time() - self._asked_at > ECHO_SECONDS:
                self.hurry()
        else:
            self.ask()

    def hurry(self) -> None:
        """Whatever is under way is left."""
        self.asked.set()
        self.hurried.set()
        self._end_after(0)

    def retire(self) -> None:
        """Another worker has taken over: nobody shall notice that we go."""
        if not self.asked.is_set():
            log.info("giving way to a new worker: waiting for what is under way")
            self._retiring = True
            self.linger = min(GENTLE_LINGER, self._patience / 2)
            self._begin()

    def ask_as_orphan(self) -> None:
        self.linger = 0.0
        self.hurried.set()
        self.asked.set()
        self._end_after(ORPHAN_SECONDS)

    def hear(self, leash: Leash) -> None:
        """Do as the keeper says, as long as there is one."""
        try:
            words = leash.heard()
        except BlockingIOError:
            return
        if RETIRE in words:
            self.retire()
        if HURRY in words:
            self.hurry()
        if not words:
            self._loop.remove_reader(leash)
            self.ask_as_orphan()

    def _begin(self) -> None:
        self._asked_at = self._loop.time()
        self.asked.set()
        self._end_after(self._patience)

    def _end_after(self, seconds: float) -> None:
        self._loop.call_later(seconds, self._cut)
        # A thread, because a blocked loop or a stuck thread pool must not keep us either.
        close = CLOSE_SECONDS if seconds else HURRY_SECONDS
        last_resort = threading.Timer(seconds + CANCEL_SECONDS + close, _leave)
        last_resort.daemon = True
        last_resort.start()

    def _cut(self) -> None:
        if number := cut_connections():
            log.info("connections cut at the end of the wait: %d", number)


def _leave() -> None:
    """End now, with success: the stop was asked for, and whatever was promised is committed."""
    log.warning("something would not end in time; leaving without it")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def stop_when_told(patience: float, leash: Leash | None = None) -> Stop:
    """The way out, asked for by SIGTERM, SIGINT, or the keeper at the other end of a leash.

    Of a worker a signal never asks more than once: whoever stops the whole service (systemd, by
    default) sends it to each process, and the keeper passes its own on. Only the keeper hurries it.
    """
    loop = asyncio.get_running_loop()
    stop = Stop(patience)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.ask_again if leash is None else stop.ask)
    on_hangup(stop.ask, _stay)
    if leash is not None:
        loop.add_reader(leash, stop.hear, leash)
    return stop


def on_hangup(stop: Callable[[], None], otherwise: Callable[[], None]) -> None:
    """SIGHUP stops a process whose terminal was closed, and means something else otherwise."""
    had_terminal = os.isatty(0)

    def hear() -> None:
        if had_terminal and not os.isatty(0):
            stop()
        else:
            otherwise()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hear)


def _stay() -> None:
    """Nobody is there to take over, and ending as SIGHUP does by default would be a gap."""
    log.warning(
        "SIGHUP: a process alone cannot be replaced while it runs; restart it "
        "(two server workers or more are replaced by their keeper)"
    )
