"""What lives as long as the process: built here once, closed here in reverse, and nowhere else."""

import asyncio
import logging
import math
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from microblog import migrations
from microblog.adapters import bus
from microblog.adapters.hasher import Hasher
from microblog.database import UNAVAILABLE, Database
from microblog.domain import events, grants, letters, limits, sessions
from microblog.domain.actors import Actor
from microblog.domain.letters import Claimed
from microblog.live.hub import Hub, Render
from microblog.logs import Report
from microblog.settings import Settings

log = logging.getLogger(__name__)

_SWEEP_SECONDS = 600
_GOODBYE_SECONDS = 2.0


class SchemaBehind(RuntimeError):
    """The database is not at the newest schema."""


@dataclass
class Resources:
    """Everything that a request, a socket or a command may need and must not build for itself."""

    settings: Settings
    database: Database
    hub: Hub
    hasher: Hasher
    secret_key: str
    # Few people come in at the same moment: a crowd stands in line here, and pages go on meanwhile.
    entrance: asyncio.Semaphore
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _noting: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _pinged_at: float = -math.inf

    async def open(self) -> None:
        """Begin to listen and to sweep. Raises :class:`SchemaBehind` where nothing would work."""
        async with self.database.reading() as session:
            found, needed = await migrations.current(session), migrations.newest()
        if found != needed:
            raise SchemaBehind(
                f"the database is at {found or 'nothing'}, this version needs {needed}: "
                "run `microblog db upgrade`"
            )
        await self.hub.start()
        self._tasks.append(asyncio.create_task(self._sweep(), name="sweep"))

    async def begin_shutdown(self) -> None:
        """Say goodbye to every socket; return when they are gone, or after two seconds."""
        self.hub.close_sockets()
        deadline = time.monotonic() + _GOODBYE_SECONDS
        while len(self.hub.audience) and time.monotonic() < deadline:  # noqa: ASYNC110 (rare, and brief)
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        """Close everything, in reverse order."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._noting.values(), return_exceptions=True)
        await self.hub.stop()
        self.hasher.close()
        await self.database.close()

    def note_presence(self, actor: Actor) -> None:
        """Note, beside the request, that somebody is here. Nothing depends on it."""
        if actor.id not in self._noting:
            self._noting[actor.id] = asyncio.create_task(self._touch(actor), name="presence")

    async def _touch(self, actor: Actor) -> None:
        try:
            async with self.database.begin() as session:
                await sessions.touch(session, actor)
        except UNAVAILABLE as error:
            log.warning("presence was not noted: %s", error)
        finally:
            del self._noting[actor.id]

    async def link_token(self, letter: Claimed) -> str | None:
        """The token for the link in a letter; ``None`` if what it permits is gone."""
        if letter.grant_id is None:
            return None
        async with self.database.reading() as session:
            return await grants.link_token(session, letter.grant_id, key=self.secret_key)

    async def promise_report(self, report: Report) -> None:
        """Write to everybody who looks after this service about an error."""
        async with self.database.begin() as session:
            for admin in self.settings.mail.admins:
                await letters.promise(
                    session,
                    letters.ERROR_REPORT,
                    recipient=admin,
                    language=self.settings.languages.default,
                    text=report.text,
                )

    async def ping(self, *, patience: float = 2.0, every: float = 5.0) -> None:
        """Send an event round: log, bus, hub. Raises :class:`TimeoutError` if it stays away.

        A success is believed for ``every`` seconds: whoever asks often does not write often.
        """
        if time.monotonic() - self._pinged_at < every:
            return
        async with asyncio.timeout(patience):
            async with self.database.begin(wake=False) as session:
                events.record(session, events.PING, actor_id=0, subject_id=0)
            await self.hub.pass_by(await self.hub.newest())
        self._pinged_at = time.monotonic()

    async def _sweep(self) -> None:
        live = self.settings.live
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            try:
                async with self.database.begin() as session:
                    await events.sweep(
                        session, keep_hours=live.keep_hours, keep_events=live.keep_events
                    )
                    await sessions.sweep(session)
                    await limits.sweep(session)
                    await grants.sweep(session)
                    await letters.sweep(session)
            except UNAVAILABLE as error:
                log.warning("sweeping failed and is tried again later: %s", error)


def build(settings: Settings, render: Render) -> Resources:
    """Build everything for one application; nothing is opened before :meth:`Resources.open`."""
    instance = settings.server.instance
    instance.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url, settings.database)
    database.watch(settings.logs.slow_query)
    wakeups = bus.build(database.url, sqlite_poll_seconds=settings.live.sqlite_poll_seconds)
    return Resources(
        settings=settings,
        database=database,
        hub=Hub(database, wakeups, settings.live, render),
        hasher=Hasher(settings.accounts.hash_workers),
        entrance=asyncio.Semaphore(2 * settings.accounts.hash_workers),
        secret_key=settings.server.secret_key or kept_secret(instance / "secret_key"),
    )


def kept_secret(path: Path) -> str:
    """The secret of this folder, made at its first start; only its owner may read it.

    Written beside and linked into place, so that of several processes that start together one wins
    and none reads half a secret.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()
