"""Signs of life: an event loop that turns says so, and somebody notices when it does not."""

import asyncio
import ctypes
import faulthandler
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from microblog.serving import systemd

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
# A silence is counted in slices, each slept through by the listener itself: what it has slept
# through together with the silent one (a frozen container, a paused machine) is one slice at most.
SLICES = 10
# For the log's own thread, before the process goes.
WRITE_SECONDS = 0.3
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


def interval(stall_seconds: float) -> float:
    """Seconds between two beats, so that several fit into what counts as a stall."""
    return min(BEAT_SECONDS, stall_seconds / 4) if stall_seconds else BEAT_SECONDS


async def beat(every: float, *tell: Callable[[], None]) -> None:
    """For ever: tell that the loop turns."""
    while True:
        for listener in tell:
            listener()
        await asyncio.sleep(every)


async def live_alone(stall_seconds: float) -> None:
    """For ever: give the signs of life of a process that no keeper watches, and watch it ourselves.

    A loop that stands still for `stall_seconds` ends the process with status 1 (0: never).
    """
    every = interval(stall_seconds)
    if not stall_seconds:
        await beat(every, systemd.alive)
        return
    watch = Watch(stall_seconds)
    watch.start()
    try:
        await beat(every, systemd.alive, watch.hear)
    finally:
        watch.stop()


class Watch:
    """A thread that ends a process whose loop has stalled, where no other process does."""

    def __init__(self, stall_seconds: float) -> None:
        self._slice = stall_seconds / SLICES
        self._heard = threading.Event()
        self._over = threading.Event()

    def hear(self) -> None:
        self._heard.set()

    def stop(self) -> None:
        self._over.set()

    def start(self) -> None:
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def _run(self) -> None:
        silent = 0
        while not self._over.wait(self._slice):
            silent = 0 if self._heard.is_set() else silent + 1
            self._heard.clear()
            if silent >= SLICES:
                self._end()

    def _end(self) -> None:
        log.critical("the event loop has stalled; ending, so that whoever keeps us starts another")
        with suppress(Exception):  # standard error may be closed, and we go all the same
            faulthandler.dump_traceback(sys.stderr)
        self._over.wait(WRITE_SECONDS)
        os._exit(1)


def die_with_parent() -> None:
    """Have the kernel kill us when our parent dies, stalled or stopped as we may be. Linux only."""
    _prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))


def be_called(name: str) -> None:
    """The name that `ps -o comm` and `top` show, 15 characters at most. Linux only."""
    _prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()[:15]))


def _prctl(option: int, value: ctypes.c_ulong | ctypes.c_char_p) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
