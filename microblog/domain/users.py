"""Accounts: opened, found, changed, closed."""

from dataclasses import dataclass
from datetime import datetime

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ColumnElement, ScalarSelect, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import events, grants, letters, messages, sessions, text, usernames
from microblog.domain.actors import Actor
from microblog.domain.errors import EmailTaken, Invalid, NotFound, UsernameTaken
from microblog.domain.search import index
from microblog.domain.search.people import name_terms
from microblog.models import Ban, Follow, Operator, Post, User, utc_now
from microblog.models.user import DISPLAY_NAME_LENGTH, EMAIL_LENGTH, fold

PASSWORD_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login is checked against; ``user_id`` is ``None`` for a name that nobody has."""

    user_id: int | None
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as others see them, with what the reader has to do with them."""

    id: int
    username: str
    display_name: str
    about_me: str
    last_seen_at: datetime | None
    follower_count: int
    following_count: int
    is_following: bool


async def register(
    session: AsyncSession,
    username: str,
    email: str,
    password_hash: str | None,
    *,
    confirmed: bool = True,
) -> User:
    """Open an account. Raises :class:`UsernameTaken`, :class:`EmailTaken` or :class:`Invalid`."""
    check_registration(username, email)
    user = User(
        username=username,
        email=email,
        name_terms=name_terms(username, ""),
        password_hash=password_hash,
        confirmed_at=utc_now() if confirmed else None,
    )
    try:
        async with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise await _whose_fault(session, username) from error
    return user


def check_registration(username: str, email: str) -> None:
    """Raise :class:`Invalid` unless name and address could be an account's."""
    usernames.check(username)
    check_email(email)


def check_email(email: str) -> None:
    """Raise :class:`Invalid` unless this is one mailbox, of at most 120 characters.

    Names that exist only in a private network (``.local``, ``.test``) are as good as any: the
    service may be of that network.
    """
    text.refuse_unusable(email, field="email")
    if len(email) > EMAIL_LENGTH:
        raise Invalid(
            "Field cannot be longer than %(max)d characters.", field="email", max=EMAIL_LENGTH
        )
    try:
        validate_email(email, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise Invalid("Invalid email address.", field="email") from error
    if "." not in email.rpartition("@")[2]:
        raise Invalid("Invalid email address.", field="email")


def check_password(password: str, *, username: str, minimum: int) -> None:
    """Raise :class:`Invalid` for a password that is too short, too long, or simply the name."""
    if len(password) < minimum:
        raise Invalid("Use at least %(min)d characters.", field="password", min=minimum)
    if len(password.encode("utf-8", "surrogatepass")) > PASSWORD_BYTES:
        raise Invalid("This password is too long.", field="password")
    if fold(password) == fold(username):
        raise Invalid("Use a password that is not your username.", field="password")


async def is_taken(session: AsyncSession, *, username: str = "", email: str = "") -> bool:
    """Whether somebody has this name or address. A courtesy: the constraint is the law."""
    return bool(
        await session.scalar(
            select(
                exists().where(
                    or_(User.username_key == fold(username), User.email_key == fold(email))
                )
            )
        )
    )


async def find_credentials(session: AsyncSession, login: str) -> Credentials:
    """What to check a password against, for a username or an address."""
    key = fold(login.strip())
    row = (
        await session.execute(
            select(User.id, User.password_hash)
            .outerjoin(Ban, Ban.user_id == User.id)
            .where(or_(User.username_key == key, User.email_key == key), Ban.user_id.is_(None))
        )
    ).first()
    return Credentials(*row) if row else Credentials(None, None)


async def by_username(session: AsyncSession, username: str) -> User:
    """The account of that name, whatever the case. Raises :class:`NotFound`."""
    user = await session.scalar(select(User).where(User.username_key == fold(username)))
    if user is None:
        raise NotFound("User %(name)s not found.", name=username)
    return user


async def by_id(session: AsyncSession, user_id: int) -> User:
    """The account with that id. Raises :class:`NotFound`."""
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound
    return user


async def profile(session: AsyncSession, actor: Actor, username: str) -> Profile:
    """A profile with its counts, in one statement. Raises :class:`NotFound`."""
    row = (
        await session.execute(
            select(
                User.id,
                User.username,
                User.display_name,
                User.about_me,
                User.last_seen_at,
                _count(Follow.followed_id == User.id),
                _count(Follow.follower_id == User.id),
                exists()
                .where(Follow.follower_id == actor.id, Follow.followed_id == User.id)
                .correlate(User),
            ).where(User.username_key == fold(username))
        )
    ).first()
    if row is None:
        raise NotFound
    return Profile(*row)


def _count(condition: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).where(condition).correlate(User).scalar_subquery()


async def edit_profile(
    session: AsyncSession,
    actor: Actor,
    *,
    username: str,
    about_me: str,
    display_name: str,
    about_me_length: int,
) -> None:
    """Change how a person is shown. Raises :class:`UsernameTaken` or :class:`Invalid`."""
    if username != actor.username:
        usernames.check(username)
    shown = text.clean_line(display_name, maximum=DISPLAY_NAME_LENGTH, field="display_name")
    values = {
        "username": username,
        "username_key": fold(username),
        "about_me": text.clean(about_me, maximum=about_me_length, field="about_me"),
        "display_name": shown,
        "name_terms": name_terms(username, shown),
    }
    try:
        async with session.begin_nested():
            await session.execute(update(User).where(User.id == actor.id).values(**values))
    except IntegrityError as error:
        raise UsernameTaken from error


async def change_password(session: AsyncSession, user_id: int, password_hash: str) -> None:
    """Set a new password; every login of the account ends, and so does what was asked before."""
    await session.execute(
        update(User).where(User.id == user_id).values(password_hash=password_hash)
    )
    # Whoever knew the old password may have asked for another address.
    await grants.revoke(session, user_id, grants.RESET, grants.CHANGE_ADDRESS)
    await sessions.end_all(session, user_id)


async def disable(session: AsyncSession, user: User) -> None:
    """Keep a person out: logins, tokens and sockets end at once."""
    if await session.get(Ban, user.id) is None:
        session.add(Ban(user_id=user.id))
    await sessions.end_all(session, user.id)


async def enable(session: AsyncSession, user: User) -> None:
    """Let a disabled person in again."""
    await session.execute(delete(Ban).where(Ban.user_id == user.id))


async def promote(session: AsyncSession, user: User) -> None:
    """Make a person an operator of the service."""
    if await session.get(Operator, user.id) is None:
        session.add(Operator(user_id=user.id))


async def demote(session: AsyncSession, user: User) -> None:
    """Make an operator a person like all others."""
    await session.execute(delete(Operator).where(Operator.user_id == user.id))


async def close(session: AsyncSession, user: User) -> None:
    """Delete an account with all that it wrote; open pages drop its posts.

    Its messages vanish from the other side, too, and do not count there any more.
    """
    post_ids = (await session.scalars(select(Post.id).where(Post.user_id == user.id))).all()
    await index.remove(session, post_ids)
    for post_id in post_ids:
        events.record(session, events.POST_DELETED, actor_id=user.id, subject_id=post_id)
    readers = await messages.unread_by(session, user.id)
    await sessions.end_all(session, user.id)
    await letters.forget(session, user.id)
    await session.execute(delete(User).where(User.id == user.id))
    await messages.tell_counts(session, readers)


@dataclass(frozen=True, slots=True)
class Entry:
    """An account as the operator lists it."""

    username: str
    email: str
    created_at: datetime
    last_seen_at: datetime | None
    is_operator: bool
    is_disabled: bool


async def roster(session: AsyncSession) -> list[Entry]:
    """All accounts, by name, for the operator."""
    rows = await session.execute(
        select(
            User.username,
            User.email,
            User.created_at,
            User.last_seen_at,
            Operator.user_id.is_not(None),
            Ban.user_id.is_not(None),
        )
        .outerjoin(Operator, Operator.user_id == User.id)
        .outerjoin(Ban, Ban.user_id == User.id)
        .order_by(User.username_key)
    )
    return [Entry(*row) for row in rows]


async def any_exists(session: AsyncSession) -> bool:
    """Whether there is any account at all."""
    return bool(await session.scalar(select(exists(select(User.id)))))


async def names(session: AsyncSession) -> set[str]:
    """The names of all accounts, folded as names are compared."""
    return set(await session.scalars(select(User.username_key)))


async def _whose_fault(session: AsyncSession, username: str) -> Invalid:
    if await is_taken(session, username=username):
        return UsernameTaken()
    return EmailTaken()
