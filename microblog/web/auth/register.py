"""Open an account."""

from typing import Any

from quart import flash, redirect, request, url_for

from microblog.domain import users
from microblog.domain.errors import Invalid, RegistrationClosed
from microblog.i18n import gettext as _
from microblog.web import access, limiting, scope
from microblog.web.auth.blueprint import bp
from microblog.web.auth.forms import RegistrationForm
from microblog.web.rendering import page


@bp.route("/register", methods=["GET", "POST"])
@access.visitors
async def register() -> Any:
    """Ask for name, address and password; the account then has to log in."""
    if scope.find_viewer() is not None:
        return redirect(url_for("main.index"))
    closed = scope.settings().accounts.registration != "open"
    form = RegistrationForm()
    if request.method == "POST":
        if closed:
            raise RegistrationClosed
        form = await RegistrationForm.received()
        if form.validate() and await _open(form):
            await flash(_("Congratulations, you are now a registered user!"))
            return redirect(url_for("auth.login"))
    return page(
        "auth/register.html", title=_("Register"), status=form.status, form=form, closed=closed
    )


async def _open(form: RegistrationForm) -> bool:
    name, email, password = (form.text(field) for field in ("username", "email", "password"))
    claims = limiting.registration_claims()
    try:
        users.check_registration(name, email)
        minimum = scope.settings().accounts.password_min_length
        users.check_password(password, username=name, minimum=minimum)
        await limiting.spend(claims)
        # Hashing takes long on purpose: it comes before the transaction, which others wait for.
        password_hash = await scope.resources().hasher.hash(password)
        await users.register(scope.session(), name, email, password_hash)
    except Invalid as refusal:
        form.show(refusal)
        return False
    return True
