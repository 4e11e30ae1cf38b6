"""The outbox: what is promised, who may take it, and what becomes of it."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from microblog.database import Database
from microblog.domain import letters
from microblog.domain.letters import Claimed
from microblog.models import Letter, utc_now


async def promise(database: Database, recipient: str = "susan@example.com", **more: object) -> int:
    async with database.begin() as session:
        letter = await letters.promise(
            session,
            letters.CONFIRM_ADDRESS,
            recipient=recipient,
            language="en",
            **({"username": "susan"} | more),  # type: ignore[arg-type]
        )
    return letter.id


async def claim(database: Database, now: datetime | None = None, limit: int = 10) -> list[Claimed]:
    async with database.begin() as session:
        return await letters.claim(session, limit=limit, now=now or utc_now())


async def read(database: Database, letter_id: int) -> Letter:
    async with database.reading() as session:
        return await session.get_one(Letter, letter_id)


async def test_a_promise_holds_only_if_its_work_is_committed(database: Database) -> None:
    woken = []
    database.on_promise(letters.PROMISED, lambda: woken.append(True))
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


async def test_work_without_letters_wakes_nobody(database: Database) -> None:
    woken = []
    database.on_promise(letters.PROMISED, lambda: woken.append(True))
    async with database.begin() as session:
        await session.execute(select(func.count()).select_from(Letter))
    assert woken == []


async def test_an_unknown_kind_is_no_letter(database: Database) -> None:
    with pytest.raises(ValueError, match="birthday"):
        async with database.begin() as session:
            await letters.promise(session, "birthday", recipient="susan@example.com", language="en")


async def test_a_void_letter_is_nobodys(database: Database) -> None:
    number = await promise(database, recipient="stranger@example.com", void=True)
    assert await claim(database) == []
    assert (await read(database, number)).recipient == ""


async def test_a_claimed_letter_is_nobody_elses_until_the_lease_is_over(database: Database) -> None:
    await promise(database)
    now = utc_now()
    (first,) = await claim(database, now)
    assert await claim(database, now + letters.LEASE - timedelta(seconds=1)) == []
    (second,) = await claim(database, now + letters.LEASE + timedelta(seconds=1))
    assert second.message_id == first.message_id
    assert (first.attempts, second.attempts) == (1, 2)


async def test_many_who_claim_at_once_never_share_a_letter(database: Database) -> None:
    for number in range(30):
        await promise(database, f"u{number}@example.com")
    takers = await asyncio.gather(*(claim(database, limit=4) for _ in range(10)))
    taken = [letter.id for claimed in takers for letter in claimed]
    assert all(len(claimed) <= 4 for claimed in takers)
    assert len(taken) == len(set(taken))
    rest = await claim(database, limit=100)
    assert len(set(taken) | {letter.id for letter in rest}) == 30


async def test_the_oldest_goes_first(database: Database) -> None:
    numbers = [await promise(database, f"u{number}@example.com") for number in range(3)]
    assert [letter.id for letter in await claim(database, limit=2)] == numbers[:2]


async def test_pauses_grow_and_end_after_a_day(database: Database) -> None:
    number = await promise(database)
    now = utc_now()
    pauses = []
    while claimed := await claim(database, now):
        async with database.begin() as session:
            due_at = await letters.postpone(session, claimed[0], "451 not now", now=now)
        if due_at is None:
            break
        pauses.append(round((due_at - now).total_seconds() / 60))
        assert await claim(database, due_at - timedelta(seconds=1)) == []
        now = due_at
    assert pauses[:6] == [1, 5, 15, 60, 60, 60]
    assert 22 * 60 < sum(pauses) <= 24 * 60
    letter = await read(database, number)
    assert (letter.state, letter.reason) == (letters.FAILED, "451 not now")


async def test_next_due_leaves_out_what_somebody_has(database: Database) -> None:
    now = utc_now()
    async with database.reading() as session:
        assert await letters.next_due(session, now=now) is None
    await promise(database)
    (claimed,) = await claim(database, utc_now())
    async with database.reading() as session:
        assert await letters.next_due(session, now=now) is None
        due_at = await letters.next_due(session, now=now + letters.LEASE * 2)
    assert due_at == claimed.created_at


async def test_what_an_old_holder_says_does_not_count_but_that_it_is_out(
    database: Database,
) -> None:
    number = await promise(database)
    now = utc_now()
    (old,) = await claim(database, now)
    (new,) = await claim(database, now + letters.LEASE * 2)
    async with database.begin() as session:
        await letters.give_up(session, old, "550 no", now=now)
        await letters.give_back(session, old)
        await letters.postpone(session, old, "450 later", now=now)
    letter = await read(database, number)
    assert (letter.state, letter.attempts, letter.reason) == (letters.WAITING, new.attempts, "")
    async with database.begin() as session:
        await letters.mark_sent(session, old, now=now)
        await letters.postpone(session, new, "450 later", now=now)
    assert (await read(database, number)).state == letters.SENT


async def test_given_back_it_is_as_before(database: Database) -> None:
    await promise(database)
    (claimed,) = await claim(database)
    async with database.begin() as session:
        await letters.give_back(session, claimed)
    assert await claim(database) == [claimed]


async def test_what_was_sent_is_forgotten_by_its_letter(database: Database) -> None:
    number = await promise(database)
    (claimed,) = await claim(database)
    assert claimed.details == {"username": "susan"}
    async with database.begin() as session:
        await letters.mark_sent(session, claimed, now=utc_now())
    assert (await read(database, number)).details == {}


async def test_a_reason_from_a_hostile_server_can_be_stored(database: Database) -> None:
    number = await promise(database)
    (claimed,) = await claim(database)
    async with database.begin() as session:
        await letters.give_up(session, claimed, "550 a\0b\r\nc\udcff" + "x" * 5000, now=utc_now())
    assert (await read(database, number)).reason.startswith("550 a b  c xxx")


async def test_sweeping_leaves_what_waits(database: Database) -> None:
    kept = await promise(database)
    sent, failed, fresh = [await promise(database) for _ in range(3)]
    await promise(database, void=True)
    long_ago = utc_now() - timedelta(days=31)
    async with database.begin() as session:
        for number, state, due_at in (
            (sent, letters.SENT, long_ago),
            (failed, letters.FAILED, long_ago),
            (fresh, letters.SENT, utc_now()),
            (kept, letters.WAITING, long_ago),
        ):
            await session.execute(
                update(Letter).where(Letter.id == number).values(state=state, due_at=due_at)
            )
        await letters.sweep(session)
        left = set(await session.scalars(select(Letter.id)))
    assert left == {kept, fresh}
