"""People's pictures."""

import re
from xml.etree.ElementTree import fromstring

import pytest

from tests.cast import Cast
from tests.web.reading import body, leads_to


@pytest.fixture
def gravatar(environment: dict[str, str]) -> None:
    environment["MICROBLOG_AVATARS_PROVIDER"] = "gravatar"


async def test_a_picture_of_our_own(cast: Cast) -> None:
    """M-062 as this service has it: drawn here, for strangers too, and kept by the browser."""
    response = await cast.stranger.get(f"/avatar/{cast.john.id}?size=128")
    assert response.status_code == 200
    assert response.content_type == "image/svg+xml"
    picture = fromstring(await body(response))
    assert (picture.get("width"), picture.get("height")) == ("128", "128")
    assert response.headers["Cache-Control"] == "public, max-age=86400"
    assert "Set-Cookie" not in response.headers
    assert "Set-Cookie" not in (await cast.susan.browser.get("/avatar/1")).headers


async def test_sizes_have_bounds(cast: Cast) -> None:
    """T-44."""
    for raw, size in (
        ("", 80),
        ("?size=16", 16),
        ("?size=512", 512),
        ("?size=15", 16),
        ("?size=0", 16),
        ("?size=513", 512),
        ("?size=9999", 512),
        ("?size=-1", 80),
        ("?size=99999999999", 80),
        ("?size=1e2", 80),
        ("?size=%EF%BC%91%EF%BC%90%EF%BC%90", 80),
        ("?size=x", 80),
    ):
        page = await body(await cast.stranger.get(f"/avatar/1{raw}"))
        found = re.search(r'width="(\d+)"', page)
        assert found
        assert int(found[1]) == size, raw


async def test_it_is_not_told_who_exists(cast: Cast) -> None:
    assert (await cast.stranger.get("/avatar/999999")).status_code == 200
    for nobody in ("x", "-1", "2147483648", "9" * 300, "1.0"):
        assert (await cast.stranger.get(f"/avatar/{nobody}")).status_code == 404


@pytest.mark.usefixtures("gravatar")
async def test_gravatar_where_the_operator_wants_it(cast: Cast) -> None:
    """M-062."""
    response = await cast.stranger.get(f"/avatar/{cast.john.id}?size=128")
    address = leads_to(response)
    assert address == (
        "https://www.gravatar.com/avatar/d4c74594d841139328695756648b6bd6?d=identicon&s=128"
    )
    assert "john@" not in address
    assert "https://www.gravatar.com" in response.headers["Content-Security-Policy"]
    assert (await cast.stranger.get("/avatar/999999")).status_code == 404
