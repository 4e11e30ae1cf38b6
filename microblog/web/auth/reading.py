"""What one reads, and what is to be translated without being asked."""

from typing import Any

from quart import flash, redirect, url_for

from microblog.domain import tongues
from microblog.i18n import gettext as _
from microblog.web import access, scope
from microblog.web.auth.account import show
from microblog.web.auth.blueprint import bp
from microblog.web.auth.forms import ReadingForm


@bp.post("/account/reading")
@access.members_unconfirmed_too
async def change_reading() -> Any:
    """The languages that one reads; none is what the browser says."""
    form = await ReadingForm.received()
    if not form.validate():
        return await show(reading=form)
    await tongues.set_reading(
        scope.session(),
        scope.viewer(),
        reads=form.reads.data or (),
        translates_live=bool(form.translates_live.data),
    )
    await flash(_("Your changes have been saved."))
    return redirect(url_for("auth.account"))
