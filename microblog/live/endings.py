"""Whose login or token has ended: their sockets are closed."""

import math
import time

from microblog.database import Database
from microblog.domain import events, sessions, tokens
from microblog.domain.events import Logged
from microblog.live import outbox
from microblog.live.audience import Audience, Reader
from microblog.models import utc_now

# How often it is looked whose time is over.
_LOOK_SECONDS = 1.0
# So many are asked for by one statement.
_AT_ONCE = 500


class Endings:
    """Closes the sockets of those who are logged in no longer."""

    def __init__(self, database: Database, audience: Audience) -> None:
        """Know of no ending yet."""
        self._database = database
        self._audience = audience
        self._ended: set[int] = set()  # people of whom a login has ended, until that is dealt with
        self._looked_at = -math.inf

    def note(self, event: Logged) -> None:
        """Keep in mind that a login of somebody has ended, if that is what the event says."""
        if event.kind in (events.SESSION_ENDED, events.ACCOUNT_ENDED):
            self._ended.add(event.actor_id)

    def note_any(self) -> None:
        """Anybody's login may have ended."""
        self._ended.update(self._audience.people)

    async def close_ended(self) -> None:
        """Close the sockets of the endings that were noted, and of those that time has ended."""
        ended = frozenset(self._ended)
        await self.close_if_ended([r for who in ended for r in self._audience.of_person(who)])
        # Only now: if the database did not answer, they are looked at again.
        self._ended -= ended
        self._close_timed_out()

    async def close_if_ended(self, readers: list[Reader]) -> None:
        """Ask whether the logins and tokens of these readers still hold."""
        for start in range(0, len(readers), _AT_ONCE):
            await self._close_if_ended(readers[start : start + _AT_ONCE])

    async def _close_if_ended(self, readers: list[Reader]) -> None:
        login_ids = {r.actor.session_id for r in readers} - {None}
        token_ids = {r.actor.token_id for r in readers if r.actor.token_id is not None}
        async with self._database.reading() as session:
            logins = await sessions.alive(session, login_ids) if login_ids else set()
            programs = await tokens.alive(session, token_ids) if token_ids else set()
        for reader in readers:
            actor = reader.actor
            if actor.session_id not in logins and actor.token_id not in programs:
                reader.outbox.close(outbox.SESSION_ENDED)

    def _close_timed_out(self) -> None:
        """Close the sockets of logins and tokens that time has ended."""
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at, now = time.monotonic(), utc_now()
        for reader in self._audience:
            if reader.actor.ends_at is not None and reader.actor.ends_at <= now:
                reader.outbox.close(outbox.SESSION_ENDED)
