"""The way of a record from the event loop to the thread that writes it down."""

from copy import copy
from logging import WARNING, LogRecord
from logging.handlers import QueueHandler
from queue import SimpleQueue

from microblog.logs import context
from microblog.logs.lines import merged

MOST_WAITING = 10_000


class Courier(QueueHandler):
    """Takes records without ever waiting: when too many are under way, it counts what it drops."""

    queue: "SimpleQueue[LogRecord | None]"

    def __init__(self, queue: "SimpleQueue[LogRecord | None]") -> None:
        super().__init__(queue)
        self._dropped = 0

    def prepare(self, record: LogRecord) -> LogRecord:
        """Fix what may change meanwhile; the line is made in the thread."""
        taken = copy(record)
        taken.msg, taken.args = merged(record), None
        taken.fields = {**context.fields(), **getattr(record, "fields", {})}
        return taken

    def enqueue(self, record: LogRecord) -> None:
        if self.queue.qsize() >= MOST_WAITING:
            self._dropped += 1
            return
        if self._dropped:
            text = f"log lines dropped, because too many were waiting: {self._dropped}"
            self._dropped = 0
            self.queue.put(LogRecord(__name__, WARNING, __file__, 0, text, None, None))
        self.queue.put(record)
