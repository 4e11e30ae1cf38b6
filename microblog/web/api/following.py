"""Whose posts one reads: followed and unfollowed, once or many times with the same result."""

from typing import Any

from microblog.domain import follows, tokens, users
from microblog.web import limiting, scope
from microblog.web.api.blueprint import bp
from microblog.web.api.operations import operation

GROUP = "following"


@bp.put("/users/<id:user_id>/follow")
@operation(GROUP, scope=tokens.WRITE, answers={204: None}, refuses=(404,))
async def follow_user(user_id: int) -> Any:
    """Read this person from now on. Nobody follows themselves."""
    return await _change(follows.follow, user_id)


@bp.delete("/users/<id:user_id>/follow")
@operation(GROUP, scope=tokens.WRITE, answers={204: None}, refuses=(404,))
async def unfollow_user(user_id: int) -> Any:
    """Read this person no longer."""
    return await _change(follows.unfollow, user_id)


async def _change(verb: Any, user_id: int) -> Any:
    await limiting.spend_write(scope.viewer())
    user = await users.by_id(scope.session(), user_id)
    await verb(scope.session(), scope.viewer(), user)
    return "", 204
