"""Open an account."""

from typing import Any

from quart import flash, redirect, request, url_for

from microblog.domain import accounts, grants, users
from microblog.domain.errors import Invalid, RegistrationClosed
from microblog.domain.grants import Permission
from microblog.i18n import gettext as _
from microblog.i18n import language
from microblog.logs import audit
from microblog.web import access, limiting, scope
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
    closed = scope.settings().accounts.registration != "open" and invitation is None
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
    claims = limiting.registration_claims()
    try:
        users.check_registration(name, email)
        minimum = scope.settings().accounts.password_min_length
        users.check_password(password, username=name, minimum=minimum)
        await limiting.spend(claims)
        # Hashing takes long on purpose: it comes before the transaction, which others wait for.
        password_hash = await scope.resources().hasher.hash(password)
        user_id = await _write_down(name, email, password_hash)
        # Last, as a name that is taken must not cost the invitation.
        if invitation is not None and not await grants.use(scope.session(), invitation):
            raise RegistrationClosed
    except Invalid as refusal:
        form.show(refusal)
        return False
    audit("register", user_id=user_id)
    return True


async def _write_down(name: str, email: str, password_hash: str) -> int:
    session = scope.session()
    asks = scope.settings().accounts.confirm_email != "off"
    user = await users.register(session, name, email, password_hash, confirmed=not asks)
    if asks:
        key = scope.resources().secret_key
        await accounts.ask_confirmation(session, user, key=key, language=language())
    return user.id
