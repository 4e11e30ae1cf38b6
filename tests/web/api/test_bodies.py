"""Bodies: JSON, every member once, and none where nothing is taken."""

import json
import re

import pytest

from tests.cast import PASSWORD, Cast
from tests.test_laws import dump
from tests.web.api.programs import Program
from tests.web.main.test_exports import waiting  # noqa: F401 (a fixture)

JSON = {"Content-Type": "application/json"}


def operations(program: Program, *, taking: bool) -> list[tuple[str, str]]:
    """Method and path of every operation that changes something, with or without a body."""
    return [
        (method.upper(), re.sub(r"{export}", "b7f1a7f4-3f0b-4c80-bf5e-0d9a64f3a1a5", path))
        for path, methods in program.described["paths"].items()
        for method, told in methods.items()
        if method != "get" and ("requestBody" in told) is taking
    ]


def of(path: str, cast: Cast) -> str:
    return re.sub(r"{\w+}", str(cast.susan.id), path)


async def test_where_nothing_is_taken(cast: Cast, susan: Program, anybody: Program) -> None:
    """API-25, T-34: members are refused by name, and nothing is done; an empty object is nothing."""
    before = await dump(cast)
    found = operations(susan, taking=False)
    assert {("POST", "/api/exports"), ("DELETE", "/api/tokens")} < set(found)
    for method, path in found:
        sent = {"auth": ("susan", PASSWORD)} if (method, path) == ("POST", "/api/tokens") else {}
        program = anybody if sent else susan
        for body, field in (
            ({"user_id": 2}, "user_id"),
            ({"a\ud800": None}, "a?"),
            ([1], "body"),
            (None, "body"),
        ):
            answer = await program.call(method, of(path, cast), json=body, **sent)
            assert answer.status == 400, (method, path, body)
            assert [fault["field"] for fault in answer.json["errors"]] == [field]
        answer = await program.call(method, of(path, cast), form={"a": "b"}, **sent)
        assert answer.status == 415
    assert await dump(cast) == before


@pytest.mark.usefixtures("waiting")
async def test_an_empty_object_is_nothing(cast: Cast, susan: Program) -> None:
    path = f"/api/users/{cast.john.id}/follow"
    for options in (
        {},
        {"json": {}},
        {"data": "", "headers": JSON},
        {"data": " {} ", "headers": JSON},
    ):
        assert (await susan.put(path, **options)).status == 204
    assert (await susan.post("/api/exports", json={})).status == 202
    # Who may not is told that first, and who is nobody too.
    assert (await Program(susan.client.app).put(path, json={"a": 1})).status == 401


async def test_a_member_is_there_once(cast: Cast, susan: Program) -> None:
    """T-34: by every operation, also deep inside, also where unknown ones are passed over."""
    before = await dump(cast)
    for method, path in [*operations(susan, taking=True), ("DELETE", "/api/tokens")]:
        for raw, field in (
            ('{"body": "a", "body": "a"}', "body"),
            ('{"x": [{"y": 1, "z": 2, "y": 1}]}', "y"),
            ('{"about_me": "a", "\\u0061bout_me": "b"}', "about_me"),
            ('{"a\\ud800": 1, "a\\ud800": 2}', "a?"),
        ):
            answer = await susan.call(method, of(path, cast), data=raw, headers=JSON)
            assert answer.status == 400, (method, path, raw)
            (fault,) = answer.json["errors"]
            assert (fault["field"], "more than once" in fault["message"]) == (field, True)
    assert await dump(cast) == before


async def test_words_of_refusals(cast: Cast, susan: Program) -> None:
    """API-25: where the JSON ends to be some; nothing of how the service is written."""
    for raw, place in (
        ("{", "line 1, column 2"),
        ('{\n "body": "x",\n}', "line 2, column 13|line 3, column 1"),
        ("{'body': 1}", "line 1, column 2"),
        ("\ufeff{}", "line 1, column 1"),
        ("", "line 1, column 1"),
    ):
        answer = await susan.post("/api/posts", data=raw, headers=JSON)
        assert answer.status == 400
        assert re.search(f"no JSON: ({place})", answer.json["detail"]), answer.json["detail"]
    for raw in ('{"body": NaN}', f'{{"body": {"9" * 5000}}}', '{"body": -Infinity}'):
        assert "no JSON" in (await susan.post("/api/posts", data=raw, headers=JSON)).json["detail"]
    told = [
        await susan.post("/api/posts", json=[]),
        await susan.post("/api/posts", json={"body": 1, "x": 2}),
        await susan.post("/api/messages/read", json="x"),
        await susan.get("/api/posts?limit=x"),
        await susan.get("/api/posts?before=1&after=2"),
    ]
    assert {answer.status for answer in told} == {400}
    words = json.dumps([answer.json for answer in told])
    schemas = susan.described["components"]["schemas"]
    for word in ("Value error", "dictionary", "instance", "Cursors", *schemas):
        assert not re.search(rf"\b{word}\b", words.replace("Bad Request", "")), word
    assert told[0].json["detail"] == "body: A JSON object is expected"
    assert told[3].json["detail"] == "limit: a whole number is expected"
