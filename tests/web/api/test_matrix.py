"""Who may do what: every operation of the description, called by everybody."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import delete, update

from microblog.domain import archives, tasks, tokens, users
from microblog.models import Task, Token, utc_now
from tests import secrecy, translators
from tests.cast import PASSWORD, Cast, Person
from tests.web.api.programs import login_token, personal_token

ABSENT = 2_000_000_000
ABSENT_TASK = "b7f1a7f4-3f0b-4c80-bf5e-0d9a64f3a1a5"
BASIC = {"auth": ("susan", PASSWORD)}
EVERY = frozenset(tokens.SCOPES)
SCOPES = (*(frozenset({scope}) for scope in tokens.SCOPES), frozenset({"read", "messages"}), EVERY)


@dataclass(frozen=True)
class Call:
    """How susan calls an operation so that it succeeds.

    ``made`` makes what it is about, and gives its id. What is ``own`` is nobody else's business:
    to others it is not there, or with ``refusal`` as it says.
    """

    status: int = 200
    made: Callable[[Cast], Awaitable[Any]] | None = None
    absent: Any = ABSENT
    query: str = ""
    body: Any = None
    own: bool = False
    refusal: int = 404


async def susan(cast: Cast) -> int:
    return cast.susan.id


async def mary(cast: Cast) -> int:
    """Somebody whom both may follow."""
    return cast.mary.id


async def a_post(cast: Cast) -> int:
    return await cast.publish(cast.susan, "hello")


async def a_message(cast: Cast) -> int:
    return await cast.write(cast.mary, cast.susan, "between us")


async def nothing_under_way(cast: Cast) -> None:
    async with cast.resources.database.begin() as session:
        await session.execute(delete(Task).where(Task.name == tasks.EXPORT_POSTS))


async def an_export(cast: Cast) -> str:
    await nothing_under_way(cast)
    async with cast.resources.database.begin() as session:
        return await tasks.launch(session, cast.susan.actor, tasks.EXPORT_POSTS, language="en")


async def an_archive(cast: Cast) -> str:
    task_id = await an_export(cast)
    shelf, name = cast.resources.archives, task_id.replace("-", "") + "0" * 16
    shelf.folder()
    shelf.path(name).write_bytes(b"PK")
    async with cast.resources.database.begin() as session:
        await archives.offer(session, cast.susan.id, task_id, name, size=2, posts=0, days=1)
    return task_id


# A new operation gets a line here; without one the first test below fails.
CALLS: dict[str, Call] = {
    "create_token": Call(),
    "revoke_token": Call(204),
    "create_user": Call(201, body={"username": "", "email": "", "password": "a good password"}),
    "get_user": Call(made=susan),
    "get_users": Call(query="page=1"),
    "get_followers": Call(made=susan),
    "get_following": Call(made=susan),
    "get_followed": Call(made=susan),
    "update_user": Call(made=susan, body={"about_me": "x"}, own=True, refusal=403),
    "follow_user": Call(204, made=mary),
    "unfollow_user": Call(204, made=mary),
    "get_timeline": Call(),
    "get_posts": Call(query="limit=1"),
    "get_posts_of_user": Call(made=susan),
    "create_post": Call(201, body={"body": "hello"}),
    "get_post": Call(made=a_post),
    "update_post": Call(made=a_post, body={"body": "hello again"}, own=True),
    "delete_post": Call(204, made=a_post, own=True),
    "translate_post": Call(made=a_post, body={"dest_language": "es"}),
    "search_posts": Call(query="q=hello"),
    "get_messages": Call(),
    "create_message": Call(201, body={"recipient": "mary", "body": "hello"}),
    "read_messages": Call(204, body={}),
    "get_message": Call(made=a_message, own=True),
    "delete_message": Call(204, made=a_message, own=True),
    "get_notifications": Call(),
    "get_exports": Call(),
    "create_export": Call(202, made=nothing_under_way),
    "get_export": Call(made=an_export, absent=ABSENT_TASK, own=True),
    "cancel_export": Call(204, made=an_export, absent=ABSENT_TASK, own=True),
    "get_archive": Call(made=an_archive, absent=ABSENT_TASK, own=True),
}


@dataclass(frozen=True)
class Described:
    """An operation as the description tells of it; ``security`` names who is asked for what."""

    name: str
    method: str
    path: str
    security: dict[str, list[str]]
    statuses: frozenset[str]


def described(app: Quart) -> list[Described]:
    whole = app.extensions["QUART_SCHEMA"].openapi_provider.schema()
    return [
        Described(
            told["operationId"],
            method.upper(),
            path,
            dict(pair for one in told.get("security", ()) for pair in one.items()),
            frozenset(told["responses"]),
        )
        for path, methods in whole["paths"].items()
        for method, told in methods.items()
    ]


def test_every_operation_has_a_line_in_the_matrix(app: Quart) -> None:
    """What is in the url map is described, or one of the two pages of the description itself."""
    operations = described(app)
    named = {operation.name for operation in operations}
    assert named - CALLS.keys() == set(), "tell in CALLS how these operations are called"
    assert CALLS.keys() - named == set(), "CALLS has operations that there are no more"
    paths = {(re.sub(r"{(\w+)}", r"<\1>", one.path), one.method) for one in operations}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api") and rule.endpoint not in ("api.openapi", "api.docs"):
            path = re.sub(r"<\w+:(\w+)>", r"<\1>", rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                assert (path, method) in paths, f"{method} {path} is not in the description"
    for one in operations:
        assert "{" not in one.path or "404" in one.statuses, f"{one.name} has ids and no 404"
        assert ("404" in one.statuses) or not CALLS[one.name].own


class Matrix:
    """Everybody who calls; susan's objects are made anew for each call."""

    def __init__(self, app: Quart, cast: Cast) -> None:
        self.app, self.cast = app, cast
        self.count = 0
        self.tokens: dict[Any, str] = {}

    async def holding(
        self, operation: Described, person: Person, scopes: frozenset[str]
    ) -> dict[str, Any]:
        """A personal token with these scopes."""
        if operation.name == "revoke_token":
            return bearer(await personal_token(self.cast, person, *scopes))
        key = (person.id, scopes)
        if key not in self.tokens:
            self.tokens[key] = await personal_token(self.cast, person, *scopes)
        return bearer(self.tokens[key])

    async def ask(
        self, operation: Described, *, absent: bool = False, **options: Any
    ) -> tuple[int, str]:
        """Status and body of an answer, which is described, and which no cookie comes with."""
        call = CALLS[operation.name]
        made = await call.made(self.cast) if call.made else None
        subject = str(call.absent if absent else made)
        path = re.sub(r"{\w+}", subject, operation.path) + (f"?{call.query}" if call.query else "")
        if (body := self._body(operation.name)) is not None:
            options["json"] = body
        response = await self.client(options).open(path, method=operation.method, **options)
        status = str(response.status_code)
        assert status in operation.statuses, (operation.name, status)
        assert "Set-Cookie" not in response.headers
        text = (await response.get_data()).decode("utf-8", "replace")
        return response.status_code, text.replace(subject, "…") if "{" in operation.path else text

    def client(self, options: dict[str, Any]) -> Any:
        cookie = options.pop("cookie_of", None)
        return cookie.browser.client if cookie else self.app.test_client()

    def _body(self, name: str) -> Any:
        body = CALLS[name].body
        if name == "create_user":
            self.count += 1
            return {**body, "username": f"n{self.count}", "email": f"n{self.count}@example.com"}
        return body


def bearer(token: str) -> dict[str, Any]:
    secrecy.spoken(token)
    return {"headers": {"Authorization": f"Bearer {token}"}}


@pytest.fixture
async def translator(environment: dict[str, str]) -> AsyncIterator[None]:
    """Somebody who translates, and nobody who packs: exports stay as they are made here."""
    async with translators.translation_service() as service:
        environment |= translators.environ(service)
        environment["MICROBLOG_JOBS_INSIDE"] = "0"
        yield


@pytest.fixture
async def matrix(translator: None, app: Quart, cast: Cast) -> Matrix:
    async with cast.resources.database.begin() as session:
        row = await users.by_id(session, cast.susan.id)
        row.password_hash = await cast.resources.hasher.hash(PASSWORD)
    return Matrix(app, cast)


async def without_a_right(cast: Cast) -> dict[str, dict[str, Any]]:
    """Those who are nobody: by what they send instead of a token that holds."""
    old = await personal_token(cast, cast.susan, *tokens.SCOPES)
    revoked = await personal_token(cast, cast.susan, *tokens.SCOPES)
    async with cast.resources.database.begin() as session:
        await session.execute(
            update(Token)
            .where(Token.secret_hash == tokens._digest(old))
            .values(expires_at=utc_now() - timedelta(seconds=1))
        )
        await session.execute(delete(Token).where(Token.secret_hash == tokens._digest(revoked)))
        await users.disable(session, await users.by_id(session, cast.david.id))
    kept_out = await personal_token(cast, cast.david, *tokens.SCOPES)
    return {
        "nobody": {},
        "an expired token": bearer(old),
        "a revoked token": bearer(revoked),
        "a disabled person's token": bearer(kept_out),
        "a cookie": {"cookie_of": cast.susan},
        "the token of a cookie": bearer("mb_" + "x" * 43),
    }


def expected(operation: Described, scopes: frozenset[str]) -> int:
    """What somebody gets whose token permits this and who may see what it is about."""
    if "basic" in operation.security:
        return 401
    needed = set(operation.security.get("bearer", ()))
    return CALLS[operation.name].status if needed <= scopes else 403


async def test_the_matrix(matrix: Matrix) -> None:
    """T-21, T-25, T-33, T-38: only those who may, with a token that permits it, and nobody else."""
    cast, cells = matrix.cast, 0
    strangers = await without_a_right(cast)
    for operation in described(matrix.app):
        call, security = CALLS[operation.name], operation.security
        cells += len(strangers)
        for who, sent in strangers.items():
            status, _ = await matrix.ask(operation, **dict(sent))
            assert status == (401 if security else call.status), (operation.name, who)
        if "basic" in security:
            assert (await matrix.ask(operation, **BASIC))[0] == call.status
        for scopes in SCOPES:
            sent = await matrix.holding(operation, cast.susan, scopes)
            status, _ = await matrix.ask(operation, **sent)
            assert status == expected(operation, scopes), (operation.name, scopes)
            cells += 1
        sent = bearer(await login_token(cast, cast.susan))
        status, _ = await matrix.ask(operation, **sent)
        assert status == expected(operation, EVERY), operation.name
        await others(matrix, operation)
    assert cells > 250


async def others(matrix: Matrix, operation: Described) -> None:
    """Another person is told what somebody is told who asks for what is not there."""
    call, sent = CALLS[operation.name], await matrix.holding(operation, matrix.cast.john, EVERY)
    status, foreign = await matrix.ask(operation, **sent)
    if not call.own:
        assert status == expected(operation, EVERY), operation.name
    else:
        assert status == call.refusal, operation.name
        again, absent = await matrix.ask(operation, absent=True, **sent)
        assert (again, absent) == (status, foreign), operation.name
        assert json.loads(foreign)["status"] == status
    if "{" in operation.path:
        # Susan herself learns no more about what is not there.
        mine = await matrix.holding(operation, matrix.cast.susan, EVERY)
        nowhere, _ = await matrix.ask(operation, absent=True, **mine)
        assert nowhere == (call.refusal if call.own else 404), operation.name
