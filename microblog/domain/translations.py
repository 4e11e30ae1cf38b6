"""Translations that are kept, who is asking for one at this moment, and what a day may cost.

Nobody holds a transaction while a service is asked. Whoever is to ask takes a *ticket* first: a row
that says so to all processes, for a limited time. There is one ticket for a post, a language and a
wording of the post, so there is one call, however many readers want it. Languages have the names
here that the service has for them.
"""

import hashlib
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import events
from microblog.domain.errors import NotFound
from microblog.domain.posts import PostView
from microblog.models import PostTranslation, TranslationDay, utc_now

# Longer than any call to a service may take, but not by much: who dies asking leaves it behind.
TICKET_SECONDS = 7.0


@dataclass(frozen=True, slots=True)
class Translation:
    """A post in another language, and who has said so."""

    body: str
    provider: str


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody is asking for it, or was and did not come back."""

    is_late: bool


async def find(session: AsyncSession, post: PostView, language: str) -> Translation | Asking | None:
    """What there is for the post as it is worded now."""
    row = (
        await session.execute(
            select(PostTranslation.body, PostTranslation.provider, PostTranslation.asked_until)
            .where(_is(post, language))
            .where(PostTranslation.digest == digest(post))
        )
    ).first()
    if row is None:
        return None
    body, provider, asked_until = row
    return Asking(asked_until < time.time()) if body is None else Translation(body, provider)


async def take_ticket(
    session: AsyncSession, post: PostView, language: str, *, provider: str
) -> str | None:
    """The right to ask; ``None`` if there is a translation already, or somebody is asking.

    Raises :class:`NotFound` if the post is gone.
    """
    now = time.time()
    row = {
        "post_id": post.id,
        "language": language,
        "digest": digest(post),
        "body": None,
        "provider": provider,
        "ticket": secrets.token_hex(16),
        "asked_until": now + TICKET_SECONDS,
        "is_announced": False,
        "created_at": utc_now(),
    }
    insert = _dialect(session).insert(PostTranslation).values(row)
    old = PostTranslation.__table__.c
    is_void = or_(old.digest != row["digest"], (old.body.is_(None)) & (old.asked_until < now))
    statement = insert.on_conflict_do_update(
        index_elements=["post_id", "language"], set_=row, where=is_void
    )
    try:
        async with session.begin_nested():
            ticket: str | None = await session.scalar(statement.returning(PostTranslation.ticket))
    except IntegrityError as error:
        raise NotFound from error
    return ticket


async def keep(
    session: AsyncSession, ticket: str, post: PostView, language: str, body: str
) -> None:
    """Keep what the service has said, unless the post was reworded or deleted meanwhile."""
    await session.execute(
        update(PostTranslation)
        .where(_is(post, language), PostTranslation.ticket == ticket)
        .values(body=body)
    )


async def hand_back(session: AsyncSession, ticket: str, post: PostView, language: str) -> None:
    """Give the ticket up: the service has said nothing."""
    await session.execute(
        delete(PostTranslation).where(_is(post, language), PostTranslation.ticket == ticket)
    )


async def announce(session: AsyncSession, post: PostView, language: str) -> None:
    """Have the live feed told of a kept translation, once."""
    first = await session.scalar(
        update(PostTranslation)
        .where(
            _is(post, language),
            PostTranslation.digest == digest(post),
            PostTranslation.body.is_not(None),
            PostTranslation.is_announced.is_(False),
        )
        .values(is_announced=True)
        .returning(PostTranslation.post_id)
    )
    if first is not None:
        events.record(
            session,
            events.POST_TRANSLATED,
            actor_id=post.author_id,
            subject_id=post.id,
            payload={"language": language},
        )


async def kept(
    session: AsyncSession, wanted: Collection[tuple[int, str]], posts: dict[int, PostView]
) -> dict[tuple[int, str], str]:
    """The translations, by post and language, of those posts that are still worded so."""
    if not wanted:
        return {}
    rows = await session.execute(
        select(
            PostTranslation.post_id,
            PostTranslation.language,
            PostTranslation.digest,
            PostTranslation.body,
        )
        .where(tuple_(PostTranslation.post_id, PostTranslation.language).in_(wanted))
        .where(PostTranslation.body.is_not(None))
    )
    return {
        (row.post_id, row.language): row.body
        for row in rows
        if row.post_id in posts and row.digest == digest(posts[row.post_id])
    }


# The budget


async def spend(session: AsyncSession, characters: int, *, budget: int) -> bool:
    """Take characters from today's budget, shared by all processes. False if they are not there."""
    if characters > budget:
        return False
    insert = _dialect(session).insert(TranslationDay)
    total = TranslationDay.characters + characters
    spent = await session.scalar(
        insert.values(day=_today(), characters=characters)
        .on_conflict_do_update(
            index_elements=["day"], set_={"characters": total}, where=total <= budget
        )
        .returning(TranslationDay.characters)
    )
    return spent is not None


async def give_back(session: AsyncSession, characters: int) -> None:
    """Undo one :func:`spend`: the service has taken nothing."""
    await session.execute(
        update(TranslationDay)
        .where(TranslationDay.day == _today(), TranslationDay.characters >= characters)
        .values(characters=TranslationDay.characters - characters)
    )


async def spent_today(session: AsyncSession) -> int:
    """How many characters were sent today, UTC."""
    found = await session.scalar(
        select(TranslationDay.characters).where(TranslationDay.day == _today())
    )
    return found or 0


def digest(post: PostView) -> str:
    """What tells one wording of a post from another."""
    return hashlib.sha256(f"{post.language or ''}\0{post.body}".encode()).hexdigest()


def _is(post: PostView, language: str) -> Any:
    return (PostTranslation.post_id == post.id) & (PostTranslation.language == language)


def _dialect(session: AsyncSession) -> Any:
    return postgresql if session.get_bind().dialect.name == "postgresql" else sqlite


def _today() -> Any:
    return datetime.now(UTC).date()
