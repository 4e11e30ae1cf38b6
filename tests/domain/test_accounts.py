"""What people do about their accounts, without any page."""

import asyncio

import pytest
from sqlalchemy import func, select, update

from microblog.database import Database
from microblog.domain import accounts, events, grants, sessions, tasks, users
from microblog.domain.actors import Actor
from microblog.domain.errors import EmailTaken, Invalid, NotFound
from microblog.domain.grants import Permission
from microblog.models import Event, Grant, Session, Task, User

KEY = "a key that is long enough for this"


@pytest.fixture
async def susan(database: Database) -> Actor:
    return await enrol(database, "susan")


@pytest.fixture
async def john(database: Database) -> Actor:
    return await enrol(database, "john")


async def enrol(database: Database, name: str) -> Actor:
    async with database.begin() as session:
        user = await users.register(
            session, name, f"{name}@example.com", "old hash", confirmed=False
        )
        await sessions.begin(
            session, user.id, remembered=False, device="x", lifetimes=sessions.Lifetimes()
        )
    async with database.reading() as session:
        number = await session.scalar(select(Session.id).where(Session.user_id == user.id))
    return Actor(user.id, name, session_id=number)


async def permission(database: Database, kind: str) -> Permission:
    """The newest one of its kind."""
    async with database.reading() as session:
        number = await session.scalar(select(func.max(Grant.id)).where(Grant.kind == kind))
        assert number
        token = await grants.link_token(session, number, key=KEY)
        assert token
        found = await grants.find(session, kind, token, key=KEY)
    assert found
    return found


async def sent(database: Database) -> list[tuple[str, str]]:
    async with database.reading() as session:
        told = await session.scalars(
            select(Task.arguments)
            .where(Task.name == tasks.SEND_LETTER, Task.state == tasks.WAITING)
            .order_by(Task.created_at, Task.id)
        )
        return [(letter["kind"], letter["recipient"]) for letter in told]


async def read(database: Database, actor: Actor) -> User:
    async with database.reading() as session:
        return await session.get_one(User, actor.id)


async def logins(database: Database, actor: Actor) -> int:
    async with database.reading() as session:
        return len(await accounts.logins(session, actor))


async def ask_reset(database: Database, email: str) -> None:
    async with database.begin() as session:
        await accounts.ask_reset(session, email, key=KEY, language="en")


async def test_a_reset(database: Database, susan: Actor, john: Actor) -> None:
    """M-125, T-09: a new password, one letter about it, and everybody out."""
    await ask_reset(database, "SUSAN@example.com")
    allowed = await permission(database, grants.RESET)
    async with database.begin() as session:
        assert await accounts.reset_password(session, allowed, "new hash", language="en")
    assert (await read(database, susan)).password_hash == "new hash"
    assert (await read(database, john)).password_hash == "old hash"
    assert await sent(database) == [
        ("reset_password", "susan@example.com"),
        ("password_changed", "susan@example.com"),
    ]
    assert (await logins(database, susan), await logins(database, john)) == (0, 1)
    async with database.begin() as session:
        assert not await accounts.reset_password(session, allowed, "third hash", language="en")
    assert (await read(database, susan)).password_hash == "new hash"


async def test_an_unknown_address_gets_no_letter(database: Database, susan: Actor) -> None:
    """M-114, T-03: the rows are written, and lead nowhere."""
    await ask_reset(database, "nobody@example.com")
    assert await sent(database) == []
    found = await permission(database, grants.RESET)
    assert found.user_id is None
    async with database.reading() as session:
        (void,) = await session.scalars(select(Task))
        assert (void.arguments["recipient"], void.state) == ("", tasks.DONE)


async def test_a_new_password_voids_what_was_asked_for(database: Database, susan: Actor) -> None:
    """T-12: by oneself or by the operator; links of reset, and to another address."""
    for by_operator in (False, True):
        await ask_reset(database, "susan@example.com")
        async with database.begin() as session:
            await accounts.ask_new_address(
                session, susan, "thief@example.com", key=KEY, language="en"
            )
        held = [await permission(database, k) for k in (grants.RESET, grants.CHANGE_ADDRESS)]
        async with database.begin() as session:
            if by_operator:
                await users.change_password(session, susan.id, "new hash")
            else:
                await accounts.change_password(session, susan, "new hash", language="en")
        for old in held:
            async with database.begin() as session:
                assert not await grants.use(session, old)


async def test_a_confirmed_address(database: Database, susan: Actor) -> None:
    async with database.begin() as session:
        await accounts.ask_confirmation_again(session, susan, key=KEY, language="en")
    allowed = await permission(database, grants.CONFIRM)
    async with database.begin() as session:
        assert await accounts.confirm(session, allowed)
    assert (await read(database, susan)).confirmed_at
    async with database.begin() as session:
        assert not await accounts.confirm(session, allowed)
        await accounts.ask_confirmation_again(session, susan, key=KEY, language="en")
    assert len(await sent(database)) == 1


async def test_a_link_for_an_earlier_address_confirms_nothing(
    database: Database, susan: Actor
) -> None:
    async with database.begin() as session:
        user = await users.by_id(session, susan.id)
        await accounts.ask_confirmation(session, user, key=KEY, language="en")
    allowed = await permission(database, grants.CONFIRM)
    async with database.begin() as session:
        await session.execute(update(User).values(email="other@example.com"))
    async with database.begin() as session:
        assert not await accounts.confirm(session, allowed)
    assert (await read(database, susan)).confirmed_at is None


async def test_another_address(database: Database, susan: Actor) -> None:
    """The new one confirms, the old one is told; links to the old one are void."""
    await ask_reset(database, "susan@example.com")
    reset = await permission(database, grants.RESET)
    async with database.begin() as session:
        await accounts.ask_new_address(session, susan, "New@example.com", key=KEY, language="en")
    allowed = await permission(database, grants.CHANGE_ADDRESS)
    assert (await read(database, susan)).email == "susan@example.com"
    async with database.begin() as session:
        assert await accounts.change_address(session, allowed, key=KEY, language="en")
        assert not await grants.use(session, reset)
    user = await read(database, susan)
    assert (user.email, user.email_key) == ("New@example.com", "new@example.com")
    assert user.confirmed_at
    assert (await sent(database))[1:] == [
        ("confirm_new_address", "New@example.com"),
        ("address_changed", "susan@example.com"),
    ]
    back = await permission(database, grants.RESTORE_ADDRESS)
    async with database.begin() as session:
        assert await accounts.restore_address(session, back)
    assert (await read(database, susan)).email == "susan@example.com"
    assert await logins(database, susan) == 0


async def test_addresses_that_cannot_be_taken(
    database: Database, susan: Actor, john: Actor
) -> None:
    for email, error in (
        ("john@example.com", EmailTaken),
        ("JOHN@EXAMPLE.COM", EmailTaken),
        ("x", Invalid),
        ("x@example.com, y@example.com", Invalid),
    ):
        with pytest.raises(error):
            async with database.begin() as session:
                await accounts.ask_new_address(session, susan, email, key=KEY, language="en")
    assert await sent(database) == []


async def test_two_who_ask_for_one_address(database: Database, susan: Actor, john: Actor) -> None:
    """The constraint is the law: whoever follows the link first has it."""
    held = []
    for actor in (susan, john):
        async with database.begin() as session:
            await accounts.ask_new_address(
                session, actor, "both@example.com", key=KEY, language="en"
            )
        held.append(await permission(database, grants.CHANGE_ADDRESS))

    async def follow(allowed: Permission) -> bool:
        async with database.begin() as session:
            return await accounts.change_address(session, allowed, key=KEY, language="en")

    results = await asyncio.gather(*(follow(allowed) for allowed in held), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["EmailTaken", "bool"]


async def test_one_s_own_logins_end(database: Database, susan: Actor, john: Actor) -> None:
    async with database.begin() as session:
        with pytest.raises(NotFound):
            await accounts.end_login(session, susan, john.session_id or 0)
    assert susan.session_id
    async with database.begin() as session:
        await accounts.end_login(session, susan, susan.session_id)
    async with database.reading() as session:
        found = (await session.execute(select(Event.kind, Event.subject_id))).all()
    assert [tuple(row) for row in found] == [(events.SESSION_ENDED, susan.session_id)]
    assert (await logins(database, susan), await logins(database, john)) == (0, 1)


async def test_a_closed_account_gets_no_letter_any_more(database: Database, susan: Actor) -> None:
    """Nor is it kept to whom there was one."""
    await ask_reset(database, "susan@example.com")
    other = await enrol(database, "mary")
    async with database.begin() as session:
        await accounts.change_password(session, other, "hash", language="en")
        await accounts.close(session, susan)
    assert await sent(database) == [("password_changed", "mary@example.com")]
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Task)) == 1


async def test_an_invitation(database: Database) -> None:
    async with database.begin() as session:
        token = await accounts.invite(session, key=KEY)
    async with database.begin() as session:
        allowed = await grants.find(session, grants.INVITE, token, key=KEY)
        assert allowed
        assert await grants.use(session, allowed)
        assert not await grants.use(session, allowed)
