"""Log in, log out."""

from typing import Any

from quart import flash, redirect, request, url_for

from microblog.domain import sessions, text
from microblog.domain.errors import Malformed
from microblog.i18n import gettext as _
from microblog.logs import audit
from microblog.web import access, client, credentials, identity, scope
from microblog.web.auth.blueprint import bp
from microblog.web.auth.forms import LoginForm
from microblog.web.rendering import page


@bp.route("/auth/login", methods=["GET", "POST"])
@access.visitors
async def login() -> Any:
    """Ask for name and password; the right pair opens a login."""
    if scope.find_viewer() is not None:
        return redirect(url_for("main.index"))
    form = LoginForm()
    if request.method == "POST":
        form = await LoginForm.received()
        if form.validate() and _is_readable(form):
            async with credentials.entrance():
                return await _try(form)
    return page(
        "auth/login.html", title=_("Sign In"), status=form.status, form=form, can_reset=True
    )


def _is_readable(form: LoginForm) -> bool:
    # What no database can carry is nobody's name, and must not be asked for.
    try:
        text.refuse_unusable(form.username.data or "", field="username")
    except Malformed as refusal:
        form.show(refusal)
        return False
    return True


async def _try(form: LoginForm) -> Any:
    target = access.safe_next(request.args.get("next"))
    user_id = await credentials.check(form.text("username"), form.text("password"))
    if user_id is None:
        await flash(_("Invalid username or password"))
        return redirect(url_for("auth.login", next=target))
    audit("login", user_id=user_id, address=client.address())
    await identity.log_in(user_id, remember=form.remember_me.data)
    return redirect(target or url_for("main.index"))


@bp.route("/auth/logout", methods=["GET", "POST"])
@access.visitors
async def logout() -> Any:
    """End this login. A GET only shows the button."""
    actor = scope.find_viewer()
    if request.method != "POST":
        return page("auth/logout.html", title=_("Logout"))
    if actor is not None:
        await sessions.end(scope.session(), actor)
        audit("logout", user_id=actor.id)
        identity.forget_login()
    return redirect(url_for("main.index"))
