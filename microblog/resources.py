"""What lives as long as the process: built here once, closed here in reverse, and nowhere else."""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from microblog import migrations
from microblog.adapters import bus, lookout, outgoing, redis, search_engine, tally, translator
from microblog.adapters import mailer as mailers
from microblog.adapters.bus import Bell
from microblog.adapters.hasher import Hasher
from microblog.adapters.language import Detector
from microblog.adapters.mailer import Mailer
from microblog.adapters.redis import Link
from microblog.adapters.search_engine import SearchEngine
from microblog.adapters.shelf import Shelf
from microblog.adapters.tally import Tally
from microblog.database import UNAVAILABLE, Database
from microblog.domain import grants, letters, sessions, tokens
from microblog.domain.actors import Actor
from microblog.domain.letters import Letter
from microblog.interpreter import Interpreter, Simultaneous
from microblog.keeping import Service
from microblog.live.hub import Hub
from microblog.live.memory import Memory
from microblog.live.roundtrip import Roundtrip
from microblog.live.telling import Render
from microblog.logs import Report
from microblog.settings import Settings

log = logging.getLogger(__name__)

_GOODBYE_SECONDS = 2.0
# What nobody needs yet does not delay the first pages.
_FIRST_PAGES_SECONDS = 1.0

Touch = Callable[[AsyncSession, Actor], Awaitable[None]]


class SchemaBehind(RuntimeError):
    """The database is not at the newest schema."""


@dataclass
class Resources:
    """Everything that a request, a socket or a command may need and must not build for itself."""

    settings: Settings
    database: Database
    redis: Link | None
    bell: Bell
    tally: Tally
    hub: Hub
    memory: Memory
    roundtrip: Roundtrip
    hasher: Hasher
    mailer: Mailer
    detector: Detector
    http: httpx.AsyncClient
    interpreter: Interpreter
    simultaneous: Simultaneous
    search_engine: SearchEngine | None
    archives: Shelf
    uploads: Shelf
    secret_key: str
    # Few people come in at the same moment: a crowd stands in line here, and pages go on meanwhile.
    entrance: asyncio.Semaphore
    # What ends with the first word of a stop, while requests under way still finish.
    farewells: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    # What goes on all the time, by the name under which its health is told.
    services: dict[str, Service] = field(default_factory=dict)
    _noting: dict[tuple[str, int], asyncio.Task[None]] = field(default_factory=dict)

    async def open(self, *, listening: bool = True) -> None:
        """Begin to listen, if somebody here has anything to hear.

        Raises :class:`SchemaBehind` where nothing would work.
        """
        async with self.database.reading() as session:
            found, needed = await migrations.current(session), migrations.newest()
        if found != needed:
            raise SchemaBehind(
                f"the database is at {found or 'nothing'}, this version needs {needed}: "
                "run `microblog db upgrade`"
            )
        if listening:
            self.simultaneous.start()
            await self.hub.start()
            self.detector.begin_after(_FIRST_PAGES_SECONDS)

    async def begin_shutdown(self, spread: float = 0.0) -> None:
        """Say goodbye to every socket and give jobs back; return within seconds.

        Sockets are closed one after the other in the course of ``spread`` seconds.
        """
        farewells = (farewell() for farewell in self.farewells)
        await asyncio.gather(self._dismiss_sockets(spread), *farewells)

    async def _dismiss_sockets(self, spread: float) -> None:
        self.hub.close_sockets(spread=spread)
        deadline = time.monotonic() + spread + _GOODBYE_SECONDS
        while len(self.hub.audience) and time.monotonic() < deadline:  # noqa: ASYNC110 (rare, and brief)
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        """Close everything, in reverse order."""
        await asyncio.gather(*self._noting.values(), return_exceptions=True)
        await self.hub.stop()
        await self.memory.close()
        await self.simultaneous.stop()
        # Whoever still waits for an answer from outside gets none.
        await self.http.aclose()
        await self.interpreter.close()
        if self.search_engine is not None:
            await self.search_engine.close()
        self.detector.close()
        self.hasher.close()
        await self.mailer.close()
        await self.bell.close()
        if self.redis is not None:
            await self.redis.close()
        await self.database.close()

    def note_presence(self, actor: Actor) -> None:
        """Note, beside the request, that somebody is here. Nothing depends on it."""
        self._note(("presence", actor.id), actor, sessions.touch)

    def note_use(self, actor: Actor) -> None:
        """Note, beside the request, that this person's token was used."""
        self._note(("use", actor.token_id or 0), actor, tokens.touch)

    def _note(self, key: tuple[str, int], actor: Actor, touch: Touch) -> None:
        if key not in self._noting:
            self._noting[key] = asyncio.create_task(self._touch(key, actor, touch), name=key[0])

    async def _touch(self, key: tuple[str, int], actor: Actor, touch: Touch) -> None:
        try:
            async with self.database.begin() as session:
                await touch(session, actor)
        except UNAVAILABLE as error:
            log.warning("%s was not noted: %s", key[0], error)
        finally:
            del self._noting[key]

    async def link_token(self, letter: Letter) -> str | None:
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


def build(settings: Settings, render: Render) -> Resources:
    """Build everything for one application; nothing is opened before :meth:`Resources.open`."""
    instance = settings.server.instance
    instance.mkdir(parents=True, exist_ok=True)
    database = Database(
        settings.database_url, settings.database, has_search_engine=settings.search.has_engine
    )
    database.watch(settings.logs.slow_query)
    link = redis.build(settings.redis)
    bell = Bell(
        bus.build(database.url, sqlite_poll_seconds=settings.live.sqlite_poll_seconds, redis=link)
    )
    database.tell_others(bell.tell)
    memory = Memory(database, lookout.build(database.url))
    hub = Hub(database, bell, settings.live, render, memory)
    http = outgoing.build(needed=settings.translator.kind != "off")
    service = translator.build(settings.translator, http)
    interpreter = Interpreter(database, service, budget=settings.translator.budget)
    simultaneous = Simultaneous(database, interpreter)
    hub.on_arrival(simultaneous.hear, service.told)
    return Resources(
        settings=settings,
        database=database,
        redis=link,
        bell=bell,
        tally=tally.build(database, link),
        hub=hub,
        memory=memory,
        roundtrip=Roundtrip(database, bell, hub),
        services={"hub": hub.following},
        hasher=Hasher(settings.accounts.hash_workers),
        mailer=mailers.build(settings),
        detector=Detector(),
        http=http,
        interpreter=interpreter,
        simultaneous=simultaneous,
        search_engine=search_engine.build(settings.search),
        archives=Shelf(instance / "archives"),
        uploads=Shelf(instance / "imports"),
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
