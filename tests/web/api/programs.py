"""Programs: clients of the API that believe its description, and check every answer against it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from quart import Quart
from sqlalchemy import select, update

from microblog.domain import tokens
from microblog.models import Token, utc_now
from tests import secrecy
from tests.cast import Cast, Person

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    json: Any


class Program:
    """Calls the API with a token, or without one; knows what may be answered."""

    def __init__(self, app: Quart, token: str = "") -> None:
        self.client = app.test_client()
        self.token = token
        self.described: dict[str, Any] = app.extensions["QUART_SCHEMA"].openapi_provider.schema()
        if token:
            secrecy.spoken(token)

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.call("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Answer:
        return await self.call("POST", path, **options)

    async def put(self, path: str, **options: Any) -> Answer:
        return await self.call("PUT", path, **options)

    async def delete(self, path: str, **options: Any) -> Answer:
        return await self.call("DELETE", path, **options)

    async def call(
        self, method: str, path: str, *, address: str = "", headers: Any = None, **options: Any
    ) -> Answer:
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if address:
            options["scope_base"] = {"client": (address, 40000)}
        response = await self.client.open(
            path, method=method, headers=sent | (headers or {}), **options
        )
        raw = await response.get_data(as_text=True)
        assert not raw or "json" in response.headers["Content-Type"], (method, path, raw)
        told = json.loads(raw) if raw and method != "HEAD" else None
        found = Answer(response.status_code, lower(response.headers), told)
        self._check(method, path.partition("?")[0], found)
        return found

    def _check(self, method: str, path: str, answer: Answer) -> None:
        """The answer is one that the description tells of."""
        kind = answer.headers.get("content-type", "")
        if answer.status >= 400:
            assert kind == PROBLEM, (method, path, answer)
            assert "set-cookie" not in answer.headers
            if method != "HEAD":
                self._check_problem(answer)
        operation = self._find(method, path)
        if operation is None:
            return
        assert str(answer.status) in operation["responses"], (method, path, answer.status)
        content = operation["responses"][str(answer.status)].get("content", {})
        if answer.status < 300 and content:
            assert kind == "application/json"
            self.fits(answer.json, content["application/json"]["schema"])

    def _check_problem(self, answer: Answer) -> None:
        self.fits(answer.json, {"$ref": "#/components/schemas/Problem"})
        assert answer.json["status"] == answer.status
        assert answer.json["error"] == answer.json["title"]
        assert answer.json["message"] == answer.json["detail"]

    def _find(self, method: str, path: str) -> dict[str, Any] | None:
        for template, methods in self.described["paths"].items():
            pattern = re.sub(r"\{\w+\}", r"[0-9a-f-]+", template)
            if re.fullmatch(pattern, path):
                found: dict[str, Any] | None = methods.get(method.lower())
                return found
        return None

    def fits(self, value: Any, schema: dict[str, Any]) -> None:
        """The value is what the schema says, and holds no more."""
        if reference := schema.get("$ref"):
            schema = self.described["components"]["schemas"][reference.rpartition("/")[2]]
        if choices := schema.get("anyOf"):
            if value is None:
                assert {"type": "null"} in choices
                return
            schema = choices[0]
        if "type" not in schema:
            return
        types = {"object": dict, "array": list, "string": str, "integer": int}
        types |= {"number": float, "boolean": bool}
        assert type(value) is types[schema["type"]], (value, schema)
        if "enum" in schema:
            assert value in schema["enum"]
        for member in value if schema["type"] == "array" else ():
            self.fits(member, schema["items"])
        if schema["type"] == "object":
            assert set(schema["required"]) <= set(value) <= set(schema["properties"]), value
            for name, member in value.items():
                self.fits(member, schema["properties"][name])


async def login_token(cast: Cast, person: Person) -> str:
    """The token of an hour, without a password."""
    async with cast.resources.database.begin() as session:
        opened = await tokens.open_login(session, person.id, key=cast.resources.secret_key)
    secrecy.spoken(opened.token)
    return opened.token


async def personal_token(cast: Cast, person: Person, *scopes: str) -> str:
    async with cast.resources.database.begin() as session:
        token = await tokens.make(session, person.actor, "a program", scopes, days=7)
    secrecy.spoken(token)
    return token


async def age(cast: Cast, seconds: float) -> None:
    """Let time pass for every token."""
    async with cast.resources.database.begin() as session:
        for token in await session.scalars(select(Token)):
            token.created_at -= timedelta(seconds=seconds)
            token.expires_at -= timedelta(seconds=seconds)


async def leave(cast: Cast, seconds: float) -> None:
    """Leave every token only so many seconds."""
    async with cast.resources.database.begin() as session:
        ends = utc_now() + timedelta(seconds=seconds)
        await session.execute(update(Token).values(expires_at=ends))


def names(items: Iterable[dict[str, Any]]) -> list[str]:
    return [item["username"] for item in items]


def lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
