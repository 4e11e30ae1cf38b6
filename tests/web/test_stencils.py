"""Pages that are drawn once: what is in the holes, what is packed, and that nothing is mixed up."""

import gzip
import random
import re

import pytest
from quart import Quart

from microblog.web import rendering, stencils
from microblog.web.drawing import Pages
from microblog.web.stencils import CSRF, LIVE_SINCE, POSTS, Drawn, Part, Stencil, takes_gzip
from tests.cast import Cast
from tests.web.reading import older

_VOLATILE = re.compile(
    r'(?<=name="csrf_token" value=")[^"]+|(?<=name="csrf-token" content=")[^"]+'
    r'|(?<=-since=")\d+|(?<=live-since" content=")\d+|(?<=notified" content=")[\d.]+'
)


def test_holes_are_filled() -> None:
    """With what differs; the rest comes out as it was, in every alphabet, packed or not."""
    rng = random.Random(8)
    for _ in range(200):
        pieces = ["".join(rng.choices("aé中🙂<&\n ", k=rng.randrange(300))) for _ in range(4)]
        text = f"{pieces[0]}{CSRF}{pieces[1]}{LIVE_SINCE}{pieces[2]}{CSRF}{pieces[3]}"
        values = {CSRF: rng.randbytes(20).hex(), LIVE_SINCE: str(rng.randrange(10**9))}
        whole = text.replace(CSRF, values[CSRF]).replace(LIVE_SINCE, values[LIVE_SINCE]).encode()
        stencil = Stencil(text)
        assert stencil.fill(values) == whole
        for _ in range(2):
            assert gzip.decompress(stencil.fill_packed(values)) == whole
    assert Stencil("no hole").fill({}) == b"no hole"
    assert gzip.decompress(Stencil("").fill_packed({})) == b""


def test_a_part_fills_holes() -> None:
    """Of any length, and packed once."""
    part = Part("<p>aé中🙂</p>" * 20_000)
    stencil = Stencil(f"a{POSTS}b{CSRF}c{POSTS}")
    whole = b"a%bbtokenc%b" % (part.plain, part.plain)
    packed = stencil.fill_packed({POSTS: part, CSRF: "token"})
    assert stencil.fill({POSTS: part, CSRF: "token"}) == gzip.decompress(packed) == whole
    assert len(packed) < len(whole) / 50
    assert part.packed is part.packed


def test_a_secret_is_not_packed() -> None:
    """What others have written on the page does not change by a byte how long the answer is."""
    secret = "3f9c0a77d1e24b58"
    lengths = set()
    for guess in (secret, "0123456789abcdef", "fedcba9876543210"):
        stencil = Stencil(f'<p>{guess}</p><input value="{CSRF}"><p>{guess}</p>')
        told = stencil.fill_packed({CSRF: secret})
        assert secret.encode() in told
        lengths.add(len(told))
    assert len(lengths) == 1


def test_what_was_not_used_for_longest_goes() -> None:
    kept = Drawn(2)
    for name in "abc":
        kept.keep(name, Stencil(name))
        kept.find("a")
    assert [name for name in "abc" if kept.find(name)] == ["a", "c"]
    off = Drawn(0)
    off.keep("a", Stencil("a"))
    assert off.find("a") is None


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip, deflate, br, zstd", True),
        ("GZIP", True),
        ("br;q=1.0, gzip;q=0.2, *;q=0", True),
        ("*", True),
        ("gzip;q=0, *", False),
        ("gzip ; q=0.000", False),
        ("br, identity", False),
        ("", False),
    ],
)
def test_who_takes_gzip(header: str, takes: bool) -> None:
    assert takes_gzip(header) is takes


async def test_a_kept_page_is_the_page(cast: Cast, app: Quart) -> None:
    """Each reader's own, whatever was drawn before for whom; and as if nothing were kept."""
    pages: Pages = app.extensions[rendering.EXTENSION]
    await cast.publish(cast.susan, "hello from susan")
    await cast.publish(cast.john, "hola de john", language="es")
    paths = ["/", "/explore", "/explore?page=2", "/user/susan", "/user/john", "/post/1", "/post/2"]
    readers = [cast.susan, cast.john, cast.mary]
    seen: dict[tuple[str, str], list[str]] = {}
    for kept in (Drawn(0), Drawn(), None, Drawn(0)):
        pages.stencils = pages.stencils if kept is None else kept
        for reader in readers:
            for path in paths:
                text = await reader.browser.text(path)
                assert stencils.MARK not in text
                seen.setdefault((reader.username, path), []).append(_VOLATILE.sub("", text))
    assert all(len(set(texts)) == 1 for texts in seen.values())
    assert len({texts[0] for texts in seen.values()}) == len(seen)


async def test_what_somebody_writes_makes_only_the_list_anew(cast: Cast, app: Quart) -> None:
    """The rest of the page stays; and who sees the same list has the same one."""
    pages: Pages = app.extensions[rendering.EXTENSION]
    await cast.publish(cast.susan, "the first")
    readers = cast.susan, cast.john
    for words, lists in (("the second", 1), ("the third", 2)):
        await cast.publish(cast.susan, words)
        for reader in readers:
            assert words in await reader.browser.text("/explore")
        assert (len(pages.stencils), len(pages.lists)) == (len(readers), lists)
    # A link below it leads on from another post, and so belongs to the list as well.
    for number in range(30):
        await cast.publish(cast.susan, f"post {number}")
    first = older(await cast.susan.browser.text("/explore"))
    frames = len(pages.stencils)
    await cast.publish(cast.susan, "one more")
    assert first != older(await cast.susan.browser.text("/explore")) != ""
    assert len(pages.stencils) == frames


async def test_a_kept_page_changes_with_what_it_shows(cast: Cast) -> None:
    """A flash comes once; other counts, words and another language are seen at once."""
    susan = cast.susan.browser
    first = await susan.text("/user/john")
    await susan.submit("/user/john", "/follow/john", submit="1")
    after = await susan.text("/user/john")
    again = await susan.text("/user/john")
    assert "0 followers" in first
    assert "You are following john!" in after
    assert "You are following john!" not in again
    assert "1 followers" in again
    john = cast.john.browser
    await john.submit("/edit_profile", username="john", about_me="new words", display_name="")
    assert "new words" in await susan.text("/user/john")
    spanish = await susan.get("/user/john", **{"Accept-Language": "es"})
    assert 'lang="es"' in await spanish.get_data(as_text=True)


async def test_a_page_comes_packed(cast: Cast) -> None:
    """For who takes it; its token is a new one each time, and works."""
    browser, tokens = cast.susan.browser, set()
    for _ in range(2):
        response = await browser.get("/", **{"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
        assert {"Accept-Encoding", "Cookie"} <= set(response.headers["Vary"].split(", "))
        text = gzip.decompress(await response.get_data(as_text=False)).decode()
        tokens |= set(re.findall(r'name="csrf_token" value="([^"]+)"', text))
    assert len(tokens) == 2
    for token in tokens:
        assert (await browser.post("/", csrf_token=token, post="sent")).status_code == 302
    # A page that shows what was typed is never packed.
    found = await browser.get("/search?q=sent", **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in found.headers
