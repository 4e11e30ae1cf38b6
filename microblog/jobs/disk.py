"""Jobs and the disk: file work off the loop, and its failures in words that a person can read."""

import logging
from collections.abc import Callable
from typing import TypeVar

from microblog.adapters.shelf import is_full, off_the_loop
from microblog.i18n import marked
from microblog.jobs.job import Failed

log = logging.getLogger(__name__)

Result = TypeVar("Result")

FULL = marked("There is no room left on the server's disk.")
BROKEN = marked("The server cannot use its disk.")


async def on_disk(work: Callable[..., Result], *arguments: object) -> Result:
    """Do file work. Raises :class:`Failed` for whatever the disk does not do."""
    try:
        return await off_the_loop(work, *arguments)
    except OSError as error:
        log.error("a file of a job: %s", error)  # noqa: TRY400 (what the disk says is all of it)
        raise Failed(FULL if is_full(error) else BROKEN) from error
