"""The bodies of requests: JSON, in which each member stands once."""

import json
from typing import Any, cast

from quart import request
from werkzeug.exceptions import UnsupportedMediaType

from microblog.domain.errors import Invalid
from microblog.web import problems

_NO_JSON = "This is no JSON: line %(line)s, column %(column)s."
_NO_NUMBER = "This is no JSON: it holds a number that is none, or is too long."
_TWICE = "This member is there more than once."
_UNKNOWN = "This member is not known here."


async def read(*, bodiless: bool) -> Any:
    """What was sent; with ``bodiless`` an empty object where that is no JSON.

    Raises :class:`Invalid`, :class:`UnsupportedMediaType`.
    """
    raw = await _sent()
    if bodiless and not (request.is_json and raw):
        return {}
    if not request.is_json:
        raise UnsupportedMediaType
    return parse(raw)


async def refuse_members() -> None:
    """Where nothing is taken, nothing may be sent but an empty object.

    Raises as :func:`read` does.
    """
    raw = await _sent()
    if not raw:
        return
    sent = await read(bodiless=False)
    if not isinstance(sent, dict):
        raise Invalid(problems.NO_OBJECT, field="body")
    for name in sent:
        raise Invalid(_UNKNOWN, field=problems.word(name))


async def _sent() -> bytes:
    return cast("bytes", await request.get_data())


def parse(raw: bytes) -> Any:
    """The value. Raises :class:`Invalid`, with the place of what is wrong, or its name."""
    try:
        return json.loads(raw.decode(), object_pairs_hook=_members, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno}
        raise Invalid(_NO_JSON, field="body", **place) from error
    except (ValueError, RecursionError) as error:
        # Bytes that are no text, or more digits or brackets than are read.
        raise Invalid(_NO_NUMBER, field="body") from error


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 8259, 4: of two that have the same name different programs see different ones."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Invalid(_TWICE, field=problems.word(name))
        found[name] = value
    return found


def _refuse_constant(_name: str) -> Any:
    raise Invalid(_NO_NUMBER, field="body")
