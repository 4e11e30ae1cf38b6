"""Pages and programs are answered out of memory, and memory is never wrong.

One application writes; it and another one on the same database answer out of memory, and a third
one, which keeps nothing at all, says what is right.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.app import create_app
from microblog.database import Database
from microblog.domain import (
    accounts,
    events,
    follows,
    messages,
    notifications,
    posts,
    restoring,
    sessions,
    tasks,
    timeline,
    tokens,
    tongues,
    users,
)
from microblog.domain.actors import Actor
from microblog.domain.errors import NotFound
from microblog.domain.paging import Place
from microblog.domain.restoring import Restored
from microblog.domain.sessions import Lifetimes
from microblog.domain.users import Profile
from microblog.live.kept import LONGEST_SECONDS
from microblog.live.memory import Alone, Memory
from microblog.models import Ban, Message, Post, Session, User, utc_now
from microblog.resources import Resources
from microblog.settings import NO_FILE, load
from tests.cast import HTML, Browser
from tests.web.forgetting import forget_everything, lasting

SIZE = 5
ROUNDS = 2
NEWEST = Place()
LIFETIMES = Lifetimes()


@dataclass
class Someone:
    """A person with a login and an access token, which may have ended, and what they wrote."""

    actor: Actor
    login: str = ""
    token: str = ""
    posts: list[int] = field(default_factory=list)


@dataclass
class World:
    """Three applications on one database, and the people there."""

    writer: Quart
    reader: Quart
    forgetful: Quart
    chance: random.Random
    people: dict[int, Someone] = field(default_factory=dict)
    newcomers: int = 0
    told: list[str] = field(default_factory=list)

    def resources(self, app: Quart) -> Resources:
        found: Resources = app.extensions["microblog"]
        return found

    @property
    def database(self) -> Database:
        return self.resources(self.writer).database

    def anybody(self) -> Someone:
        return self.chance.choice(list(self.people.values()))

    def two(self) -> tuple[Someone, Someone]:
        one, other = self.chance.sample(list(self.people.values()), 2)
        return one, other


@pytest.fixture
async def world(environment: dict[str, str]) -> AsyncIterator[World]:
    environment |= {"MICROBLOG_JOBS_INSIDE": "false", "POSTS_PER_PAGE": str(SIZE)}
    settings = load(NO_FILE, environment)
    async with AsyncExitStack() as stack:
        apps = [create_app(settings) for _ in range(3)]
        for app in apps:
            await stack.enter_async_context(app.test_app())
        world = World(*apps, random.Random(20261121))
        forget_everything(world.forgetful)
        for _ in range(4):
            await arrive(world)
        yield world


# What people do. Each is one unit of work of the application that writes.


async def arrive(world: World) -> None:
    """Somebody new."""
    world.newcomers += 1
    name = f"person{world.newcomers}"
    async with world.database.begin() as session:
        user = await users.register(session, name, f"{name}@example.com", "x", confirmed=False)
        actor = Actor(user.id, name)
        world.people[user.id] = Someone(actor, *await _ways_in(session, actor))


async def _ways_in(session: AsyncSession, actor: Actor) -> tuple[str, str]:
    login = await sessions.begin(
        session, actor.id, remembered=False, device="", lifetimes=LIFETIMES
    )
    return login, await tokens.make(session, actor, "program", tokens.SCOPES, days=1)


async def come_in(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    await session.execute(delete(Ban).where(Ban.user_id == who.actor.id))
    who.login, who.token = await _ways_in(session, who.actor)


async def publish(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    body = f"words {world.chance.random()}"
    who.posts.append((await posts.publish(session, who.actor, body, length=500)).id)


async def edit(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    if who.posts:
        body = f"better words {world.chance.random()}"
        await posts.edit(session, who.actor, who.posts[-1], body, length=500)


async def take_back(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    if who.posts:
        await posts.remove(session, who.actor, who.posts.pop())


async def bring_back(world: World, session: AsyncSession) -> None:
    moment = utc_now() - timedelta(seconds=world.chance.random())
    restored = [Restored(f"old {world.chance.random()}", moment, None, None)]
    await restoring.restore(session, world.anybody().actor.id, restored)


async def follow(world: World, session: AsyncSession) -> None:
    one, other = world.two()
    await follows.follow(session, one.actor, await users.by_id(session, other.actor.id))


async def unfollow(world: World, session: AsyncSession) -> None:
    one, other = world.two()
    await follows.unfollow(session, one.actor, await users.by_id(session, other.actor.id))


async def rename(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    who.actor = replace(who.actor, username=f"renamed{world.chance.randrange(10**9)}")
    await users.edit_profile(
        session,
        who.actor,
        username=who.actor.username,
        about_me="",
        display_name=f"Person {world.chance.random()}",
        about_me_length=500,
    )


async def speak(world: World, session: AsyncSession) -> None:
    language = world.chance.choice(["en", "de", "es"])
    await accounts.speak(session, world.anybody().actor, language=language, time_zone=None)


async def read_languages(world: World, session: AsyncSession) -> None:
    reads = world.chance.choice([[], ["de"], ["en", "es"]])
    await tongues.set_reading(session, world.anybody().actor, reads=reads, translates_live=True)


async def write_language(world: World, session: AsyncSession) -> None:
    await tongues.remember_writing(session, world.anybody().actor, world.chance.choice("de"))


async def disable(world: World, session: AsyncSession) -> None:
    await users.disable(session, await users.by_id(session, world.anybody().actor.id))


async def enable(world: World, session: AsyncSession) -> None:
    await users.enable(session, await users.by_id(session, world.anybody().actor.id))


async def log_out(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    actor = await sessions.find_actor(session, who.login, lifetimes=LIFETIMES)
    if actor is not None:
        await sessions.end(session, actor)


async def end_login(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    for login in await accounts.logins(session, who.actor):
        await accounts.end_login(session, who.actor, login.id)


async def revoke(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    for token in await tokens.personal(session, who.actor):
        await tokens.revoke(session, who.actor, token.id)


async def change_password(world: World, session: AsyncSession) -> None:
    await users.change_password(session, world.anybody().actor.id, "y")


async def send(world: World, session: AsyncSession) -> None:
    one, other = world.two()
    recipient = await users.by_id(session, other.actor.id)
    await messages.send(session, one.actor, recipient, "a message", length=500)


async def read_messages(world: World, session: AsyncSession) -> None:
    await messages.mark_read(session, world.anybody().actor)


async def lose_message(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    mine = (Message.recipient_id == who.actor.id) & Message.kept_by_recipient
    found = await session.scalar(Message.__table__.select().where(mine).limit(1))
    if found is not None:
        await messages.take_away(session, who.actor, found)


async def begin_work(world: World, session: AsyncSession) -> None:
    with suppress(tasks.UnderWay):
        await tasks.launch(session, world.anybody().actor, tasks.EXPORT_POSTS, language="en")


async def end_work(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    for task in await tasks.active(session, who.actor):
        await tasks.cancel(session, who.actor, task.id)


async def notify(world: World, session: AsyncSession) -> None:
    await notifications.notify(session, world.anybody().actor.id, "word", world.chance.random())


async def close(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    await accounts.close(session, who.actor)
    del world.people[who.actor.id]


# What nobody has thought of telling: it is told by itself.


async def confirm_in_passing(world: World, session: AsyncSession) -> None:
    user = await users.by_id(session, world.anybody().actor.id)
    user.confirmed_at = None if user.confirmed_at else utc_now()


async def rename_in_passing(world: World, session: AsyncSession) -> None:
    values = {"display_name": f"Nobody {world.chance.random()}"}
    which = User.id == world.anybody().actor.id
    if world.chance.random() < 0.5:
        which = User.username == world.anybody().actor.username
    await session.execute(update(User).where(which).values(values))


async def write_in_passing(world: World, session: AsyncSession) -> None:
    row = {"user_id": world.anybody().actor.id, "body": f"quietly {world.chance.random()}"}
    if world.chance.random() < 0.5:
        session.add(Post(**row))
    else:
        await session.execute(insert(Post).values(**row))


async def cut_in_passing(world: World, session: AsyncSession) -> None:
    who = world.anybody()
    if who.posts:
        await session.execute(delete(Post).where(Post.id == who.posts.pop()))


async def shut_in_passing(world: World, session: AsyncSession) -> None:
    user_id = world.anybody().actor.id
    if world.chance.random() < 0.5:
        session.add(Ban(user_id=user_id))
        await session.execute(delete(Ban).where(Ban.user_id == user_id))
    else:
        await session.execute(delete(Session).where(Session.user_id == user_id))


Verb = Callable[[World, AsyncSession], Awaitable[None]]
VERBS: dict[Verb, int] = {
    publish: 8,
    edit: 4,
    take_back: 3,
    bring_back: 2,
    follow: 8,
    unfollow: 3,
    rename: 2,
    speak: 2,
    read_languages: 2,
    write_language: 2,
    disable: 1,
    enable: 2,
    log_out: 2,
    end_login: 1,
    revoke: 1,
    change_password: 1,
    come_in: 10,
    send: 3,
    read_messages: 3,
    lose_message: 2,
    begin_work: 2,
    end_work: 1,
    notify: 1,
    close: 1,
    confirm_in_passing: 2,
    rename_in_passing: 2,
    write_in_passing: 2,
    cut_in_passing: 1,
    shut_in_passing: 1,
}


# What is asked.


async def or_nothing(reading: Awaitable[Any]) -> Any:
    try:
        return await reading
    except NotFound:
        return NotFound


async def remembered(memory: Memory, who: Someone) -> list[Any]:
    actor = who.actor
    return [
        _settled(await memory.find_login(who.login, LIFETIMES)),
        _settled(await memory.find_program(who.token)),
        (await memory.home(None, actor, NEWEST, size=SIZE)).part.items,
        (await memory.home(None, actor, NEWEST, size=SIZE)).follows_nobody,
        (await memory.by_author(None, actor.id, NEWEST, size=SIZE)).items,
        list(await memory.followed(actor)),
    ]


async def recorded(session: AsyncSession, who: Someone) -> list[Any]:
    actor = who.actor
    home = (await timeline.home(session, actor, NEWEST, size=SIZE)).items
    return [
        _settled(await sessions.find_actor(session, who.login, lifetimes=LIFETIMES)),
        _settled(await tokens.find_actor(session, who.token)),
        tuple(home),
        not home and await follows.follows_nobody(session, actor),
        tuple((await timeline.by_author(session, actor.id, NEWEST, size=SIZE)).items),
        sorted(await follows.followed_ids(session, actor.id)),
    ]


def _settled(found: Any) -> Any:
    """Without the times of last use, which move by themselves."""
    if isinstance(found, Actor):
        return replace(found, last_seen_at=None, token_used_at=None)
    return replace(found, last_seen_at=None) if isinstance(found, Profile) else found


async def compare(world: World, app: Quart) -> None:
    """Every list, every login, every token and the newest posts: as the database has them."""
    memory = world.resources(app).memory
    assert await memory.now()
    async with world.resources(world.forgetful).database.reading() as session:
        for who in world.people.values():
            assert await remembered(memory, who) == await recorded(session, who), world.told
            other = world.chance.choice(list(world.people.values())).actor.username
            seen = await or_nothing(memory.profile(None, who.actor, other))
            true = await or_nothing(users.profile(session, who.actor, other))
            assert _settled(seen) == _settled(true), world.told
        everything = tuple((await timeline.explore(session, NEWEST, size=SIZE)).items)
        found = await memory.explore(None, NEWEST, size=SIZE)
        assert found.items == everything, world.told
        for post_id in world.chance.sample(range(1, 40), 3):
            alone = await or_nothing(memory.post(None, post_id))
            post = await or_nothing(posts.by_id(session, post_id))
            before = tuple(await posts.versions(session, post_id))
            true = post if post is NotFound else Alone(post, before)
            assert alone == true, world.told


async def compare_answers(world: World) -> None:
    """One person's pages and one program's answers, to the letter."""
    who, other = world.two()
    newest = max((max(one.posts, default=1) for one in world.people.values()), default=1)
    pages = ["/", "/explore", f"/user/{other.actor.username}", f"/post/{newest}"]
    pages = [*world.chance.sample(pages, 2), "/api/timeline"]
    answers = [await answered(app, who, pages) for app in (world.reader, world.forgetful)]
    assert answers[0] == answers[1], world.told


async def answered(app: Quart, who: Someone, pages: list[str]) -> list[tuple[int, str, str]]:
    browser, found = Browser(app), []
    browser.hold(who.login)
    for path in pages:
        headers = {"Authorization": f"Bearer {who.token}"} if path.startswith("/api") else HTML
        response = await browser.client.get(path, headers=headers)
        text = lasting(await response.get_data(as_text=True))
        found.append((response.status_code, response.headers.get("Location", ""), text))
    return found


async def test_memory_is_never_wrong(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is done, the next answer of each process is right, also where nobody told it."""
    # Some read few enough people to have each of them watched, some too many.
    monkeypatch.setattr("microblog.live.memory._MOST", 3)
    steps = [verb for verb, times in VERBS.items() for _ in range(ROUNDS * times)]
    world.chance.shuffle(steps)
    for step, verb in enumerate(steps):
        world.told.append(verb.__name__)
        async with world.database.begin() as session:
            await verb(world, session)
        while len(world.people) < 4:
            await arrive(world)
        await compare(world, world.reader)
        if step % 4 == 0:
            await compare(world, world.writer)
            await compare_answers(world)
    kept = world.resources(world.reader).memory.kept
    # Otherwise it would have been right without remembering anything.
    assert kept.hits > kept.misses


async def test_what_has_been_written_is_read_by_whoever_comes_later(world: World) -> None:
    """Many write and read at the same time, on two processes; loads are shared all the while."""
    readers = [world.resources(app).memory for app in (world.reader, world.writer)]

    async def write_and_read(who: Someone, other: Someone) -> None:
        async with world.database.begin() as session:
            await follows.follow(session, other.actor, await users.by_id(session, who.actor.id))
        for _ in range(6):
            async with world.database.begin() as session:
                post = await posts.publish(session, who.actor, "words", length=500)
            for memory in readers:
                assert await memory.now()
                home = await memory.home(None, other.actor, NEWEST, size=100)
                everything = await memory.explore(None, NEWEST, size=100)
                for items in (home.part.items, everything.items):
                    assert post.id in [item.id for item in items]

    people = list(world.people.values())
    pairs = zip(people, people[1:] + people[:1], strict=True)
    await asyncio.gather(*(write_and_read(*pair) for pair in pairs))


async def test_time_ends_a_login_that_is_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written when time ends a login or a token, so each hit looks at the clock."""
    who, memory = world.anybody(), world.resources(world.reader).memory
    assert await memory.now()
    for _ in range(2):
        assert await memory.find_login(who.login, LIFETIMES) is not None
        assert await memory.find_program(who.token) is not None
    for days in (LIFETIMES.idle, LIFETIMES.longest):
        later = utc_now() + timedelta(days=days, seconds=1)
        for module in ("microblog.live.memory", "microblog.domain.sessions"):
            monkeypatch.setattr(f"{module}.utc_now", lambda later=later: later)
        monkeypatch.setattr("microblog.domain.tokens.utc_now", lambda later=later: later)
        assert await memory.find_login(who.login, LIFETIMES) is None
        assert await memory.find_program(who.token) is None


async def test_what_is_changed_past_the_program_is_seen_within_a_minute(world: World) -> None:
    """A home page lasts no longer than what it was read with: whom its reader follows."""
    who, memory = world.anybody(), world.resources(world.reader).memory
    memory.kept._clock = lambda: now
    now = 1000.0
    assert await memory.now()
    await memory.followed(who.actor)
    now += LONGEST_SECONDS / 2
    await memory.home(None, who.actor, NEWEST, size=SIZE)
    ends = {key[0]: memory.kept.ends_at(key) for key in memory.kept._values}
    assert ends == dict.fromkeys(("followed", "home"), 1000.0 + LONGEST_SECONDS)


async def test_without_sight_of_the_log_the_database_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page depends on memory, nor on the hub: both may be ill."""
    who, resources = world.anybody(), world.resources(world.reader)
    (before,) = await answered(world.reader, who, ["/explore"])
    await resources.hub.stop()
    async with world.database.begin() as session:
        await posts.publish(session, who.actor, "although nobody hears", length=500)
    ((status, _, text),) = await answered(world.reader, who, ["/explore"])
    assert (status, "although nobody hears" in text) == (200, True)
    monkeypatch.setattr(resources.memory, "is_on", False)
    async with world.database.begin() as session:
        await posts.publish(session, who.actor, "although nobody sees", length=500)
    ((status, _, text),) = await answered(world.reader, who, ["/explore"])
    assert (status, "although nobody sees" in text) == (200, True)
    assert before[0] == 200


async def test_who_was_last_here_is_no_event(world: World) -> None:
    """T-61: being here is written down past memory, and forgets nothing of anybody's."""
    who = world.anybody()
    async with world.database.begin() as session:
        actor = await sessions.find_actor(session, who.login, lifetimes=LIFETIMES)
        assert actor is not None
        await sessions.touch(session, actor)
        await sessions.sweep(session)
        await tokens.sweep(session)
        program = await tokens.find_actor(session, who.token)
        assert program is not None
        await tokens.touch(session, program)
        await session.flush()
        assert session.info.get("noticed") is None
        assert events.recorded(session, events.ACCOUNT_CHANGED) == []
