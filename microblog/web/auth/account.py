"""One's own account: password, address, words, logins, and the way out."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from quart import flash, redirect, url_for

from microblog import i18n
from microblog.domain import accounts, archives, tasks, tokens, users
from microblog.domain.errors import Invalid
from microblog.i18n import gettext as _
from microblog.i18n import language
from microblog.logs import audit
from microblog.web import access, boxes, identity, limiting, scope
from microblog.web.auth.blueprint import bp
from microblog.web.auth.forms import (
    ChangeAddressForm,
    ChangePasswordForm,
    DeleteAccountForm,
    MakeTokenForm,
    ReadingForm,
    WordsForm,
)
from microblog.web.forms import PageForm
from microblog.web.rendering import page

_TASKS_SHOWN = 5


@bp.get("/account")
@access.members
async def account() -> Any:
    """Everything about one's account."""
    return await show()


@bp.post("/account/password")
@access.members_unconfirmed_too
async def change_password() -> Any:
    """A new password; this browser stays logged in, all others do not."""
    form = await ChangePasswordForm.received()
    if not form.validate() or not await knows_password(form):
        return await show(password=form)
    actor, new = scope.viewer(), form.text("password")
    minimum = scope.settings().accounts.password_min_length
    try:
        users.check_password(new, username=actor.username, minimum=minimum)
    except Invalid as refusal:
        form.show(refusal)
        return await show(password=form)
    password_hash = await scope.resources().hasher.hash(new)
    await accounts.change_password(scope.session(), actor, password_hash, language=language())
    await identity.log_in(actor.id, remember=False)
    audit("password change", user_id=actor.id)
    await flash(_("Your password has been changed. Every other login has ended."))
    return redirect(url_for("auth.account"))


@bp.post("/account/address")
@access.members_unconfirmed_too
async def change_address() -> Any:
    """Another address, once the letter that goes there is answered."""
    form = await ChangeAddressForm.received()
    if not form.validate() or not await knows_password(form):
        return await show(address=form)
    actor = scope.viewer()
    try:
        await limiting.spend(limiting.letter_claims("address", str(actor.id)))
        await accounts.ask_new_address(
            scope.session(),
            actor,
            form.text("email"),
            key=scope.resources().secret_key,
            language=language(),
        )
    except Invalid as refusal:
        form.show(refusal)
        return await show(address=form)
    await flash(_("We have sent a letter to the new address. Please follow the link in it."))
    return redirect(url_for("auth.account"))


@bp.post("/account/words")
@access.members_unconfirmed_too
async def change_words() -> Any:
    """The language and the time zone."""
    form = _words(await WordsForm.received())
    if not form.validate():
        return await show(words=form)
    await accounts.speak(
        scope.session(),
        scope.viewer(),
        language=form.text("language") or None,
        time_zone=form.text("time_zone") or None,
    )
    if form.text("language"):
        i18n.speak(form.text("language"))
    await flash(_("Your changes have been saved."))
    return redirect(url_for("auth.account"))


@bp.post("/account/logins/<int(max=2147483647):login_id>/end")
@access.members_unconfirmed_too
async def end_login(login_id: int) -> Any:
    """End one login, on whatever device it is."""
    await accounts.end_login(scope.session(), scope.viewer(), login_id)
    await flash(_("That login has ended."))
    return redirect(url_for("auth.account"))


@bp.post("/account/logins/end")
@access.members_unconfirmed_too
async def end_all_logins() -> Any:
    """Log out everywhere, here too."""
    await accounts.end_all_logins(scope.session(), scope.viewer())
    identity.forget_login()
    await flash(_("You are logged out everywhere."))
    return redirect(url_for("auth.login"))


@bp.post("/account/delete")
@access.members_unconfirmed_too
async def delete_account() -> Any:
    """Go, and take everything along."""
    form = await DeleteAccountForm.received()
    if not form.validate() or not await knows_password(form):
        return await show(delete=form)
    await accounts.close(scope.session(), scope.viewer())
    audit("delete", user_id=scope.viewer().id)
    identity.forget_login()
    await flash(_("Your account and everything you wrote are deleted."))
    return redirect(url_for("auth.login"))


async def show(*, new_token: str = "", **sent: PageForm) -> Any:
    """The page, with the form that was sent and refused, if one was, or with a token just made."""
    actor = scope.viewer()
    user = await users.by_id(scope.session(), actor.id)
    spoken = {"language": user.language or "", "time_zone": user.time_zone or ""}
    forms: dict[str, PageForm] = {
        "password": ChangePasswordForm(),
        "address": ChangeAddressForm(),
        "words": _words(WordsForm(data=spoken)),
        "reading": ReadingForm.of(actor),
        "token": MakeTokenForm(),
        "delete": DeleteAccountForm(),
    }
    status = next((form.status for form in sent.values()), 200)
    return page(
        "auth/account.html",
        status=status,
        title=_("Account"),
        email=user.email,
        is_translating=not scope.resources().interpreter.is_off,
        logins=await accounts.logins(scope.session(), actor),
        archives=await archives.of_actor(scope.session(), actor),
        tasks=await tasks.of_actor(scope.session(), actor, limit=_TASKS_SHOWN),
        is_exporting=boxes.has(tasks.EXPORT_POSTS),
        import_bytes=scope.settings().archives.import_bytes,
        tokens=await tokens.personal(scope.session(), actor),
        new_token=new_token,
        forms=forms | sent,
    )


def _words(form: WordsForm) -> WordsForm:
    as_browser = ("", _("As my browser says"))
    offered = scope.settings().languages.offered
    form.language.choices = [as_browser, *((code, i18n.autonym(code)) for code in offered)]
    form.time_zone.choices = [as_browser, *((zone, zone.replace("_", " ")) for zone in _zones())]
    return form


@cache
def _zones() -> list[str]:
    # Looking for them opens hundreds of files.
    return sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")


async def knows_password(form: PageForm) -> bool:
    """Ask for the present password once more; guesses count as at the login."""
    claims = limiting.login_claims(scope.viewer().username)
    await limiting.spend(claims)
    async with scope.resources().database.reading() as session:
        found = await users.find_credentials(session, scope.viewer().username)
    typed = form.text("old_password")
    if not await scope.resources().hasher.verify(found.password_hash, typed):
        form.show(Invalid("This is not your password.", field="old_password"))
        return False
    # By itself, as what follows (a hash, an allowance) must not wait in this request's transaction.
    async with scope.resources().database.begin() as session:
        await limiting.give_back(session, claims)
    return True
