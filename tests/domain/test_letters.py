"""Letters as tasks: what is promised, when it is out, and what follows from either end."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from microblog.database import Database
from microblog.domain import letters, tasks
from microblog.domain.actors import Actor
from microblog.domain.letters import Letter
from microblog.domain.tasks import Claimed
from microblog.models import Task, User, utc_now


async def promise(database: Database, recipient: str = "susan@example.com", **more: object) -> str:
    async with database.begin() as session:
        return await letters.promise(
            session,
            letters.CONFIRM_ADDRESS,
            recipient=recipient,
            language="en",
            **({"username": "susan"} | more),  # type: ignore[arg-type]
        )


async def claim(database: Database) -> list[Claimed]:
    async with database.begin() as session:
        return await tasks.claim(session, [tasks.SEND_LETTER], limit=10, now=utc_now())


async def read(database: Database, task_id: str) -> Task:
    async with database.reading() as session:
        return await session.get_one(Task, task_id)


async def an_export(database: Database) -> tuple[Actor, str]:
    """Somebody whose export is taken, and rests until its letter is out."""
    async with database.begin() as session:
        user = User(username="susan", email="susan@example.com")
        session.add(user)
        await session.flush()
        actor = Actor(user.id, user.username)
        export_id = await tasks.launch(session, actor, tasks.EXPORT_POSTS)
        (export,) = await tasks.claim(session, [tasks.EXPORT_POSTS], limit=1, now=utc_now())
        await tasks.rest(session, export, utc_now() + timedelta(hours=25))
    return actor, export_id


async def test_a_promise_holds_only_if_its_work_is_committed(database: Database) -> None:
    woken = []
    database.on_promise(tasks.PROMISED, lambda: woken.append(True))
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as session:
            await letters.promise(
                session, letters.CONFIRM_ADDRESS, recipient="susan@example.com", language="en"
            )
            raise ZeroDivisionError
    assert (await claim(database), woken) == ([], [])
    await promise(database)
    assert woken == [True]
    assert len(await claim(database)) == 1


async def test_an_unknown_kind_is_no_letter(database: Database) -> None:
    with pytest.raises(ValueError, match="birthday"):
        async with database.begin() as session:
            await letters.promise(session, "birthday", recipient="susan@example.com", language="en")


async def test_what_was_promised_comes_back(database: Database) -> None:
    number = await promise(database, user_id=4711, grant_id=3)
    (task,) = await claim(database)
    letter = letters.of(task)
    assert letter == Letter(
        id=number,
        kind=letters.CONFIRM_ADDRESS,
        user_id=4711,
        recipient="susan@example.com",
        language="en",
        details={"username": "susan"},
        grant_id=3,
        message_id=letter.message_id,
        completes=None,
        created_at=task.created_at,
    )
    other = await promise(database)
    (task,) = await claim(database)
    assert task.id == other
    assert letters.of(task).message_id != letter.message_id


async def test_a_void_letter_is_nobodys(database: Database) -> None:
    woken = []
    database.on_promise(tasks.PROMISED, lambda: woken.append(True))
    number = await promise(database, recipient="stranger@example.com", void=True)
    assert await claim(database) == []
    kept = await read(database, number)
    assert (kept.state, kept.arguments["recipient"], woken) == (tasks.DONE, "", [True])
    assert kept.finished_at is not None


async def test_what_was_sent_is_forgotten_by_its_letter(database: Database) -> None:
    number = await promise(database, grant_id=3)
    (claimed,) = await claim(database)
    async with database.begin() as session:
        await letters.delivered(session, letters.of(claimed))
    kept = await read(database, number)
    assert kept.state == tasks.DONE
    assert set(kept.arguments) == {"kind", "recipient", "language", "message_id"}


async def test_out_is_out_whoever_holds_it(database: Database) -> None:
    number = await promise(database)
    (old,) = await claim(database)
    later = utc_now() + tasks.LEASE * 2
    async with database.begin() as session:
        (new,) = await tasks.claim(session, [tasks.SEND_LETTER], limit=1, now=later)
        await letters.delivered(session, letters.of(old))
        await tasks.rest(session, new, later, reason="450 later")
    assert (await read(database, number)).state == tasks.DONE


async def test_a_letter_that_is_out_completes_a_task(database: Database) -> None:
    susan, export_id = await an_export(database)
    await promise(database, completes=export_id)
    (claimed,) = await claim(database)
    async with database.begin() as session:
        assert await letters.is_wanted(session, letters.of(claimed))
        await letters.delivered(session, letters.of(claimed))
    async with database.reading() as session:
        export = await tasks.by_id(session, susan, export_id)
        assert not await letters.is_wanted(session, letters.of(claimed))
    assert (export.state, export.progress, export.reason) == (tasks.DONE, 100, "")


async def test_a_letter_that_never_will_be_fails_it(database: Database) -> None:
    """JOB-17: with a reason that its owner can read; a new one can begin."""
    susan, export_id = await an_export(database)
    await promise(database, completes=export_id)
    (claimed,) = await claim(database)
    async with database.begin() as session:
        await tasks.fail(session, claimed, "550 no such user")
        await letters.undelivered(session, claimed)
    async with database.begin() as session:
        export = await tasks.by_id(session, susan, export_id)
        assert (export.state, export.reason) == (tasks.FAILED, letters.UNDELIVERED)
        await tasks.launch(session, susan, tasks.EXPORT_POSTS)


async def test_what_is_over_stays_as_it_ended(database: Database) -> None:
    """Cancelled by its owner while its letter was on its way."""
    susan, export_id = await an_export(database)
    await promise(database, completes=export_id)
    (claimed,) = await claim(database)
    async with database.begin() as session:
        await tasks.cancel(session, susan, export_id)
    async with database.begin() as session:
        await letters.delivered(session, letters.of(claimed))
    async with database.reading() as session:
        assert (await tasks.by_id(session, susan, export_id)).state == tasks.CANCELLED


async def test_forgetting_takes_back_one_persons_letters(database: Database) -> None:
    await promise(database, user_id=1)
    await promise(database, user_id=1, void=True)
    kept = await promise(database, user_id=2)
    async with database.begin() as session:
        await letters.forget(session, 1)
        assert list(await session.scalars(select(Task.id))) == [kept]
