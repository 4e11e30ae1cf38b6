"""Private messages: written, received, deleted from one's own side."""

from datetime import datetime
from typing import Any

from quart import flash, redirect, request, url_for

from microblog.domain import correspondence, messages, users
from microblog.domain.errors import Invalid, Refusal
from microblog.i18n import gettext as _
from microblog.web import access, limiting, places, scope
from microblog.web.main.blueprint import bp
from microblog.web.main.forms import MessageForm
from microblog.web.rendering import SENT, page, pager, user_url


@bp.route("/send_message/<recipient>", methods=["GET", "POST"])
@access.members
async def send_message(recipient: str) -> Any:
    """Write to somebody."""
    user = await users.by_username(scope.session(), recipient)
    try:
        messages.refuse_oneself(scope.viewer(), user)
    except Refusal as refusal:
        await flash(_(refusal.message))
        return redirect(user_url(user.username))
    form = MessageForm()
    if request.method == "POST":
        form = await MessageForm.received()
        if await send(form, user):
            await flash(_("Your message has been sent."), SENT)
            return redirect(user_url(user.username))
    return page(
        "send_message.html",
        status=form.status,
        title=_("Send Message"),
        form=form.limit(scope.settings().messages.max_length),
        recipient=user,
    )


async def send(form: MessageForm, recipient: Any) -> bool:
    """Send what the form holds; if it cannot be, the form says why."""
    if not form.validate():
        return False
    length = scope.settings().messages.max_length
    try:
        await limiting.spend_message(scope.viewer())
        await messages.send(
            scope.session(), scope.viewer(), recipient, form.text("message"), length=length
        )
    except Invalid as refusal:
        form.show(refusal)
        return False
    return True


@bp.route("/messages", endpoint="messages")
@access.members
async def inbox() -> Any:
    """What I have received; looking at it is having read it, all of it."""
    unread, read_at = await take_for_read()
    part = await correspondence.inbox(
        scope.session(),
        scope.viewer(),
        places.asked(),
        size=scope.settings().posts.per_page,
    )
    return page(
        "messages.html",
        title=_("Messages"),
        messages=part.items,
        pager=pager(url_for("main.messages"), part),
        unread=unread,
        read_at=read_at,
    )


async def take_for_read(sender_id: int | None = None) -> tuple[int, datetime | None]:
    """Take my messages, or one person's, for read, as their list is about to be shown.

    In a unit of work of its own, as the request only reads; without one where nothing would change,
    and where nobody looks: for HEAD, and for a browser that fetches ahead. Returns how many are
    unread now, and when these were read.
    """
    actor = scope.viewer()
    if request.method != "GET" or _is_fetched_ahead() or await _is_read(sender_id):
        return actor.unread_messages, None
    async with scope.resources().database.begin() as session:
        return await messages.mark_read(session, actor, sender_id)


async def _is_read(sender_id: int | None) -> bool:
    if sender_id is None:
        return await messages.is_settled(scope.session(), scope.viewer())
    if not scope.viewer().unread_messages:
        return True
    return not await correspondence.has_unread(scope.session(), scope.viewer(), sender_id)


def _is_fetched_ahead() -> bool:
    purposes = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    return any("prefetch" in purpose for purpose in purposes)


@bp.post("/messages/delete/<int(max=2147483647):message_id>")
@access.members
async def delete_message(message_id: int) -> Any:
    """Take it from my side; the other one keeps theirs."""
    await limiting.spend_write(scope.viewer())
    await messages.take_away(scope.session(), scope.viewer(), message_id)
    await flash(_("The message has been deleted."))
    back = access.safe_next((await request.form).get("next"))
    return redirect(back or url_for("main.messages"))
