"""A service for odd requests: on either database, with a few people in it, and all allowances wide."""

import asyncio
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from schemathesis.config._auth import OpenAPIAuthConfig

from alembic import command
from microblog import migrations
from microblog.database import Database
from microblog.domain import follows, messages, posts, tokens, users
from microblog.domain.actors import Actor
from microblog.settings import NO_FILE, load
from tests import secrecy, servers
from tests.browser.site import Site
from tests.cast import PASSWORD, PASSWORD_HASH
from tests.translators import TranslationService, environ

DATABASES = ("sqlite", "postgresql")
# Nobody, a token that a password has opened, a personal one that may only read.
ROLES = ("nobody", "user", "reader")
_SECRET = "a secret that only tests know, long enough"
# Whose password is told to everybody, and whose tokens are there to be thrown away.
_OPEN = "mary"


@dataclass
class World:
    """A service that runs; ``tokens`` are those of the roles."""

    url: str
    tokens: dict[str, str] = field(default_factory=dict)

    def dress(self, schema: Any, role: str) -> None:
        """Have requests made as this role."""
        schemes: dict[str, dict[str, str]] = {}
        if role != "nobody":
            schemes["bearer"] = {"bearer": self.tokens[role]}
            schemes["basic"] = {"username": _OPEN, "password": PASSWORD}
            _WORLDS[f"Bearer {self.tokens[role]}"] = self
        schema.config.auth.openapi = OpenAPIAuthConfig(schemes=schemes)

    def throwaway(self) -> str:
        """A token that may be revoked."""
        basic = b64encode(f"{_OPEN}:{PASSWORD}".encode()).decode()
        answer = httpx.post(f"{self.url}/api/tokens", headers={"Authorization": f"Basic {basic}"})
        token: str = answer.raise_for_status().json()["token"]
        secrecy.spoken(token)
        return token


_WORLDS: dict[str, World] = {}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Whoever revokes a token would be nobody from then on."""
    if case.operation.method.upper() == "DELETE" and case.path.endswith("/tokens"):
        world = _WORLDS.get(str((case.headers or {}).get("Authorization")))
        if world is not None:
            case.headers["Authorization"] = f"Bearer {world.throwaway()}"


@contextmanager
def world(kind: str, folder: Path) -> Iterator[World]:
    """A service on a database of its own."""
    if kind == "sqlite":
        with serving(f"sqlite:///{folder}/microblog.db", folder) as found:
            yield found
        return
    with servers.postgresql(folder) as url:
        with serving(url.render_as_string(hide_password=False), folder) as found:
            yield found


@contextmanager
def serving(database_url: str, folder: Path) -> Iterator[World]:
    """A service on this database, which need not be there yet. Fails if it has logged an error."""
    settings = load(NO_FILE, {"DATABASE_URL": database_url, "SECRET_KEY": _SECRET})
    command.upgrade(migrations.config(settings.database_url), "head")
    held = asyncio.run(_people(Database(settings.database_url, settings.database)))
    with _translating() as service:
        site = Site(
            folder,
            DATABASE_URL=database_url,
            SECRET_KEY=_SECRET,
            MICROBLOG_LIMITS_SCALE="100000",
            MICROBLOG_TRANSLATOR_BUDGET="1000000000",
            MICROBLOG_ACCOUNTS_CONFIRM_EMAIL="off",
            MICROBLOG_DATABASE_SYNCHRONOUS="NORMAL",
            MICROBLOG_LOGS_ACCESS="0",
            **environ(service),
        )
        try:
            site.start()
            yield World(site.url, held)
        finally:
            site.close()
    log = folder / "instance" / "logs" / "microblog.log"
    wrong = [line for line in log.read_text().splitlines() if "ERROR" in line]
    assert not wrong, wrong[:5]


async def _people(database: Database) -> dict[str, str]:
    """Two people who know each other, and one whose tokens come and go."""
    async with database.begin() as session:
        made = {}
        for name in ("susan", "john", _OPEN):
            user = await users.register(session, name, f"{name}@example.com", PASSWORD_HASH)
            made[name] = user
        one, other = (Actor(made[name].id, name) for name in ("susan", "john"))
        for actor, whom in ((one, made["john"]), (other, made["susan"])):
            await follows.follow(session, actor, whom)
            await messages.send(session, actor, whom, "hello", length=2000)
            for number in range(3):
                await posts.publish(session, actor, f"post {number}", length=500)
        opened = await tokens.open_login(session, one.id, key=_SECRET)
        personal = await tokens.make(session, other, "fuzzing", [tokens.READ], days=1)
    await database.close()
    for token in (opened.token, personal):
        secrecy.spoken(token)
    return {"user": opened.token, "reader": personal}


@contextmanager
def _translating() -> Iterator[TranslationService]:
    """A translation service in a thread of its own."""
    loop, service = asyncio.new_event_loop(), TranslationService()
    thread = threading.Thread(target=loop.run_forever, name="translation service")
    thread.start()
    asyncio.run_coroutine_threadsafe(service.begin(), loop).result()
    try:
        yield service
    finally:
        asyncio.run_coroutine_threadsafe(service.go_away(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
