"""An operation of the API: whom it is for, what it takes, everything that it may answer.

What is declared here is checked when a request comes and told in the description, so that the two
cannot differ.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from quart import request
from quart_schema import (
    RequestSchemaValidationError,
    document_querystring,
    document_request,
    document_response,
    validate_response,
)

from microblog.domain.errors import Invalid
from microblog.web import access
from microblog.web.api import bodies, repeating
from microblog.web.api.serialization import Serialized
from microblog.web.api.shapes import NoQuery
from microblog.web.scope import SAFE_METHODS

View = TypeVar("View", bound=Callable[..., Awaitable[Any]])

BEARER, BASIC, ANYBODY = "bearer", "basic", "anybody"
# Every operation may answer these: nonsense, too slow a body, too large a one or a head, too much
# asked, a stumble.
_ALWAYS = (400, 408, 413, 414, 415, 421, 429, 431, 500, 503)


@dataclass(frozen=True, slots=True)
class Operation:
    """What is told about an operation besides what its types say."""

    group: str
    security: str
    scope: str | None
    empty: tuple[int, ...]
    refuses: tuple[int, ...]
    headers: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    is_deprecated: bool = False
    file: str = ""
    is_repeatable: bool = False
    is_body_optional: bool = False


def operation(
    group: str,
    *,
    answers: Mapping[int, type[BaseModel] | None],
    scope: str | None = None,
    security: str = BEARER,
    query: type[BaseModel] = NoQuery,
    body: type[BaseModel] | None = None,
    bodiless: bool = False,
    missing: str = "",
    before: Callable[..., None] | None = None,
    prepare: Callable[..., Awaitable[Any]] | None = None,
    repeatable: bool = False,
    refuses: tuple[int, ...] = (),
    headers: Mapping[int, tuple[str, ...]] | None = None,
    is_deprecated: bool = False,
    file: str = "",
) -> Callable[[View], View]:
    """Make a view an operation.

    ``scope`` is what the token must permit, where ``security`` asks for one, with blanks between
    where it is several things. ``answers`` gives the shape of each success, ``None`` for one
    without a body; ``refuses`` the statuses of this operation besides those that every one may
    answer; ``headers`` the names of what stands beside an answer. The view gets ``query`` as
    ``query_args`` and ``body`` as ``data``; with ``bodiless`` a request without JSON counts as one
    with an empty object, and ``missing`` is said where members are missing. ``before`` gets what is
    in the path, and may refuse before anything else is looked at. With ``file`` the answer 200,
    which has no shape, is a file of that type, and nobody is to keep it.

    What is ``repeatable`` is done once for each idempotency key (:mod:`.repeating`); the view asks
    for a token, and writes in the request's own unit of work. The key is claimed before it runs,
    which on SQLite takes the write lock: what takes time is for ``prepare``, which runs ahead with
    the same arguments, and gives the view its result as ``prepared``.
    """
    if repeatable and security != BEARER:
        raise TypeError("idempotency keys are counted by person")

    def decorate(view: View) -> View:
        made: Any = _checked(view, answers)
        made = repeating.repeatable(made) if repeatable else made
        made = made if prepare is None else _prepared(made, prepare)
        made = made if query is not NoQuery else _without_query(made)
        made = document_querystring(query)(_with_query(made, query))
        if body is None:
            made = _without_body(made)
        else:
            made = document_request(body)(
                _with_body(made, body, bodiless=bodiless, missing=missing)
            )
        made = made if before is None else _after(made, before)
        conflict = (409,) if repeatable else ()
        made.operation = Operation(
            group,
            security,
            scope,
            tuple(status for status, shape in answers.items() if shape is None),
            tuple(sorted({*_ALWAYS, *_of_security(security), *conflict, *refuses})),
            _beside(headers or {}, answers) if repeatable else headers or {},
            is_deprecated,
            file,
            repeatable,
            bodiless and body is not None and not body.model_json_schema().get("required"),
        )
        guard = (
            access.programs(scope or access.ANY_TOKEN) if security == BEARER else access.machines
        )
        return guard(made)  # type: ignore[no-any-return]  # the decorators keep the view's own shape

    return decorate


def _of_security(security: str) -> tuple[int, ...]:
    return {BEARER: (401, 403), BASIC: (401,), ANYBODY: ()}[security]


def _beside(
    headers: Mapping[int, tuple[str, ...]], answers: Iterable[int]
) -> dict[int, tuple[str, ...]]:
    more = dict.fromkeys(answers, repeating.REPLAYED) | {409: "Retry-After"}
    return {**headers, **{status: (*headers.get(status, ()), more[status]) for status in more}}


def _checked(view: View, answers: Mapping[int, type[BaseModel] | None]) -> View:
    """Have answers checked, but those that were when they were serialized."""

    async def given(answer: Any) -> Any:
        return answer

    check: Any = given
    for status, shape in answers.items():
        if shape is not None:
            view = document_response(shape, status)(view)
            check = validate_response(shape, status)(check)

    @wraps(view)
    async def run(**named: Any) -> Any:
        answer = await view(**named)
        return answer if isinstance(answer, Serialized) else await check(answer)

    return run  # type: ignore[return-value]  # the same view, looked at


def _prepared(view: View, prepare: Callable[..., Awaitable[Any]]) -> View:
    @wraps(view)
    async def run(**named: Any) -> Any:
        return await view(prepared=await prepare(**named), **named)

    return run  # type: ignore[return-value]  # the same view, asked differently


def _without_query(view: View) -> View:
    @wraps(view)
    async def run(*, query_args: NoQuery, **named: Any) -> Any:  # noqa: ARG001 (looked at, and empty)
        return await view(**named)

    return run  # type: ignore[return-value]  # the same view, asked differently


def _with_query(view: View, shape: type[BaseModel]) -> View:
    # As quart-schema does it, which builds what checks anew for each request.
    @wraps(view)
    async def run(**named: Any) -> Any:
        asked = request.args.lists()
        sent = {name: each if len(each) > 1 else each[0] for name, each in asked}
        try:
            query = shape.model_validate(sent)
        except ValidationError as error:
            raise RequestSchemaValidationError(error) from error
        return await view(query_args=query, **named)

    return run  # type: ignore[return-value]  # the same view, asked differently


def _with_body(view: View, shape: type[BaseModel], *, bodiless: bool, missing: str) -> View:
    @wraps(view)
    async def run(**named: Any) -> Any:
        try:
            data = shape.model_validate(await bodies.read(bodiless=bodiless))
        except ValidationError as error:
            absent = [one["loc"][0] for one in error.errors() if one["type"] == "missing"]
            if missing and absent:
                raise Invalid(missing, field=str(absent[0])) from error
            raise RequestSchemaValidationError(error) from error
        return await view(data=data, **named)

    return run  # type: ignore[return-value]  # the same view, asked differently


def _without_body(view: View) -> View:
    @wraps(view)
    async def run(**named: Any) -> Any:
        # Who asks for a token without a name is told to say one, whatever else was sent.
        is_nobody = "Authorization" not in request.headers
        if request.method not in SAFE_METHODS and not is_nobody:
            await bodies.refuse_members()
        return await view(**named)

    return run  # type: ignore[return-value]  # the same view, asked differently


def _after(view: View, before: Callable[..., None]) -> View:
    @wraps(view)
    async def run(**named: Any) -> Any:
        before(**named)
        return await view(**named)

    return run  # type: ignore[return-value]  # the same view, asked differently
