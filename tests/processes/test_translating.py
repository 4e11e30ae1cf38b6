"""Two serving processes, many readers, one translator: it is asked once for each language."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from microblog.app import create_app
from microblog.domain import follows, posts, sessions, tongues, users
from microblog.domain.actors import Actor
from microblog.domain.sessions import Lifetimes
from microblog.resources import Resources
from microblog.settings import NO_FILE, load
from microblog.web import csrf
from tests import secrecy
from tests.processes.conftest import Start
from tests.processes.serving import Member, people
from tests.translators import TranslationService, environ, translation_service

READERS = 200
LANGUAGES = ("en", "de", "fr")
HOLA = "Hola a todos, ¿qué tal?"


@pytest.fixture
async def service() -> AsyncIterator[TranslationService]:
    async with translation_service() as service:
        yield service


async def crowd(environment: dict[str, str]) -> tuple[int, list[dict[str, str]]]:
    """Somebody's post in Spanish; and of all its readers what their pages would send along."""
    app = create_app(load(NO_FILE, environment))
    resources: Resources = app.extensions["microblog"]
    (auth,) = app.extensions["QUART_AUTH"]
    headers = []
    async with app.app_context(), resources.database.begin() as session:
        writer = await users.register(session, "writer", "writer@example.com", None)
        post = await posts.publish(
            session, Actor(writer.id, "writer"), HOLA, length=500, language="es"
        )
        for number in range(READERS):
            name = f"reader{number}"
            user = await users.register(session, name, f"{name}@example.com", None)
            token = await sessions.begin(
                session, user.id, remembered=False, device="", lifetimes=Lifetimes()
            )
            signed = auth.dump_token(token, app)
            own = f"nonce.{csrf._sign('nonce', token)}"
            for secret in (token, signed, own):
                secrecy.spoken(secret)
            cookie = f"{auth.cookie_name}={signed}"
            headers.append({"Cookie": cookie, "X-CSRFToken": own, "Accept": "application/json"})
        number = post.id
    await resources.close()
    return number, headers


async def test_a_crowd_over_two_processes(
    start: Start, environment: dict[str, str], service: TranslationService
) -> None:
    """200 readers want one post in 3 languages at once: 3 calls, by the service's own count."""
    # How long the database may take on a busy machine is not the question here.
    patient = {"MICROBLOG_DATABASE_POOL_TIMEOUT": "60"}
    server = await start(workers=2, **environ(service), **patient)
    number, readers = await crowd(environment)
    service.delay = 0.7  # so that many come before the first answer
    # As many at once as a small machine takes without giving up on the service meanwhile.
    limits = httpx.Limits(max_connections=48)
    async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=60) as client:
        answers = await asyncio.gather(
            *(
                client.post(
                    "/translate",
                    data={"post_id": str(number), "dest_language": language},
                    headers=headers,
                )
                for headers in readers
                for language in LANGUAGES
            )
        )
    told = {answer.json().get("text") for answer in answers}
    assert told == {f"{language}: {HOLA}" for language in LANGUAGES}
    assert {answer.status_code for answer in answers} == {200}
    assert len(service.asked) == len(LANGUAGES)


async def test_live_over_two_processes(
    start: Start, environment: dict[str, str], password_hash: str, service: TranslationService
) -> None:
    """Each socket hears the post and, once, what it says; whichever process has the socket."""
    await people(environment, password_hash, "reader", "writer")
    app = create_app(load(NO_FILE, environment))
    resources: Resources = app.extensions["microblog"]
    async with resources.database.begin() as session:
        reader = await users.by_username(session, "reader")
        actor = Actor(reader.id, reader.username)
        await follows.follow(session, actor, await users.by_username(session, "writer"))
        await tongues.set_reading(session, actor, reads=(), translates_live=True)
    await resources.close()
    server = await start(workers=2, **environ(service))
    async with (
        Member.logged_in(server, "reader") as member,
        Member.logged_in(server, "writer") as writer,
        AsyncExitStack() as stack,
    ):
        sockets = [await stack.enter_async_context(member.socket()) for _ in range(12)]
        for socket in sockets:
            assert json.loads(await socket.recv())["type"] == "hello"
        await writer.send("/", post=HOLA, language="es")
        await writer.send("/", post="The end", language="en")
        for socket in sockets:
            frames = []
            async with asyncio.timeout(20):
                while len(frames) < 3:
                    frame = json.loads(await socket.recv())
                    frames.append((frame["type"], frame.get("text")))
            assert sorted(frames, key=str) == [
                ("post.created", None),
                ("post.created", None),
                ("post.translated", f"en: {HOLA}"),
            ]
    assert len(service.asked) == 1
