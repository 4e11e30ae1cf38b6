"""What takes too long: queries, and whatever blocks the event loop."""

import asyncio
import logging
import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

log = logging.getLogger(__name__)

_LONGEST_STATEMENT = 500
_MARK = "_microblog_began"
# Of SQLite: it does nothing but wait while another process writes, or for a processor.
_TURN = "BEGIN IMMEDIATE"


def watch_queries(engine: AsyncEngine, seconds: float) -> None:
    """Name every query on ``engine`` that takes longer, by its statement without its values.

    Engines that share a pool may both be watched: nothing is told twice.
    """

    def begin(_c: Any, _cursor: Any, _s: str, _p: Any, context: Any, _many: bool) -> None:
        setattr(context, _MARK, time.perf_counter())

    def end(_c: Any, _cursor: Any, statement: str, _p: Any, context: Any, _many: bool) -> None:
        _tell(statement, context, seconds)

    def fail(failure: ExceptionContext) -> None:
        _tell(failure.statement or "", failure.execution_context, seconds)

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)


def _tell(statement: str, context: Any, seconds: float) -> None:
    began = vars(context).pop(_MARK, None) if context is not None else None
    if began is None:
        return
    took = time.perf_counter() - began
    if took > seconds:
        fields = {"ms": round(took * 1000, 1)}
        if statement == _TURN:
            words = "waited %.0f ms for the write lock"
            log.warning(words, took * 1000, extra={"fields": fields})
            return
        text = " ".join(statement.split())[:_LONGEST_STATEMENT]
        log.warning("slow query, %.0f ms: %s", took * 1000, text, extra={"fields": fields})


async def watch_loop(*, every: float = 0.025, blocked: float = 0.1) -> None:
    """For ever: say so when the event loop did nothing else for longer than ``blocked`` seconds.

    A block is measured from the end of a nap of ``every`` seconds, so it may seem that much
    shorter than it was, never longer.
    """
    while True:
        due = time.monotonic() + every
        await asyncio.sleep(every)
        late = time.monotonic() - due
        if late > blocked:
            fields = {"ms": round(late * 1000, 1)}
            log.warning(
                "the event loop was blocked for %.0f ms", late * 1000, extra={"fields": fields}
            )
