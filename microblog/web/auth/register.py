"""Open an account."""

from typing import Any

from quart import flash, redirect, request, url_for

from microblog.domain import grants
from microblog.domain.errors import Invalid, RegistrationClosed
from microblog.domain.grants import Permission
from microblog.i18n import gettext as _
from microblog.i18n import language
from microblog.web import access, registration, scope
from microblog.web.auth.blueprint import bp
from microblog.web.auth.forms import RegistrationForm
from microblog.web.rendering import page


@bp.route("/auth/register", methods=["GET", "POST"])
@access.visitors_by_letter
async def register() -> Any:
    """Ask for name, address and password; the account then has to log in."""
    if scope.find_viewer() is not None:
        return redirect(url_for("main.index"))
    invitation = await _invitation()
    closed = registration.is_closed(invitation)
    form = RegistrationForm()
    if request.method == "POST":
        if closed:
            raise RegistrationClosed
        form = await RegistrationForm.received()
        if form.validate() and await _open(form, invitation):
            await flash(_("Congratulations, you are now a registered user!"))
            return redirect(url_for("auth.login"))
    response = page(
        "auth/register.html", title=_("Register"), status=form.status, form=form, closed=closed
    )
    if "invite" in request.args:
        # The address of this page is a secret.
        response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def _invitation() -> Permission | None:
    """The invitation in the address, if it is needed and good."""
    if scope.settings().accounts.registration != "invite":
        return None
    key, token = scope.resources().secret_key, request.args.get("invite", "")
    async with scope.resources().database.reading() as session:
        return await grants.find(session, grants.INVITE, token, key=key)


async def _open(form: RegistrationForm, invitation: Permission | None) -> bool:
    name, email, password = (form.text(field) for field in ("username", "email", "password"))
    try:
        await registration.open_account(
            name, email, password, language=language(), invitation=invitation
        )
    except Invalid as refusal:
        form.show(refusal)
        return False
    return True
