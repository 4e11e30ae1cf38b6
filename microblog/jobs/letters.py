"""Sending letters: from a task to the mail server, and what its answer means."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.message import EmailMessage

from microblog.adapters.mailer import Mailer, Refused, Unreachable
from microblog.database import UNAVAILABLE
from microblog.domain import letters, tasks
from microblog.domain.letters import Letter, Pointless
from microblog.jobs.job import Failed, Handler, Job, Later

log = logging.getLogger(__name__)

Compose = Callable[[Letter], Awaitable[EmailMessage]]

# After the first failure, the second … ; the last one repeats until the letter is a day old.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
PATIENCE = timedelta(hours=24)
# More than fit into that day: a letter ends by its age, or by killing whoever sends it.
MOST_ATTEMPTS = 100


class Clerk:
    """Sends what :func:`microblog.domain.letters.promise` has promised."""

    def __init__(self, mailer: Mailer, compose: Compose) -> None:
        """Take who carries letters, and who writes them."""
        self._mailer = mailer
        self._compose = compose

    def handler(self, lane: str) -> Handler:
        """How letters are sent. A stop cuts a sending short, unless it is just being accepted."""
        return Handler(
            self.send,
            lane=lane,
            pauses=PAUSES,
            patience=PATIENCE,
            most_attempts=MOST_ATTEMPTS,
            given_up=letters.undelivered,
            hurries=True,
        )

    async def send(self, job: Job) -> None:
        """Send one letter; that it is out is written down whoever holds the task by then."""
        letter = letters.of(job.task)
        if not await self._is_wanted(job, letter):
            return
        try:
            await self._mailer.send(await self._compose(letter))
        except (Refused, Pointless) as error:
            raise Failed(str(error)) from error
        except Unreachable as error:
            raise Later(str(error)) from error
        except UNAVAILABLE as error:
            raise Later(f"the database does not answer: {error}") from error
        except Exception as error:
            # No louder than a warning: an error may itself be told by letter.
            log.warning("letter %s (%s) was not sent", letter.id, letter.kind, exc_info=True)
            raise Later(f"{type(error).__name__}: {error}") from error
        log.info("letter %s (%s) was sent", letter.id, letter.kind)
        job.settle(lambda session: letters.delivered(session, letter))

    @staticmethod
    async def _is_wanted(job: Job, letter: Letter) -> bool:
        """Whether it still announces something; if not, it is called off as well."""
        async with job.database.reading() as session:
            wanted = await letters.is_wanted(session, letter)
        if not wanted:
            job.settle(lambda session: tasks.end(session, letter.id, tasks.CANCELLED))
        return wanted
