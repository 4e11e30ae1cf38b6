"""The post office: takes promised letters from the outbox, and sends them.

One per process, a few letters at once. It is woken by commits of this process, and looks by itself
for letters whose time has come and for those that other processes have promised.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from email.message import EmailMessage

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.adapters.mailer import Mailer, Refused, Unreachable
from microblog.database import UNAVAILABLE, Database
from microblog.domain import letters
from microblog.domain.letters import Claimed, Pointless
from microblog.models import utc_now

log = logging.getLogger(__name__)

Compose = Callable[[Claimed], Awaitable[EmailMessage]]
Change = Callable[[AsyncSession], Awaitable[object]]

_AT_ONCE = 4
_LOOK_SECONDS = 5.0
_TROUBLE_SECONDS = 1.0
# Writing down what became of a letter is tried this often, a second apart, well within the lease.
_SETTLE_TRIES = 60
_STOP_SECONDS = 4.0


class _Stopped(Exception):
    """The post office closes before this letter was handed over."""


class PostOffice:
    """Sends what :func:`microblog.domain.letters.promise` has promised."""

    def __init__(
        self,
        database: Database,
        mailer: Mailer,
        compose: Compose,
        *,
        clock: Callable[[], datetime] = utc_now,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        """Take what it works with; ``clock`` says when a letter's time has come."""
        self._database = database
        self._mailer = mailer
        self._compose = compose
        self._clock = clock
        self._look_seconds = look_seconds
        self._something = asyncio.Event()
        self._stopping = False
        self._runner: asyncio.Task[None] | None = None
        self._deliveries: set[asyncio.Task[None]] = set()
        self._sendings: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to look for letters."""
        self._database.on_promise(letters.PROMISED, self.wake)
        self._runner = asyncio.create_task(self._run(), name="post office")

    def wake(self) -> None:
        """There may be a letter."""
        self._something.set()

    async def stop(self) -> None:
        """Hand over what is in the middle of it, give the other letters back, and end.

        This takes two seconds at most, unless the database does not answer.
        """
        self._stopping = True
        self.wake()
        for sending in self._sendings:
            sending.cancel()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                if self._runner is not None:
                    await self._runner
                await asyncio.gather(*self._deliveries)
        except TimeoutError:
            for delivery in self._deliveries:
                delivery.cancel()
            log.warning("letters that were not finished go out when their lease is over")

    async def _run(self) -> None:
        while not self._stopping:
            self._something.clear()
            try:
                pause = await self._take_letters()
            except UNAVAILABLE as error:
                log.warning("the outbox cannot be read, trying again: %s", error)
                pause = _TROUBLE_SECONDS
            except Exception:
                log.exception("the post office stumbled")
                pause = self._look_seconds
            await self._rest(pause)

    async def _rest(self, seconds: float) -> None:
        if not self._stopping:
            try:
                async with asyncio.timeout(seconds):
                    await self._something.wait()
            except TimeoutError:
                pass

    async def _take_letters(self) -> float:
        """Start as many deliveries as there are free hands; the seconds until the next look."""
        while (hands := _AT_ONCE - len(self._deliveries)) > 0:
            now = self._clock()
            async with self._database.reading() as session:
                due_at = await letters.next_due(session, now=now)
            if due_at is None or due_at > now:
                pause = self._look_seconds if due_at is None else (due_at - now).total_seconds()
                return min(pause, self._look_seconds)
            async with self._database.begin() as session:
                claimed = await letters.claim(session, limit=hands, now=now)
            if not claimed:
                break  # another one was quicker
            for letter in claimed:
                self._begin(letter)
        return self._look_seconds

    def _begin(self, letter: Claimed) -> None:
        delivery = asyncio.create_task(self._deliver(letter), name=f"letter {letter.id}")
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)
        delivery.add_done_callback(lambda _done: self.wake())

    async def _deliver(self, letter: Claimed) -> None:
        """Send one letter and write down what became of it. Never raises."""
        name = f"letter {letter.id} ({letter.kind})"
        try:
            await self._send(letter)
        except _Stopped:
            log.info("%s was not sent before the stop; it goes out after the next start", name)
            await self._settle(lambda session: letters.give_back(session, letter))
        except (Refused, Pointless) as error:
            # No louder than a warning: an error may itself be told by letter.
            log.warning("%s is given up: %s", name, error)
            await self._give_up(letter, str(error))
        except Unreachable as error:
            await self._postpone(letter, name, str(error))
        except UNAVAILABLE as error:
            await self._postpone(letter, name, f"the database does not answer: {error}")
        except Exception as error:
            log.warning("%s could not be written or sent", name, exc_info=True)
            await self._postpone(letter, name, f"{type(error).__name__}: {error}")
        else:
            log.info("%s was sent", name)
            await self._settle(
                lambda session: letters.mark_sent(session, letter, now=self._clock())
            )

    async def _send(self, letter: Claimed) -> None:
        message = await self._compose(letter)
        if self._stopping:
            raise _Stopped
        # A task of its own: the stop cuts the sending short, never the writing down.
        sending = asyncio.create_task(self._mailer.send(message))
        self._sendings.add(sending)
        sending.add_done_callback(self._sendings.discard)
        await asyncio.wait({sending})
        if sending.cancelled():
            raise _Stopped
        sending.result()

    async def _give_up(self, letter: Claimed, reason: str) -> None:
        await self._settle(
            lambda session: letters.give_up(session, letter, reason, now=self._clock())
        )

    async def _postpone(self, letter: Claimed, name: str, reason: str) -> None:
        async def change(session: AsyncSession) -> None:
            due_at = await letters.postpone(session, letter, reason, now=self._clock())
            outcome = f"goes out at {due_at:%Y-%m-%d %H:%M:%S} UTC" if due_at else "is given up"
            log.warning("%s %s: %s", name, outcome, reason)

        await self._settle(change)

    async def _settle(self, change: Change) -> None:
        """Write down what became of a letter, and do not let go of it before that is done."""
        for _ in range(_SETTLE_TRIES):
            try:
                async with self._database.begin() as session:
                    await change(session)
            except UNAVAILABLE as error:
                log.warning("what became of a letter cannot be written down yet: %s", error)
                await asyncio.sleep(_TROUBLE_SECONDS)
            else:
                return
