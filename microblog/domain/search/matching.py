"""A query as each database understands it: no operator of theirs is ever typed by a reader.

Terms are quoted one by one; what they hold is ours
(:mod:`~microblog.domain.search.analysis`), and no sign of either language is among it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    cast,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from microblog.domain.search.query import Phrase, Query
from microblog.models import Post, User
from microblog.models.search import POST_SEARCH

_ID_AND_DATE: tuple[Any, ...] = (Post.id, Post.timestamp)
_FTS5 = table("post_search", column("rowid"), column("terms"), column("post_search"))


def on_postgresql(query: Query) -> Select[Any]:
    """Ids, dates and terms of the posts that match.

    Where words are asked for, those first that were added last, whatever their dates; else the
    newest.
    """
    excluded = tsquery(query.excluded, " | ")
    if not query.phrases:
        having = exists().where(POST_SEARCH.c.post_id == Post.id, _has(excluded))
        return _newest(query, ~having)
    words = tsquery(query.phrases, " & ") + (f" & !({excluded})" if query.excluded else "")
    found = select(*_ID_AND_DATE, POST_SEARCH.c.terms).where(_has(words))
    found = found.join_from(Post, POST_SEARCH, POST_SEARCH.c.post_id == Post.id)
    return _added_last(query, found, POST_SEARCH.c.post_id)


def on_sqlite(query: Query) -> Select[Any]:
    """As :func:`on_postgresql`."""
    excluded = fts5(query.excluded, " OR ")
    if not query.phrases:
        return _newest(query, Post.id.not_in(select(_FTS5.c.rowid).where(_matches(excluded))))
    words = fts5(query.phrases, " AND ") + (f" NOT {excluded}" if query.excluded else "")
    found = select(*_ID_AND_DATE, _FTS5.c.terms).where(_matches(words))
    found = found.join_from(_FTS5, Post, Post.id == _FTS5.c.rowid)
    return _added_last(query, found, _FTS5.c.rowid)


def _newest(query: Query, has_none_excluded: ColumnElement[bool]) -> Select[Any]:
    # Terms decide about the order among words that were asked for: here are none.
    found: Select[Any] = select(*_ID_AND_DATE, literal_column("''").label("terms"))
    if query.excluded:
        found = found.where(has_none_excluded)
    return _narrowed(found, query).order_by(Post.timestamp.desc(), Post.id.desc())


def _added_last(query: Query, found: Select[Any], post_id: ColumnElement[int]) -> Select[Any]:
    # Both indexes have their entries by post id: they stop when enough are found. By date, all
    # posts with a common word would be looked at.
    return _narrowed(found, query).order_by(post_id.desc())


def _has(words: str) -> ColumnElement[bool]:
    return POST_SEARCH.c.vector.bool_op("@@")(cast(words, TSQUERY))


def _matches(words: str) -> ColumnElement[bool]:
    return _FTS5.c.post_search.bool_op("MATCH")(words)


def fts5(phrases: Sequence[Phrase], joined: str) -> str:
    """In the language of FTS5, in brackets."""
    return f"({joined.join(map(_in_fts5, phrases))})"


def _in_fts5(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.terms)}"{" *" if phrase.is_beginning else ""}'


def tsquery(phrases: Sequence[Phrase], joined: str) -> str:
    """In the language of PostgreSQL's ``tsquery``."""
    return joined.join(f"({_in_tsquery(phrase)})" for phrase in phrases)


def _in_tsquery(phrase: Phrase) -> str:
    joined = " <-> ".join(f"'{term}'" for term in phrase.terms)
    return f"{joined}{':*' if phrase.is_beginning else ''}"


def _narrowed(found: Select[Any], query: Query) -> Select[Any]:
    if query.authors:
        names = select(User.id).where(User.username_key.in_(query.authors))
        found = found.where(Post.user_id.in_(names))
    if query.languages:
        found = found.where(_in_languages(query.languages))
    if query.before is not None:
        found = found.where(Post.timestamp < query.before)
    if query.after is not None:
        found = found.where(Post.timestamp >= query.after)
    return found


def _in_languages(codes: Sequence[str]) -> ColumnElement[bool]:
    # A code has two letters or three.
    regional = [f"{code}{sign}" for code in codes for sign in "-_"]
    starts = (func.substr(Post.language, 1, length).in_(regional) for length in (3, 4))
    return or_(Post.language.in_(codes), *starts)
