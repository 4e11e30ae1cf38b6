"""Posts that are written as JSON once: what is kept says what would be said without it."""

import json
from typing import Any

from quart import Quart

from microblog.domain import posts
from microblog.live import wire
from microblog.web.api import serialization
from microblog.web.api.serialization import Text, Texts
from tests.cast import Cast
from tests.web.api.programs import Program, personal_token

_ODD = 'A & B < "C"\n\u2028 https://example.com/?a=1&b=2 \U0001f600 \\u0041'
# The same posts under several addresses: what was asked for is in the links.
_PATHS = (
    "/api/timeline",
    "/api/timeline?limit=25",
    "/api/timeline?limit=1",
    "/api/timeline?limit=01",
    "/api/posts",
    "/api/posts?limit=25",
    "/api/posts?before=3",
    "/api/posts?after=1",
    "/api/users/1/posts",
    "/api/users/2/posts",
    "/api/users/2/posts?limit=25",
    "/api/posts/1",
    "/api/posts/2",
)


def _with(app: Quart, texts: Texts) -> Texts:
    app.extensions[serialization.EXTENSION] = texts
    return texts


async def _raw(app: Quart, token: str, path: str) -> tuple[str, str, str]:
    """What is sent, its tag, and where it leads on to."""
    sent = {"Authorization": f"Bearer {token}"}
    response = await app.test_client().get(path, headers=sent)
    assert response.status_code == 200
    text: str = await response.get_data(as_text=True)
    return text, response.headers["ETag"], response.headers.get("Link", "")


async def test_a_kept_text_is_the_text(cast: Cast, app: Quart) -> None:
    """Each reader's own, whatever was read before by whom; and as if nothing were kept."""
    await cast.follow(cast.john, cast.susan)
    for person, body in ((cast.susan, _ODD), (cast.susan, "again"), (cast.john, "hola")):
        await cast.publish(person, body)
    readers = [await personal_token(cast, who, "read") for who in (cast.susan, cast.john)]
    seen: dict[tuple[str, str], set[tuple[str, str, str]]] = {}
    for texts in (Texts(0), Texts(), None, Texts(2000), Texts(0)):
        if texts is not None:
            _with(app, texts)
        for token in readers:
            for path in _PATHS:
                seen.setdefault((token, path), set()).add(await _raw(app, token, path))
    assert [asked for asked, texts in seen.items() if len(texts) != 1] == []
    for (_, path), ((text, _, _),) in seen.items():
        told = json.loads(text)
        assert text == json.dumps(told, sort_keys=True, separators=(",", ":")) + "\n"
        if "items" in told:
            assert told["_links"]["self"] == path.replace("=01", "=1")
    timelines = {next(iter(texts)) for (_, path), texts in seen.items() if "timeline" in path}
    assert len(timelines) == 6


async def test_it_is_what_goes_over_the_wire(cast: Cast, susan: Program) -> None:
    await cast.publish(cast.susan, _ODD)
    await cast.publish(cast.john, "a word", language="")
    async with cast.resources.database.reading() as session:
        found = [await posts.by_id(session, number) for number in (2, 1)]
    shapes: list[Any] = [json.loads(json.dumps(wire.post_shape(post))) for post in found]
    for _ in range(2):
        assert (await susan.get("/api/posts")).json["items"] == shapes
        assert [(await susan.get(f"/api/posts/{n}")).json for n in (2, 1)] == shapes


async def test_what_changes_is_seen_at_once(cast: Cast, susan: Program) -> None:
    """Other words, another name, gone: nobody is shown what was kept; what comes back is right."""
    await cast.publish(cast.susan, "the first")
    number = await cast.publish(cast.john, "the second")
    john = cast.john.browser

    async def read() -> list[tuple[str, str]]:
        answer = await susan.get("/api/posts")
        for item in answer.json["items"]:
            assert (await susan.get(f"/api/posts/{item['id']}")).json == item
        again = await susan.get("/api/posts", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status == 304
        return [(item["body"], item["author"]["username"]) for item in answer.json["items"]]

    first = ("the first", "susan")
    assert await read() == [("the second", "john"), first]
    await john.submit(f"/post/{number}/edit", post="better words")
    assert await read() == [("better words", "john"), first]
    await john.submit("/edit_profile", username="johnny", about_me="", display_name="")
    assert await read() == [("better words", "johnny"), first]
    await john.submit(f"/post/{number}/edit", post="the second")
    assert await read() == [("the second", "johnny"), first]
    await john.submit(f"/post/{number}/edit", f"/post/{number}/delete")
    assert await read() == [first]
    assert (await susan.get(f"/api/posts/{number}")).status == 404


async def test_a_list_goes_with_what_memory_held(cast: Cast, app: Quart, susan: Program) -> None:
    """However often somebody writes, there is one text of each list that is asked for."""
    texts, paths = _with(app, Texts()), ("/api/posts", "/api/posts?limit=25", "/api/timeline")
    for number in range(1, 5):
        await cast.publish(cast.susan, f"the same {number}")
        for path in paths:
            items = (await susan.get(path)).json["items"]
            assert [item["id"] for item in items] == list(range(number, 0, -1))
        # One of each post, one of each list: memory has let go of what the lists were before.
        assert len(texts) == number + len(paths)
    kept = texts.size
    cast.resources.memory.kept.forget(cast.resources.memory.kept.position)
    assert (len(texts), texts.size < kept) == (4, True)


async def test_lists_that_memory_does_not_hold_are_told_all_the_same(
    cast: Cast, app: Quart, susan: Program
) -> None:
    """Where memory may not be used, nothing is left of a list when it is sent."""
    texts = _with(app, Texts())
    cast.resources.memory.is_on = False
    await cast.publish(cast.susan, "a word")
    for path in ("/api/posts", "/api/timeline", f"/api/users/{cast.susan.id}/posts"):
        assert [item["body"] for item in (await susan.get(path)).json["items"]] == ["a word"]
    assert len(texts) == 1


def test_what_was_not_used_for_longest_goes() -> None:
    """By size; a text that is too large by itself is not kept, and takes nothing with it."""
    made: list[str] = []

    def ask(texts: Texts, name: str, size: int = 100) -> Text:
        def make() -> Text:
            made.append(name)
            return Text(name.encode() * size)

        return texts.find(name, make)

    texts = Texts(2 * (100 + serialization.FRAME_BYTES))
    for name in "abacab":
        assert ask(texts, name).body == name.encode() * 100
        assert texts.size <= 2 * (100 + serialization.FRAME_BYTES)
    assert made == ["a", "b", "c", "b"]
    for name in ("large", "a", "b"):
        ask(texts, name, 100 if name != "large" else 10_000)
    assert made[4:] == ["large"]
    off, made[:] = Texts(0), []
    for _ in range(2):
        ask(off, "a")
    assert (made, off.size) == (["a", "a"], 0)
