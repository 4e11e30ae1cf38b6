"""Forgot the password: ask for a letter, and use its link."""

from typing import Any

from quart import flash, redirect, request, url_for

from microblog.domain import accounts, grants, users
from microblog.domain.errors import Invalid, TooManyRequests
from microblog.i18n import gettext as _
from microblog.i18n import language
from microblog.logs import audit
from microblog.web import access, client, limiting, scope
from microblog.web.auth.blueprint import bp
from microblog.web.auth.forms import ResetPasswordForm, ResetPasswordRequestForm
from microblog.web.rendering import page


@bp.route("/auth/reset_password_request", methods=["GET", "POST"])
@access.visitors
async def reset_password_request() -> Any:
    """Promise a letter. The answer is the same whether or not anybody has the address."""
    if scope.find_viewer() is not None:
        return redirect(url_for("main.index"))
    form = ResetPasswordRequestForm()
    if request.method == "POST":
        form = await ResetPasswordRequestForm.received()
        if form.validate():
            await _promise(form.text("email"))
            await flash(_("Check your email for the instructions to reset your password"))
            return redirect(url_for("auth.login"))
    return page(
        "auth/reset_password_request.html",
        title=_("Reset Password"),
        status=form.status,
        form=form,
    )


async def _promise(email: str) -> None:
    try:
        await limiting.spend(limiting.letter_claims("reset", email))
    except TooManyRequests:
        return  # In silence: who asks too often learns nothing from it either.
    key = scope.resources().secret_key
    await accounts.ask_reset(scope.session(), email, key=key, language=language())


@bp.route("/auth/reset_password/<token>", methods=["GET", "POST"])
@access.visitors_by_letter
async def reset_password(token: str) -> Any:
    """Set a new password; every login of the account ends."""
    if scope.find_viewer() is not None:
        return redirect(url_for("main.index"))
    key = scope.resources().secret_key
    async with scope.resources().database.reading() as session:
        permission = await grants.find(session, grants.RESET, token, key=key)
    if permission is None or permission.user_id is None:
        return redirect(url_for("main.index"))
    form = ResetPasswordForm()
    if request.method == "POST":
        form = await ResetPasswordForm.received()
        if form.validate() and (new := await _new_hash(form, permission.user_id)):
            done = await accounts.reset_password(
                scope.session(), permission, new, language=language()
            )
            if not done:
                return redirect(url_for("main.index"))
            audit("reset", user_id=permission.user_id, address=client.address())
            await flash(_("Your password has been reset."))
            return redirect(url_for("auth.login"))
    response = page("auth/reset_password.html", form=form)
    # The address of this page is a secret.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def _new_hash(form: ResetPasswordForm, user_id: int) -> str | None:
    password = form.text("password")
    minimum = scope.settings().accounts.password_min_length
    async with scope.resources().database.reading() as session:
        user = await users.by_id(session, user_id)
    try:
        users.check_password(password, username=user.username, minimum=minimum)
    except Invalid as refusal:
        form.show(refusal)
        return None
    return await scope.resources().hasher.hash(password)
