"""Private messages: received, exchanged with one person, written, taken away."""

from typing import Any
from urllib.parse import quote

from pydantic import Field

from microblog.domain import correspondence, messages, tokens, users
from microblog.domain.errors import Invalid
from microblog.domain.message_slices import MessageView
from microblog.live import wire
from microblog.web import limiting, scope
from microblog.web.api.blueprint import bp
from microblog.web.api.cursors import Cursors, Listing, listed
from microblog.web.api.operations import operation
from microblog.web.api.shapes import AN_HOUR, Body, Id, Moment, Shape, left_out
from microblog.web.api.writing import Author

GROUP = "messages"
_PATH = "/api/messages"


class MessageLinks(Shape):
    """Where the message is; `page` is the conversation, for people."""

    self: str = Field(examples=["/api/messages/4711"])
    page: str = Field(examples=["/messages/susan"])


class Message(Shape):
    """A private message. `read_at` is for its recipient only."""

    id: Id
    body: str = Field(examples=["Only for you"])
    author: Author
    recipient: Author = Field(description="Whom it was written to.")
    timestamp: Moment
    read_at: Moment | None = Field(examples=[AN_HOUR, None])
    links: MessageLinks = Field(serialization_alias="_links")


class Messages(Listing):
    """A part of a list of messages, newest first."""

    items: list[Message]


class Box(Cursors):
    """Which messages, and which part of them."""

    with_: str = Field(
        default="",
        alias="with",
        min_length=1,
        description=(
            "A username: all that was written between the two of you, by either side. Without it,"
            " what you have received."
        ),
        json_schema_extra=left_out,
        examples=["susan"],
    )


class NewMessage(Body):
    """What is written to whom."""

    recipient: str = Field(description="A username.", examples=["susan"])
    body: str = Field(
        description=(
            "Cleaned as on the page: NFC, no blanks around. From 1 character to as many as the"
            " service takes, by default 2000."
        ),
        examples=["Only for you"],
    )


class Reading(Body):
    """What is taken for read."""

    with_: str = Field(
        default="",
        alias="with",
        min_length=1,
        description="A username: only what that person has written.",
        json_schema_extra=left_out,
        examples=["susan"],
    )


@bp.get("/messages")
@operation(
    GROUP,
    scope=tokens.MESSAGES,
    query=Box,
    answers={200: Messages},
    refuses=(404,),
    headers={200: ("Link",)},
)
async def get_messages(query_args: Box) -> Any:
    """What one has received, or has exchanged with one person.

    Listing is not reading: what is unread stays so.
    """
    session, actor, place = scope.session(), scope.viewer(), query_args.place
    if query_args.with_:
        other = await users.by_username(session, query_args.with_)
        part = await correspondence.conversation(
            session, actor, other.id, place, size=query_args.limit
        )
    else:
        part = await correspondence.inbox(session, actor, place, size=query_args.limit)
    return listed(Messages, [_shown(message) for message in part.items], part, _PATH, query_args)


@bp.post("/messages")
@operation(
    GROUP,
    scope=tokens.MESSAGES,
    body=NewMessage,
    answers={201: Message},
    refuses=(404,),
    headers={201: ("Location",)},
    repeatable=True,
)
async def create_message(data: NewMessage) -> Any:
    """Write to somebody else."""
    session, actor = scope.session(), scope.viewer()
    recipient = await users.by_username(session, data.recipient)
    messages.refuse_oneself(actor, recipient)
    await limiting.spend_message(actor)
    length = scope.settings().messages.max_length
    try:
        message = await messages.send(session, actor, recipient, data.body, length=length)
    except Invalid as refusal:
        raise Invalid(refusal.message, field="body", **refusal.values) from refusal
    sent = _shown(await correspondence.by_id(session, actor, message.id))
    return sent, 201, {"Location": sent.links.self}


@bp.post("/messages/read")
@operation(
    GROUP,
    scope=tokens.MESSAGES,
    body=Reading,
    bodiless=True,
    answers={204: None},
    refuses=(404,),
)
async def read_messages(data: Reading) -> Any:
    """Take for read what one has received until now: all of it, or what one person has written."""
    session, actor = scope.session(), scope.viewer()
    sender_id = (await users.by_username(session, data.with_)).id if data.with_ else None
    # Who says so again and again changes nothing, and nobody need be told.
    if await correspondence.has_unread(session, actor, sender_id):
        await messages.mark_read(session, actor, sender_id)
    return "", 204


@bp.get("/messages/<id:message_id>")
@operation(GROUP, scope=tokens.MESSAGES, answers={200: Message}, refuses=(404,))
async def get_message(message_id: int) -> Any:
    """A message that one has received or sent; looking at it is not reading either."""
    return _shown(await correspondence.by_id(scope.session(), scope.viewer(), message_id))


@bp.delete("/messages/<id:message_id>")
@operation(GROUP, scope=tokens.MESSAGES, answers={204: None}, refuses=(404,))
async def delete_message(message_id: int) -> Any:
    """Take a message from one's own side; the other one keeps theirs."""
    await limiting.spend_write(scope.viewer())
    await messages.take_away(scope.session(), scope.viewer(), message_id)
    return "", 204


def _shown(message: MessageView) -> Message:
    """A message as the viewer, who is one of the two, may see it."""
    author = wire.person_shape(
        message.author_id, message.author_username, message.author_display_name
    )
    recipient = wire.person_shape(
        message.recipient_id, message.recipient_username, message.recipient_display_name
    )
    received = message.recipient_id == scope.viewer().id
    other = message.author_username if received else message.recipient_username
    return Message(
        id=message.id,
        body=message.body,
        author=Author.model_validate(author),
        recipient=Author.model_validate(recipient),
        timestamp=message.created_at,
        read_at=message.read_at if received else None,
        links=MessageLinks(self=f"{_PATH}/{message.id}", page=f"/messages/{quote(other)}"),
    )
