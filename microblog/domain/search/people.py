"""People whom a search finds, by username and by the name that they show."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, case, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import direct
from microblog.domain.search.analysis import document
from microblog.domain.search.query import Query
from microblog.models import User
from microblog.models.user import fold

MOST_PEOPLE = 5
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class PersonFound:
    """A person as a search shows them."""

    id: int
    username: str
    display_name: str


def name_terms(username: str, display_name: str) -> str:
    """What the search looks at in names: their terms, with blanks around."""
    return f" {document(f'@{username} {display_name}')} "


async def find(session: AsyncSession, query: Query) -> list[PersonFound]:
    """Whose names have all these words, or words that begin so; the name itself comes first.

    Nobody, where a query asks for more than words: that is for posts.
    """
    if not query.is_plain or len(query.phrases) > _MOST_WORDS:
        return []
    wanted = [f" {' '.join(phrase.terms)}" for phrase in query.phrases]
    typed = fold(query.phrases[0].terms[0].removeprefix("@"))
    people = (
        select(User.id, User.username, User.display_name)
        .where(*(User.name_terms.contains(words, autoescape=True) for words in wanted))
        .order_by(case((User.username_key == literal(typed), 0), else_=1), User.username_key)
        .limit(MOST_PEOPLE)
    )
    return [PersonFound(*row) for row in await session.execute(people)]


async def renew(session: AsyncSession, *, above: int, limit: int) -> list[int]:
    """Read the names of the next people again; returns their ids, none at the end."""
    people = await session.execute(
        select(User.id, User.username, User.display_name)
        .where(User.id > above)
        .order_by(User.id)
        .limit(limit)
        .with_for_update()
    )
    rows: list[dict[str, Any]] = [
        {"number": number, "terms": name_terms(*names)} for number, *names in people
    ]
    if rows:
        connection = await direct.connection(session)
        await connection.execute(
            update(User)
            .where(User.id == bindparam("number"))
            .values(name_terms=bindparam("terms")),
            rows,
        )
    return [row["number"] for row in rows]
