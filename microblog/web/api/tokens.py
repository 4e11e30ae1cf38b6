"""Tokens: opened with name and password, and revoked."""

from typing import Any

from pydantic import Field
from quart import request

from microblog.domain import text, tokens
from microblog.domain.errors import Malformed
from microblog.logs import audit
from microblog.web import client, credentials, scope
from microblog.web.api.blueprint import bp
from microblog.web.api.operations import BASIC, operation
from microblog.web.api.shapes import Moment, Shape
from microblog.web.challenges import Unidentified

GROUP = "tokens"
_NOBODY = "Invalid username or password"


class Token(Shape):
    """A token, to be sent as `Authorization: Bearer <token>`."""

    token: str = Field(min_length=32, examples=["mb_an-example-of-a-token-it-opens-nothing"])
    expires_at: Moment


@bp.post("/tokens")
@operation(GROUP, security=BASIC, answers={200: Token})
async def create_token() -> Any:
    """Open a token for an hour.

    Name (or address) and password are sent by basic authentication. Whoever asks again gets the
    same token until a minute before its end.
    """
    name, password = _given()
    async with credentials.entrance():
        user_id = await credentials.check(name, password) if name else None
    if user_id is None:
        raise Unidentified("Basic", _NOBODY)
    opened = await tokens.open_login(scope.session(), user_id, key=scope.resources().secret_key)
    audit("token login", user_id=user_id, address=client.address())
    return Token(token=opened.token, expires_at=opened.expires_at)


def _given() -> tuple[str, str]:
    """Name and password; what no database can carry is nobody's name."""
    given = request.authorization
    if given is None or given.type != "basic":
        return "", ""
    name, password = given.username or "", given.password or ""
    try:
        text.refuse_unusable(name, field="username")
    except Malformed:
        return "", ""
    return name, password


@bp.delete("/tokens")
@operation(GROUP, answers={204: None})
async def revoke_token() -> Any:
    """Revoke the token that this request carries; its sockets close."""
    actor = scope.viewer()
    await tokens.revoke(scope.session(), actor, actor.token_id or 0)
    audit("token revoked", user_id=actor.id)
    return "", 204
