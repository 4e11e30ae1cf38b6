"""Conversations: with whom I write, and what the two of us have said."""

from typing import Any

from quart import redirect, request, url_for

from microblog.domain import correspondence, users
from microblog.domain.paging import DEEPEST_PAGE, place
from microblog.i18n import gettext as _
from microblog.web import access, places, scope
from microblog.web.main.blueprint import bp
from microblog.web.main.forms import MessageForm
from microblog.web.main.messages import send, take_for_read
from microblog.web.rendering import Pager, page, pager


@bp.route("/conversations")
@access.members
async def conversations() -> Any:
    """The people I write with, and how much of theirs I have not read; reading it reads nothing."""
    number = min(place(page=request.args.get("page")).page, DEEPEST_PAGE)
    found, more = await correspondence.conversations(
        scope.session(), scope.viewer(), size=scope.settings().posts.per_page, page=number
    )
    here = url_for("main.conversations")
    return page(
        "conversations.html",
        title=_("Conversations"),
        conversations=found,
        pager=Pager(
            newer=f"{here}?page={number - 1}" if number > 1 else None,
            older=f"{here}?page={number + 1}" if more else None,
        ),
    )


@bp.route("/messages/<username>", methods=["GET", "POST"])
@access.members
async def conversation(username: str) -> Any:
    """What one other person and I have written, the newest at the bottom, above the answer."""
    other = await users.by_username(scope.session(), username)
    if other.id == scope.viewer().id:
        return redirect(url_for("main.messages"))
    here = url_for("main.conversation", username=other.username)
    form = MessageForm()
    if request.method == "POST":
        form = await MessageForm.received()
        if await send(form, other):
            return redirect(here)
    unread, read_at = await take_for_read(other.id)
    part = await correspondence.conversation(
        scope.session(),
        scope.viewer(),
        other.id,
        places.asked(),
        size=scope.settings().posts.per_page,
    )
    return page(
        "conversation.html",
        status=form.status,
        title=_("Conversation with %(username)s", username=other.username),
        other=other,
        messages=part.items[::-1],
        pager=pager(here, part),
        form=form.limit(scope.settings().messages.max_length),
        unread=unread,
        read_at=read_at,
    )
