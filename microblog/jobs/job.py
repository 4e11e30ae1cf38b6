"""What a handler holds while it works on a task, and the ways in which it can end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.database import Database
from microblog.domain import tasks
from microblog.domain.tasks import Claimed

# Something to be written down about a task in one unit of work.
Change = Callable[[AsyncSession], Awaitable[object]]

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600))


class Later(Exception):
    """It cannot be done now; another time it may. The text says why."""


class Failed(Exception):
    """It cannot be done at all. The text, of the catalogue where people see it, says why."""


class Stopped(Exception):
    """The runner stops; the task goes on elsewhere, or after the next start."""


class Job:
    """A claimed task in its runner's hands."""

    def __init__(
        self,
        task: Claimed,
        database: Database,
        clock: Callable[[], datetime],
        is_stopping: Callable[[], bool],
    ) -> None:
        """Tie a task to where it is written down."""
        self.task = task
        self.database = database
        self.clock = clock
        self.is_settled = False
        self.change: Change | None = None
        self.is_stopping = is_stopping

    @property
    def owner_id(self) -> int:
        """Whose work it is. Raises ValueError for what the service does for itself."""
        if self.task.user_id is None:
            raise ValueError(f"{self.task.name} is nobody's")
        return self.task.user_id

    @asynccontextmanager
    async def step(self) -> AsyncIterator[AsyncSession]:
        """A unit of work that counts only if the task is still ours, and moves the lease on.

        Raises :class:`microblog.domain.tasks.Lost` if it is not; and after it is written down,
        :class:`Stopped` when the runner stops.
        """
        async with self.database.begin() as session:
            await tasks.hold(session, self.task, now=self.clock())
            yield session
        if self.is_stopping():
            raise Stopped

    async def advance(
        self, *, progress: int | None = None, cursor: dict[str, Any] | None = None
    ) -> None:
        """Write down how far it is, as a step of its own."""
        async with self.step() as session:
            await tasks.note(session, self.task, progress=progress, cursor=cursor)

    def settle(self, change: Change | None = None) -> None:
        """Say that the task is not finished by returning: the last step has decided about it.

        Or ``change`` decides: it is tried until it is written down, even while the runner stops.
        """
        self.is_settled = True
        self.change = change


@dataclass(frozen=True)
class Handler:
    """How tasks of one name are done.

    ``run`` returns when the task is done. Tasks of one ``lane`` share a runner's hands, so that
    long ones do not keep short ones waiting. After a failure that may pass it is tried again after
    each of ``pauses``, the last of which repeats, until the task is older than ``patience``. An
    error that nobody expected ends it, unless it is ``persistent``. A task that was taken
    ``most_attempts`` times is given up. ``given_up`` writes down, in the unit of work in which the
    task fails, what follows from that. When the runner stops, one that ``hurries`` is cancelled at
    once; the others have a moment to come to the end of their step.
    """

    run: Callable[[Job], Awaitable[None]]
    lane: str
    pauses: tuple[timedelta, ...] = PAUSES
    patience: timedelta = timedelta(hours=24)
    persistent: bool = False
    most_attempts: int = tasks.MOST_ATTEMPTS
    given_up: Callable[[AsyncSession, Claimed], Awaitable[None]] | None = None
    hurries: bool = False
