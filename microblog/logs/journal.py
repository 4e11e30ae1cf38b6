"""The log of one process: from its first line to its last."""

import atexit
import logging
import sys
from logging.handlers import QueueListener
from queue import SimpleQueue

from microblog.logs.courier import Courier
from microblog.logs.files import FileLines, StreamLines
from microblog.logs.lines import JSONLines, TextLines
from microblog.settings import Settings

log = logging.getLogger("microblog")
_AUDIT = logging.getLogger("microblog.audit")


class Journal:
    """A running log; closing it writes what is still under way."""

    def __init__(self, sink: logging.Handler) -> None:
        queue: SimpleQueue[logging.LogRecord | None] = SimpleQueue()
        self._sink = sink
        self._courier = Courier(queue)
        self._listener = QueueListener(queue, sink)
        self._levels = {logger: logger.level for logger in (logging.root, log, _AUDIT)}
        self._open = True
        self._listener.start()
        logging.root.addHandler(self._courier)
        # Not every end of a process is an orderly one.
        atexit.register(self.close)

    def listen(self, level: str) -> None:
        """Keep records from ``level`` on.

        Libraries are heard from warnings on only: below that, some print what they are handed,
        statements with their parameters included. Audit lines are kept whatever the level.
        """
        number = logging.getLevelNamesMapping()[level]
        logging.root.setLevel(max(number, logging.WARNING))
        log.setLevel(number)
        _AUDIT.setLevel(min(number, logging.INFO))

    def close(self) -> None:
        """Write what is under way, and let go of everything. May be called again."""
        if not self._open:
            return
        self._open = False
        atexit.unregister(self.close)
        logging.root.removeHandler(self._courier)
        for logger, level in self._levels.items():
            logger.setLevel(level)
        self._listener.stop()
        self._sink.close()


def configure(settings: Settings, *, debug: bool = False) -> Journal:
    """Begin the log of this process; once, before the application is made.

    In a debugging run lines go to standard error and no file is made. Raises :class:`OSError` if
    the file cannot be written.
    """
    sink = _sink(settings, debug=debug)
    sink.setFormatter(JSONLines() if settings.logs.json else TextLines())
    journal = Journal(sink)
    journal.listen(settings.logs.level)
    log.info("Microblog startup")
    return journal


def _sink(settings: Settings, *, debug: bool) -> logging.Handler:
    if debug:
        return StreamLines(sys.stderr.buffer)
    if settings.logs.stdout:
        return StreamLines(sys.stdout.buffer)
    return FileLines(
        settings.server.instance / "logs" / "microblog.log",
        max_bytes=settings.logs.max_bytes,
        backups=settings.logs.backups,
    )
