"""What people do about their own account, and the letters that go with it.

Every letter is promised in the transaction of what it announces. Links in letters are one-time
permissions (:mod:`microblog.domain.grants`).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import events, grants, letters, sessions, users
from microblog.domain.actors import Actor
from microblog.domain.errors import EmailTaken, NotFound
from microblog.domain.grants import Permission
from microblog.models import Ban, Session, User, utc_now
from microblog.models.user import fold


async def ask_reset(session: AsyncSession, email: str, *, key: str, language: str) -> None:
    """Promise a letter with a link to set a new password, if the address is somebody's.

    For an unknown address the same rows are written, and the letter is never sent: neither the
    answer nor its time tells who has an account.
    """
    user = await session.scalar(
        select(User)
        .outerjoin(Ban, Ban.user_id == User.id)
        .where(User.email_key == fold(email), Ban.user_id.is_(None))
    )
    grant_id = await grants.issue(session, grants.RESET, user.id if user else None, key=key)
    await letters.promise(
        session,
        "reset_password",
        recipient=user.email if user else email,
        language=(user.language if user else None) or language,
        user_id=user.id if user else None,
        void=user is None,
        grant_id=grant_id,
        username=user.username if user else "",
    )


async def reset_password(
    session: AsyncSession, permission: Permission, password_hash: str, *, language: str
) -> bool:
    """Set a new password by a link. False if the link was used or ran out meanwhile."""
    if not await grants.use(session, permission):
        return False
    user = await users.by_id(session, permission.user_id or 0)
    await _set_password(session, user, password_hash, language=language)
    return True


async def change_password(
    session: AsyncSession, actor: Actor, password_hash: str, *, language: str
) -> None:
    """Set a new password; every login of the account ends, this one too."""
    user = await users.by_id(session, actor.id)
    await _set_password(session, user, password_hash, language=language)


async def _set_password(
    session: AsyncSession, user: User, password_hash: str, *, language: str
) -> None:
    await users.change_password(session, user.id, password_hash)
    await _write_to(session, user, "password_changed", language=language)


async def ask_confirmation(session: AsyncSession, user: User, *, key: str, language: str) -> None:
    """Promise a letter that asks whether the address is really theirs."""
    grant_id = await grants.issue(session, grants.CONFIRM, user.id, key=key, email=user.email)
    await _write_to(session, user, "confirm_address", language=language, grant_id=grant_id)


async def ask_confirmation_again(
    session: AsyncSession, actor: Actor, *, key: str, language: str
) -> None:
    """Promise that letter once more, unless it has been answered; only the newest link counts."""
    user = await users.by_id(session, actor.id)
    if user.confirmed_at is None:
        await ask_confirmation(session, user, key=key, language=language)


async def confirm(session: AsyncSession, permission: Permission) -> bool:
    """The address is theirs. False if the link was used, ran out, or is for an earlier address."""
    if not await grants.use(session, permission):
        return False
    result = await session.execute(
        update(User)
        .where(User.id == permission.user_id, User.email == permission.email)
        .values(confirmed_at=utc_now())
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has a rowcount


def has_address(user: User, email: str) -> bool:
    """Whether this is the person's address already, whatever the case."""
    return user.email_key == fold(email)


async def ask_new_address(
    session: AsyncSession, actor: Actor, email: str, *, key: str, language: str
) -> None:
    """Promise a letter to the new address; nothing changes until its link is used."""
    users.check_email(email)
    if await users.is_taken(session, email=email):
        raise EmailTaken
    user = await users.by_id(session, actor.id)
    grant_id = await grants.issue(session, grants.CHANGE_ADDRESS, user.id, key=key, email=email)
    await letters.promise(
        session,
        "confirm_new_address",
        recipient=email,
        language=user.language or language,
        user_id=user.id,
        grant_id=grant_id,
        username=user.username,
    )


async def change_address(
    session: AsyncSession, permission: Permission, *, key: str, language: str
) -> bool:
    """Take the confirmed new address; the old one hears of it, with a way back."""
    if not permission.email or not await grants.use(session, permission):
        return False
    user = await users.by_id(session, permission.user_id or 0)
    await _move(session, user, permission.email, key=key, language=language)
    return True


async def replace_address(
    session: AsyncSession, actor: Actor, email: str, *, key: str, language: str
) -> None:
    """Take a new address at once, where none is asked to be confirmed; the old one hears of it."""
    users.check_email(email)
    user = await users.by_id(session, actor.id)
    await _move(session, user, email, key=key, language=language)


async def _move(session: AsyncSession, user: User, email: str, *, key: str, language: str) -> None:
    old = user.email
    await _set_address(session, user, email)
    grant_id = await grants.issue(session, grants.RESTORE_ADDRESS, user.id, key=key, email=old)
    await letters.promise(
        session,
        "address_changed",
        recipient=old,
        language=user.language or language,
        user_id=user.id,
        grant_id=grant_id,
        username=user.username,
    )


async def restore_address(session: AsyncSession, permission: Permission) -> bool:
    """Go back to the old address. Whoever changed it is logged out, and their links are void.

    Links back to addresses before this one stay good: whoever has taken an account over may change
    its address twice, and must not make the first letter worthless with the second.
    """
    if not permission.email or not await grants.use(session, permission):
        return False
    user = await users.by_id(session, permission.user_id or 0)
    await _set_address(session, user, permission.email)
    await grants.revoke(session, user.id, grants.CHANGE_ADDRESS)
    await grants.revoke_newer(session, permission)
    await sessions.end_all(session, user.id)
    return True


async def _set_address(session: AsyncSession, user: User, email: str) -> None:
    values = {"email": email, "email_key": fold(email), "confirmed_at": utc_now()}
    try:
        async with session.begin_nested():
            await session.execute(update(User).where(User.id == user.id).values(**values))
    except IntegrityError as error:
        raise EmailTaken from error
    await grants.revoke(session, user.id, grants.RESET, grants.CONFIRM)


async def speak(
    session: AsyncSession, actor: Actor, *, language: str | None, time_zone: str | None
) -> None:
    """Set the language and the time zone of an account; ``None`` leaves it to the browser."""
    await session.execute(
        update(User).where(User.id == actor.id).values(language=language, time_zone=time_zone)
    )


async def set_language(session: AsyncSession, actor: Actor, language: str) -> None:
    """Set the language of an account and leave the rest."""
    await session.execute(update(User).where(User.id == actor.id).values(language=language))


async def close(session: AsyncSession, actor: Actor) -> None:
    """Delete one's own account with all that it wrote."""
    await users.close(session, await users.by_id(session, actor.id))


async def end_all_logins(session: AsyncSession, actor: Actor) -> None:
    """Log out everywhere."""
    await sessions.end_all(session, actor.id)


@dataclass(frozen=True, slots=True)
class Login:
    """One of a person's logins, as they see it."""

    id: int
    device: str
    created_at: datetime
    last_used_at: datetime


async def logins(session: AsyncSession, actor: Actor) -> list[Login]:
    """The person's logins, the latest used first."""
    rows = await session.execute(
        select(Session.id, Session.device, Session.created_at, Session.last_used_at)
        .where(Session.user_id == actor.id, Session.expires_at > utc_now())
        .order_by(Session.last_used_at.desc(), Session.id.desc())
        .limit(100)
    )
    return [Login(*row) for row in rows]


async def end_login(session: AsyncSession, actor: Actor, session_id: int) -> None:
    """End one of one's own logins. Raises :class:`NotFound` for absent and foreign ones alike."""
    result = await session.execute(
        delete(Session).where(Session.id == session_id, Session.user_id == actor.id)
    )
    if not result.rowcount:  # type: ignore[attr-defined]  # a DELETE's result has a rowcount
        raise NotFound
    events.record(session, events.SESSION_ENDED, actor_id=actor.id, subject_id=session_id)


async def invite(session: AsyncSession, *, key: str) -> str:
    """A one-time token that lets somebody open an account where registration is by invitation."""
    grant_id = await grants.issue(session, grants.INVITE, None, key=key)
    token = await grants.link_token(session, grant_id, key=key)
    if token is None:
        raise NotFound
    return token


async def _write_to(
    session: AsyncSession, user: User, kind: str, *, language: str, grant_id: int | None = None
) -> None:
    await letters.promise(
        session,
        kind,
        recipient=user.email,
        language=user.language or language,
        user_id=user.id,
        grant_id=grant_id,
        username=user.username,
    )
