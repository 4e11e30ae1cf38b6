"""Who reads and writes which languages. Codes are compared without region: see ``i18n.base``."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.actors import Actor
from microblog.i18n import base
from microblog.models import Post, User

_MOST = 20
_RECENT = 20
_HABIT = 2


def read_by(actor: Actor, *, spoken: str, accepted: Iterable[str] = ()) -> frozenset[str]:
    """The languages that a person reads: those of the account, or else what the browser accepts.

    The language ``spoken`` on the page is always among them.
    """
    said = actor.reads.split(",") if actor.reads else (actor.language or "", *accepted)
    return frozenset(base(code) for code in (spoken, *said) if code)


def is_foreign(language: str | None, read: frozenset[str]) -> bool:
    """Whether a post is in a language, and in none of these."""
    return bool(language) and base(language or "") not in read


async def set_reading(
    session: AsyncSession, actor: Actor, *, reads: Iterable[str], translates_live: bool
) -> None:
    """Set which languages a person reads (none: what the browser says), and whether posts in
    others are to be translated as they arrive.
    """
    codes = list(dict.fromkeys(base(code) for code in reads))[:_MOST]
    await session.execute(
        update(User)
        .where(User.id == actor.id)
        .values(reads=",".join(codes), translates_live=translates_live)
    )


async def remember_writing(session: AsyncSession, actor: Actor, language: str | None) -> None:
    """Remember in which language a person wants to write; ``None`` is for finding out each time."""
    if language != actor.writes:
        await session.execute(update(User).where(User.id == actor.id).values(writes=language))


async def habits(session: AsyncSession, actor: Actor) -> list[str]:
    """The languages in which a person has lately written more than once."""
    recent = await session.scalars(
        select(Post.language)
        .where(Post.user_id == actor.id)
        .order_by(Post.timestamp.desc(), Post.id.desc())
        .limit(_RECENT)
    )
    counted = Counter(code for code in recent if code)
    return [code for code, times in counted.most_common() if times >= _HABIT]
