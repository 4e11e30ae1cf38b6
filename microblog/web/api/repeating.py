"""Requests that may be sent again: with an idempotency key they are done once (24 hours long).

The header is that of draft-ietf-httpapi-idempotency-key-header-07, the key as it stands there.
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from pydantic import BaseModel
from quart import Response, make_response, request

from microblog.domain import answers
from microblog.domain.answers import Answered
from microblog.domain.errors import Invalid
from microblog.web import scope
from microblog.web.negotiation import JSON

KEY, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
# It is in an index; so many characters of ASCII, none of them a blank.
PATTERN = "^[!-~]{1,255}$"
# The same for the description.
PARAMETER: dict[str, Any] = {
    "name": KEY,
    "in": "header",
    "required": False,
    "description": (
        "A text of the program's own for this request. For 24 hours the same request with the same"
        " key is not done again: it gets the same answer, with `Idempotency-Replayed: true`."
        " Another request with the key is a conflict (409), and so is one that has waited too long"
        " for the first, which may be tried again. A request that was refused leaves its key free."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": PATTERN},
    "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
}

View = Callable[..., Awaitable[Any]]


def repeatable(view: View) -> View:
    """Have a view run once for each key; it does all that it does in the request's unit of work."""

    @wraps(view)
    async def run(**named: Any) -> Any:
        key = _key()
        if key is None:
            return await view(**named)
        actor = scope.viewer()
        known = await answers.claim(scope.session(), actor, key, _digest(named.get("data")))
        if known is not None:
            return _again(known)
        response: Any = await make_response(await view(**named))
        body = await response.get_data(as_text=True)
        location = response.headers.get("Location")
        answered = Answered(response.status_code, location, body)
        await answers.keep(scope.session(), actor, key, answered)
        return response

    return run


def _key() -> str | None:
    sent = request.headers.getlist(KEY)
    if not sent:
        return None
    if len(sent) > 1 or re.fullmatch(PATTERN, sent[0]) is None:
        raise Invalid("A key is one text of 1 to 255 visible ASCII characters.", field=KEY)
    return sent[0]


def _digest(data: BaseModel | None) -> str:
    """Which request this is: method, address, and what was sent, however it was written."""
    body = data.model_dump() if data is not None else None
    sent = json.dumps([request.method, request.path, body], sort_keys=True)
    return hashlib.sha256(sent.encode()).hexdigest()


def _again(known: Answered) -> Response:
    response = Response(known.body, status=known.status)
    response.headers[REPLAYED] = "true"
    if known.body:
        response.content_type = JSON
    if known.location is not None:
        response.headers["Location"] = known.location
    return response
