"""Unhandled errors as letters to the operator: few of them, and never in anybody's way."""

import asyncio
import inspect
import logging
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from microblog.logs import context
from microblog.logs.lines import message, told, trace
from microblog.settings import Settings

log = logging.getLogger(__name__)

SUBJECT = "Microblog Failure"
QUIET_SECONDS = 600.0
MOST_WAITING = 16
_MOST_KINDS = 256
_PROMISE_SECONDS = 10.0
_FAREWELL_SECONDS = 1.0
_OURS = f"{Path(__file__).parents[1]}/"

# Set while a letter is promised: what fails there must not ask for another letter.
_promising: ContextVar[bool] = ContextVar("promising", default=False)


@dataclass(frozen=True)
class Report:
    """One letter: ``key`` is the same for the same error, in every process."""

    key: str
    subject: str
    text: str
    request_id: str
    held_back: int


Promise = Callable[[Report], Awaitable[None] | None]


class Quiet:
    """Which errors were told lately, and how many like them were not."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._told: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def ask(self, key: str) -> int | None:
        """How many were held back since the last one, if this one may be told; else ``None``."""
        with self._lock:
            until, held = self._told.pop(key, (0.0, 0))
            now = self._clock()
            if until > now:
                self._told[key] = until, held + 1
                return None
            self._told[key] = now + self._seconds, 0
            if len(self._told) > _MOST_KINDS:
                del self._told[next(iter(self._told))]
            return held

    def take_back(self, report: Report) -> None:
        """That one could not be told after all: the next may be."""
        with self._lock:
            _, held = self._told.get(report.key, (0.0, 0))
            self._told[report.key] = 0.0, held + report.held_back + 1


class ErrorLetters(logging.Handler):
    """Hands a report of each unhandled error to ``promise``, which may be ``async``.

    At most one per distinct error (its type, and where in our code) in ``quiet_seconds``. Whoever
    logs does not wait for it.
    """

    def __init__(
        self,
        promise: Promise,
        *,
        quiet_seconds: float = QUIET_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(logging.ERROR)
        self._promise = promise
        self._quiet = Quiet(quiet_seconds, clock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: asyncio.Queue[Report] = asyncio.Queue(MOST_WAITING)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._deliver(), name="error letters")
        logging.root.addHandler(self)

    async def stop(self) -> None:
        """Listen no more; what waits gets a moment to be promised."""
        logging.root.removeHandler(self)
        self._loop = None
        if self._task is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await self._waiting.join()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.close()

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or self._loop is None or _promising.get():
            return
        # Whatever goes wrong here, the log has the error already.
        with suppress(Exception):
            key = _key(error)
            held_back = self._quiet.ask(key)
            if held_back is not None:
                report = _report(record, key, held_back)
                self._loop.call_soon_threadsafe(self._put, report)

    def _put(self, report: Report) -> None:
        try:
            self._waiting.put_nowait(report)
        except asyncio.QueueFull:
            self._quiet.take_back(report)

    async def _deliver(self) -> None:
        _promising.set(True)
        while True:
            report = await self._waiting.get()
            try:
                async with asyncio.timeout(_PROMISE_SECONDS):
                    promised = self._promise(report)
                    if inspect.isawaitable(promised):
                        await promised
            except Exception as error:  # noqa: BLE001 - a dead database must not end the letters
                self._quiet.take_back(report)
                log.warning("an error report was not promised: %s", type(error).__name__)
            finally:
                self._waiting.task_done()


def error_letters(settings: Settings, promise: Promise) -> ErrorLetters | None:
    """The letters of this service; none without a mail server and somebody to write to."""
    wanted = settings.mail.server and settings.mail.admins
    return ErrorLetters(promise) if wanted else None


def _key(error: BaseException) -> str:
    """The kind of an error: its type and the innermost place in our own code."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    places = [
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    ours = [(file.removeprefix(_OURS), line) for file, line in places if file.startswith(_OURS)]
    file, line = (ours or places or [("", 0)])[-1]
    return f"{kind} at {file}:{line}"


def _report(record: logging.LogRecord, key: str, held_back: int) -> Report:
    fields = told(record) | context.fields()
    at = datetime.fromtimestamp(record.created, UTC)
    lines = [
        message(record),
        "",
        f"time: {at:%Y-%m-%d %H:%M:%S} UTC",
        *(
            f"{name}: {fields[name]}"
            for name in ("request", "user", "method", "route")
            if name in fields
        ),
        f"more like this since the last letter: {held_back}",
        "",
        trace(record),
        "",
    ]
    return Report(key, SUBJECT, "\n".join(lines), context.request_id(), held_back)
