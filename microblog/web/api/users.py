"""People: one, all, who follows whom, a new one, and changes of one's own account."""

from typing import Any

from quart import request

from microblog import i18n
from microblog.domain import accounts, directory, tokens, users
from microblog.domain.errors import EmailTaken, Invalid, NotAllowed, UsernameTaken
from microblog.logs import audit
from microblog.web import limiting, registration, scope
from microblog.web.api.blueprint import bp
from microblog.web.api.collections import Paging, Users, enveloped
from microblog.web.api.operations import ANYBODY, operation
from microblog.web.api.people import ChangedUser, NewUser, User, shown

GROUP = "users"
# The words of the first version of this API.
MISSING = "must include username, email and password fields"
_TAKEN: dict[type[Invalid], str] = {
    UsernameTaken: "please use a different username",
    EmailTaken: "please use a different email address",
}
_NOT_YOURS = "You may change your own account only."
_NO_PASSWORD = "Another address wants a token that was opened with the password."  # noqa: S105


@bp.get("/users/<id:user_id>")
@operation(GROUP, scope=tokens.READ, answers={200: User}, refuses=(404,))
async def get_user(user_id: int) -> Any:
    """A person."""
    entry = await directory.by_id(scope.session(), user_id)
    return shown(entry, to=scope.viewer().id)


@bp.get("/users")
@operation(GROUP, scope=tokens.READ, query=Paging, answers={200: Users})
async def get_users(query_args: Paging) -> Any:
    """Everybody."""
    found = await directory.everybody(scope.session(), query_args.page, size=query_args.size)
    return enveloped(found, "/api/users", query_args, to=scope.viewer().id)


@bp.get("/users/<id:user_id>/followers")
@operation(GROUP, scope=tokens.READ, query=Paging, answers={200: Users}, refuses=(404,))
async def get_followers(user_id: int, query_args: Paging) -> Any:
    """Those who read a person."""
    return await _followers(user_id, query_args)


@bp.get("/users/<id:user_id>/following")
@operation(GROUP, scope=tokens.READ, query=Paging, answers={200: Users}, refuses=(404,))
async def get_following(user_id: int, query_args: Paging) -> Any:
    """Those whom a person reads."""
    return await _following(user_id, query_args, "following")


@bp.get("/users/<id:user_id>/followed")
@operation(
    GROUP,
    scope=tokens.READ,
    query=Paging,
    answers={200: Users},
    refuses=(404,),
    is_deprecated=True,
)
async def get_followed(user_id: int, query_args: Paging) -> Any:
    """Those whom a person reads, under its old name."""
    return await _following(user_id, query_args, "followed")


async def _followers(user_id: int, paging: Paging) -> Users:
    found = await directory.followers(scope.session(), user_id, paging.page, size=paging.size)
    path = f"/api/users/{user_id}/followers"
    return enveloped(found, path, paging, to=scope.viewer().id)


async def _following(user_id: int, paging: Paging, name: str) -> Users:
    found = await directory.following(scope.session(), user_id, paging.page, size=paging.size)
    path = f"/api/users/{user_id}/{name}"
    return enveloped(found, path, paging, to=scope.viewer().id)


@bp.post("/users")
@operation(
    GROUP,
    security=ANYBODY,
    body=NewUser,
    bodiless=True,
    missing=MISSING,
    answers={201: User},
    refuses=(403,),
    headers={201: ("Location",)},
)
async def create_user(data: NewUser) -> Any:
    """Open an account.

    Where the service wants addresses confirmed, a letter goes to this one. A service may be closed
    to newcomers. Nobody has a token yet, so an `Idempotency-Key` is not looked at: sent again, the
    name is taken.
    """
    try:
        user_id = await registration.open_account(
            data.username, data.email, data.password, language=_letter_language()
        )
    except Invalid as refusal:
        raise _in_known_words(refusal) from refusal
    entry = await directory.by_id(scope.session(), user_id)
    return shown(entry, to=None), 201, {"Location": f"/api/users/{user_id}"}


def _only_oneself(user_id: int) -> None:
    if user_id != scope.viewer().id:
        raise NotAllowed(_NOT_YOURS)


@bp.put("/users/<id:user_id>")
@operation(
    GROUP,
    scope=tokens.WRITE,
    body=ChangedUser,
    before=_only_oneself,
    answers={200: User},
    refuses=(404,),
)
async def update_user(user_id: int, data: ChangedUser) -> Any:
    """Change one's own account."""
    try:
        if "email" in data.model_fields_set:
            await _change_address(data.email)
        await limiting.spend_write(scope.viewer())
        await _change_profile(data)
    except Invalid as refusal:
        raise _in_known_words(refusal) from refusal
    return shown(await directory.by_id(scope.session(), user_id), to=user_id)


async def _change_profile(data: ChangedUser) -> None:
    actor = scope.viewer()
    present = await users.by_id(scope.session(), actor.id)

    def wished(name: str) -> str:
        return str(getattr(data if name in data.model_fields_set else present, name))

    await users.edit_profile(
        scope.session(),
        actor,
        username=wished("username"),
        about_me=wished("about_me"),
        display_name=wished("display_name"),
        about_me_length=scope.settings().accounts.about_me_length,
    )


async def _change_address(email: str) -> None:
    """As the page does it, which asks for the password: so only a token that was opened by it."""
    actor = scope.viewer()
    async with scope.resources().database.reading() as session:
        if accounts.has_address(await users.by_id(session, actor.id), email):
            return
    if tokens.ACCOUNT not in actor.scopes:
        raise NotAllowed(_NO_PASSWORD)
    about = {"key": scope.resources().secret_key, "language": _letter_language()}
    if scope.settings().accounts.confirm_email == "off":
        await accounts.replace_address(scope.session(), actor, email, **about)
        audit("address change", user_id=actor.id)
        return
    await limiting.spend(limiting.letter_claims("address", str(actor.id)))
    await accounts.ask_new_address(scope.session(), actor, email, **about)


def _in_known_words(refusal: Invalid) -> Invalid:
    words = _TAKEN.get(type(refusal), refusal.message)
    return Invalid(words, field=refusal.field, **refusal.values)


def _letter_language() -> str:
    # The API itself speaks English; a letter speaks to a person.
    return i18n.choose(scope.settings().languages.offered, request.headers.get("Accept-Language"))
