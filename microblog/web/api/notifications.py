"""What a program's person is to be told."""

from typing import Any

from pydantic import Field, RootModel

from microblog.domain import notifications, tokens
from microblog.web import scope
from microblog.web.api.blueprint import bp
from microblog.web.api.operations import operation
from microblog.web.api.shapes import Query, Shape

GROUP = "notifications"


class Since(Query):
    """From when on."""

    since: str = Field(
        default="",
        description=(
            "Only what was said after this moment, in seconds since 1970: the `timestamp` of the"
            " last one heard. What is no number is the beginning of time."
        ),
        examples=["1795262400.25"],
    )


class Notification(Shape):
    """The current word under a name; it replaces what was said under that name before."""

    name: str = Field(examples=["unread_message_count"])
    data: Any = Field(description="Whatever belongs to the name.", examples=[3])
    timestamp: float = Field(
        description="In seconds since 1970; each is later than the one before.",
        examples=[1795262400.25],
    )


class Notifications(RootModel[list[Notification]]):
    """What a person was told, oldest first."""


@bp.get("/notifications")
@operation(GROUP, scope=tokens.READ, query=Since, answers={200: Notifications})
async def get_notifications(query_args: Since) -> Any:
    """What was said after a moment: numbers and progress, never the words of a message."""
    since = notifications.read_moment(query_args.since)
    words = await notifications.since(scope.session(), scope.viewer(), since)
    return Notifications(
        [Notification(name=word.name, data=word.data, timestamp=word.timestamp) for word in words]
    )
