"""A login that ends takes its sockets with it; others stay."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from microblog.database import Database
from microblog.domain import sessions, users
from microblog.models import Session, utc_now
from tests.live.hearing import Ear, Town

SOON = 5


async def end(database: Database, verb, *arguments) -> None:
    async with database.begin() as session:
        await verb(session, *arguments)


async def assert_alive(town: Town, *ears: Ear) -> None:
    post_id = await town.post("john")
    for ear in ears:
        await ear.hear_post(post_id)
        assert ear.closed is None


async def test_logging_out_ends_that_login_only(town: Town) -> None:
    first, second = await town.log_in("susan"), await town.log_in("susan")
    ending = [await (await town.listen("susan", actor=first)).live() for _ in range(2)]
    staying = await (await town.listen("susan", "explore", actor=second)).live()
    other = await (await town.listen("mary", "explore")).live()
    await end(town.database, sessions.end, first)
    assert [await ear.hear_end(SOON) for ear in ending] == [4401, 4401]
    await assert_alive(town, staying, other)


@pytest.mark.parametrize("how", ["disable", "close", "change_password", "end_all"])
async def test_the_whole_account(town: Town, elsewhere: Database, how: str) -> None:
    """By an operator's command, thus in another process."""
    ending = [await (await town.listen("susan")).live() for _ in range(3)]
    other = await (await town.listen("mary", "explore")).live()
    async with elsewhere.begin() as session:
        susan = await users.by_id(session, town.people["susan"].id)
        match how:
            case "disable":
                await users.disable(session, susan)
            case "close":
                await users.close(session, susan)
            case "change_password":
                await users.change_password(session, susan.id, "new")
            case "end_all":
                await sessions.end_all(session, susan.id)
    assert [await ear.hear_end(SOON) for ear in ending] == [4401] * 3
    await assert_alive(town, other)


async def test_a_login_that_ended_before_the_socket_was_known(town: Town) -> None:
    susan = await town.log_in("susan")
    await end(town.database, sessions.end, susan)
    await town.settle()
    assert await (await town.listen("susan", actor=susan)).hear_end(SOON) == 4401


async def test_a_login_past_its_time_opens_no_socket(town: Town) -> None:
    susan = await town.log_in("susan")
    async with town.database.begin() as session:
        past = utc_now() - timedelta(seconds=1)
        await session.execute(
            update(Session).where(Session.id == susan.session_id).values(expires_at=past)
        )
    assert await (await town.listen("susan", actor=susan)).hear_end(SOON) == 4401


async def test_an_end_in_the_middle_of_a_replay(town: Town) -> None:
    for number in range(3):
        await town.post("john", str(number))
    await town.settle()
    actor = await town.log_in("david")
    reader = await town.hub.admit(actor, "en", town.channels(["explore"]))
    replay = town.hub.catch_up(reader, 0)
    await anext(replay)
    await end(town.database, sessions.end, actor)
    await town.settle()
    # `settle` returns when the position is reached; looking at the logins comes right after it.
    await assert_alive(town)
    await town.settle()
    assert reader.outbox.close_code == 4401
    await replay.aclose()
    town.hub.leave(reader)


async def test_an_end_is_not_forgotten_when_the_database_stumbles(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    susan = await (await town.listen("susan")).live()
    alive, failures = sessions.alive, []

    async def stumble(session, ids):
        if len(failures) < 1:
            failures.append(ids)
            raise OperationalError("SELECT", {}, Exception("gone"))
        return await alive(session, ids)

    monkeypatch.setattr(sessions, "alive", stumble)
    await end(town.database, sessions.end, susan.reader.actor)
    assert await susan.hear_end(SOON) == 4401
    assert failures


async def test_stopping_tells_everybody_even_who_is_catching_up(town: Town) -> None:
    susan = await (await town.listen("susan")).live()
    for number in range(3):
        await town.post("john", str(number))
    await town.settle()
    late = await town.hub.admit(await town.log_in("david"), "en", town.channels(["explore"]))
    replay = town.hub.catch_up(late, 0)
    await anext(replay)
    town.hub.close_sockets()
    assert await susan.hear_end() == 1001
    assert late.outbox.close_code == 1001
    newcomer = await town.hub.admit(await town.log_in("mary"), "en", town.channels(["explore"]))
    assert newcomer.outbox.close_code == 1001
    await replay.aclose()
    town.hub.leave(late)
    town.hub.leave(newcomer)
