"""Tokens for one's programs: made, shown once, revoked."""

from typing import Any

from quart import flash, redirect, url_for

from microblog.domain import tokens
from microblog.domain.errors import Invalid
from microblog.i18n import gettext as _
from microblog.logs import audit
from microblog.web import access, scope
from microblog.web.auth.account import knows_password, show
from microblog.web.auth.blueprint import bp
from microblog.web.auth.forms import MakeTokenForm


@bp.post("/account/tokens")
@access.members
async def make_token() -> Any:
    """Make a token. The answer shows it, and nothing shows it again.

    The password is asked for, as a token outlives the login by which it was made.
    """
    form = await MakeTokenForm.received()
    if not form.validate() or not await knows_password(form):
        return await show(token=form)
    actor = scope.viewer()
    try:
        token = await tokens.make(
            scope.session(), actor, form.text("name"), form.scopes.data or (), days=form.days.data
        )
    except Invalid as refusal:
        form.show(refusal)
        return await show(token=form)
    audit("token made", user_id=actor.id)
    return await show(new_token=token)


@bp.post("/account/tokens/<int(max=2147483647):token_id>/revoke")
@access.members_unconfirmed_too
async def revoke_token(token_id: int) -> Any:
    """End one token, and the sockets that were opened with it."""
    await tokens.revoke(scope.session(), scope.viewer(), token_id)
    audit("token revoked", user_id=scope.viewer().id)
    await flash(_("That token is revoked."))
    return redirect(url_for("auth.account"))
