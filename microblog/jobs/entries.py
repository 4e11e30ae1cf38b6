"""Entries of an archive: what stands in its files for each thing, and back (see ``packing``)."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from microblog.domain import text
from microblog.domain.belongings import OwnPost, Self
from microblog.domain.companions import Bond, OwnMessage
from microblog.domain.errors import Invalid
from microblog.domain.restoring import Restored

# Whatever an operator allows a post to be, it is never longer.
LONGEST_BODY = 20_000

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:[_-][A-Za-z0-9]{1,8})*")
_LONGEST_LANGUAGE = 16


class Unusable(Exception):
    """An entry is not what the format promises."""


def exact(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with all its digits, ending in ``Z``."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def of_self(person: Self) -> Mapping[str, Any]:
    """The profile."""
    return {
        "username": person.username,
        "email": person.email,
        "display_name": person.display_name,
        "about_me": person.about_me,
        "language": person.language,
        "time_zone": person.time_zone,
        "created_at": exact(person.created_at),
    }


def of_post(post: OwnPost) -> Mapping[str, Any]:
    """A post, complete."""
    return {
        "id": post.id,
        "body": post.body,
        "created_at": exact(post.created_at),
        "edited_at": exact(post.edited_at),
        "language": post.language,
    }


def of_bond(bond: Bond) -> Mapping[str, Any]:
    """Somebody who is followed, or follows."""
    return {"username": bond.username, "since": exact(bond.since)}


def of_message(message: OwnMessage) -> Mapping[str, Any]:
    """A private message."""
    return {
        "from": message.sender,
        "to": message.recipient,
        "body": message.body,
        "sent_at": exact(message.sent_at),
        "read_at": exact(message.read_at),
    }


def plain(post: OwnPost) -> str:
    """A post as it stands in ``posts.json``, written as ``json.dumps(…, indent=4)`` does."""
    body, timestamp = json.dumps(post.body), json.dumps(exact(post.created_at))
    lines = ("{", f'    "body": {body},', f'    "timestamp": {timestamp}', "}")
    return "\n".join(f"        {line}" for line in lines)


def restored(entry: Any, *, now: datetime) -> Restored:
    """Read :func:`of_post` again; its ``id`` meant something there only.

    A post keeps its length, whatever is allowed today. Raises :class:`Unusable`.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("body"), str):
        raise Unusable("no post")
    try:
        body = text.clean(entry["body"], minimum=1, maximum=LONGEST_BODY)
    except Invalid as refusal:
        raise Unusable("no text of a post") from refusal
    created_at = _moment(entry.get("created_at"), now)
    edited_at = None if entry.get("edited_at") is None else _moment(entry["edited_at"], now)
    return Restored(body, created_at, edited_at, _language(entry.get("language")))


def _moment(value: Any, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
        is_aware = datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError, OverflowError) as error:
        raise Unusable("no date") from error
    if not is_aware or not _EARLIEST <= moment <= now:
        raise Unusable("no date that a post can have")
    return moment


def _language(value: Any) -> str | None:
    # Nobody has looked; somebody has looked, and could not tell.
    if value is None or value == "":
        return value  # type: ignore[no-any-return]  # one of the two
    fits = isinstance(value, str) and len(value) <= _LONGEST_LANGUAGE
    if not fits or not _LANGUAGE.fullmatch(value):
        raise Unusable("no language")
    return str(value)
