"""Who does which task: every name that can be promised has its handler here."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial

from microblog.domain import tasks
from microblog.domain.search import outbox
from microblog.jobs.exports import Exporter, attachments
from microblog.jobs.housekeeping import Housekeeping
from microblog.jobs.imports import Importer
from microblog.jobs.indexing import Indexing, unneeded
from microblog.jobs.job import Handler, Job
from microblog.jobs.letters import Clerk
from microblog.letterpress import Letterpress, site
from microblog.resources import Resources

# How many tasks of each lane one process does at the same time.
LETTERS, ARCHIVES, UPKEEP, INDEX = "letters", "archives", "upkeep", "index"

# What recurs must survive any number of bad days.
_FOR_EVER = timedelta(days=36500)


def lanes(resources: Resources) -> dict[str, int]:
    """The lanes of one process, with their hands."""
    return {LETTERS: 4, ARCHIVES: resources.settings.jobs.exports_at_once, UPKEEP: 1, INDEX: 1}


def handlers(resources: Resources) -> Mapping[str, Handler]:
    """The handlers of one process."""
    settings = resources.settings
    press = Letterpress(
        settings.mail.sender,
        partial(site, settings.server),
        resources.link_token,
        partial(attachments, resources.archives),
    )
    exporter = Exporter(settings.archives, resources.archives)
    limits = settings.limits
    importer = Importer(
        settings.archives,
        resources.uploads,
        most_fresh=limits.scaled(limits.writes_per_minute),
    )
    return {
        tasks.SEND_LETTER: Clerk(resources.mailer, press.compose).handler(LETTERS),
        tasks.EXPORT_POSTS: Handler(exporter.run, lane=ARCHIVES),
        tasks.IMPORT_POSTS: Handler(importer.run, lane=ARCHIVES),
        tasks.SWEEP: Handler(
            Housekeeping(settings, resources.archives, resources.uploads).sweep,
            lane=UPKEEP,
            persistent=True,
            patience=_FOR_EVER,
            most_attempts=sys.maxsize,
        ),
        tasks.INDEX_POSTS: _indexing(resources),
    }


def _indexing(resources: Resources) -> Handler:
    run: Callable[[Job], Awaitable[None]] = unneeded
    if resources.search_engine is not None:
        indexing = Indexing(resources.search_engine)
        resources.database.on_promise(outbox.NOTED, indexing.wake)
        run = indexing.run
    return Handler(
        run,
        lane=INDEX,
        persistent=True,
        patience=_FOR_EVER,
        most_attempts=sys.maxsize,
        # It mostly waits, and whatever it is cut off from is told again.
        hurries=True,
    )
