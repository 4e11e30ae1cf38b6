"""The links of letters about addresses: a GET shows a button, the button does it."""

from collections.abc import Awaitable, Callable
from typing import Any

from quart import flash, redirect, request, url_for

from microblog.domain import accounts, grants
from microblog.domain.errors import EmailTaken, TooManyRequests
from microblog.domain.grants import Permission
from microblog.i18n import gettext as _
from microblog.i18n import language
from microblog.web import access, identity, limiting, scope
from microblog.web.auth.blueprint import bp
from microblog.web.rendering import page

Deed = Callable[[Permission], Awaitable[bool]]


@bp.route("/auth/confirm/<token>", methods=["GET", "POST"])
@access.visitors_by_letter
async def confirm(token: str) -> Any:
    """An address is really somebody's: the first one, or a new one."""
    for kind, deed in ((grants.CONFIRM, _confirm), (grants.CHANGE_ADDRESS, _change)):
        permission = await _permission(kind, token)
        if permission is not None:
            done = _("Your address is confirmed.")
            return await _ask_or_do(permission, deed, _("Confirm your address"), done)
    return redirect(url_for("main.index"))


@bp.route("/auth/restore_address/<token>", methods=["GET", "POST"])
@access.visitors_by_letter
async def restore_address(token: str) -> Any:
    """Somebody else changed the address: back to the old one, and everybody out."""
    permission = await _permission(grants.RESTORE_ADDRESS, token)
    if permission is None:
        return redirect(url_for("main.index"))
    done = _("Your old address is back, and every login has ended. Please choose a new password.")
    return await _ask_or_do(permission, _restore, _("Take back your address"), done)


@bp.post("/account/confirmation")
@access.members_unconfirmed_too
async def send_confirmation() -> Any:
    """Send the letter once more."""
    if scope.settings().accounts.confirm_email == "off":
        return redirect(url_for("auth.account"))
    actor = scope.viewer()
    try:
        await limiting.spend(limiting.letter_claims("confirm", str(actor.id)))
    except TooManyRequests:
        pass
    else:
        await accounts.ask_confirmation_again(
            scope.session(), actor, key=scope.resources().secret_key, language=language()
        )
    await flash(_("We have sent you a letter. Please follow the link in it."))
    return redirect(url_for("auth.account"))


async def _permission(kind: str, token: str) -> Permission | None:
    key = scope.resources().secret_key
    async with scope.resources().database.reading() as session:
        return await grants.find(session, kind, token, key=key)


async def _ask_or_do(permission: Permission, deed: Deed, question: str, done: str) -> Any:
    if request.method == "POST":
        try:
            text = done if await deed(permission) else _("This link is no longer good.")
        except EmailTaken as refusal:
            text = _(refusal.message)
        await flash(text)
        return redirect(url_for("main.index" if scope.find_viewer() else "auth.login"))
    response = page(
        "auth/confirm.html", title=question, question=question, address=permission.email
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def _confirm(permission: Permission) -> bool:
    return await accounts.confirm(scope.session(), permission)


async def _change(permission: Permission) -> bool:
    return await accounts.change_address(
        scope.session(), permission, key=scope.resources().secret_key, language=language()
    )


async def _restore(permission: Permission) -> bool:
    done = await accounts.restore_address(scope.session(), permission)
    actor = scope.find_viewer()
    if done and actor is not None and actor.id == permission.user_id:
        identity.forget_login()
    return done
