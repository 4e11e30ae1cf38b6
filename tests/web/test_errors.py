"""How the service says no, and what it says when something breaks."""

import json
import re
from collections.abc import Callable

import pytest
from quart import Quart
from sqlalchemy import text

from microblog.web import scope
from tests import servers
from tests.cast import HTML, PASSWORD, Cast
from tests.web.reading import body, heading, navigation, texts, title

SECRET = "a secret that must not be shown"
View = Callable[..., object]


@pytest.fixture
def broken(app: Quart) -> Callable[[View], None]:
    """Put something broken where explore is."""

    def put(view: View) -> None:
        guarded = app.view_functions["main.explore"]
        inner = guarded.__wrapped__.__wrapped__  # type: ignore[attr-defined]
        assert inner.__name__ == "explore"
        cell = next(
            cell
            for cell in guarded.__wrapped__.__closure__
            if cell.cell_contents is inner  # type: ignore[attr-defined]
        )
        cell.cell_contents = view

    return put


async def test_an_unknown_page(cast: Cast) -> None:
    """M-003, M-008, M-012, M-071."""
    for browser, words in (
        (cast.stranger, ["Microblog", "Home", "Explore", "Login"]),
        (
            cast.susan.browser,
            ["Microblog", "Home", "Explore", "Messages", "0", "Search", "Profile", "Logout"],
        ),
    ):
        response = await browser.get("/no/such/page")
        assert response.status_code == 404
        page = await body(response)
        assert title(page) == "Welcome to Microblog"
        assert heading(page) == "File Not Found"
        assert re.search(r'<a [^>]*href="/index">Back</a>', page)
        assert [word for word in navigation(page) if word != "Account"] == words


async def test_json_for_who_asks_for_no_page(cast: Cast) -> None:
    """M-003 for programs: problem JSON under /api, and wherever no page is asked for."""
    client = cast.stranger.client
    for path, accept in (
        ("/no/such/page", "application/json"),
        ("/no/such/page", "*/*"),
        ("/no/such/page", None),
        ("/api/no/such", "text/html"),
        ("/api", "text/html"),
    ):
        response = await client.get(path, headers={"Accept": accept} if accept else {})
        assert response.status_code == 404
        assert response.content_type == "application/problem+json"
        told = json.loads(await body(response))
        assert told["status"] == 404
        assert told["title"] == told["error"] == "Not Found"
        kind = "/api/docs#not-found" if path.startswith("/api") else "about:blank"
        assert told["type"] == kind
        assert told["detail"] == told["message"] == "File Not Found"


async def test_a_page_for_who_asks_for_one(cast: Cast) -> None:
    for accept in ("text/html", "text/html, application/json;q=0.9", "text/*"):
        response = await cast.stranger.client.get("/nowhere", headers={"Accept": accept})
        assert response.content_type == "text/html; charset=utf-8"


async def test_a_method_that_a_page_does_not_take(cast: Cast) -> None:
    """M-004."""
    response = await cast.susan.browser.client.delete("/explore", headers=HTML)
    assert response.status_code == 405
    assert heading(await body(response)) == "Not possible here"
    assert "GET" in response.headers["Allow"]
    for override in ("_method", "X-HTTP-Method-Override"):
        response = await cast.susan.browser.client.get(
            f"/follow/john?{override}=POST", headers={**HTML, "X-HTTP-Method-Override": "POST"}
        )
        assert response.status_code == 405


async def test_a_failure_is_a_page_without_details(
    cast: Cast, broken: Callable[[View], None], caplog: pytest.LogCaptureFixture
) -> None:
    """M-072, M-074, T-56: a number to quote, and the rest in the log."""

    async def fail() -> None:
        raise LookupError(SECRET)

    broken(fail)
    response = await cast.susan.browser.get("/explore")
    assert response.status_code == 500
    page = await body(response)
    assert title(page) == "Welcome to Microblog"
    assert heading(page) == "An unexpected error has occurred"
    assert "The administrator has been notified. Sorry for the inconvenience!" in page
    assert re.search(r'<a [^>]*href="/index">Back</a>', page)
    assert "Profile" in navigation(page)
    assert SECRET not in page
    assert "LookupError" not in page
    assert "Traceback" not in page
    assert SECRET in caplog.text
    number = re.search(r"Request number: (\w+)", page)
    assert number
    assert number[1] in caplog.text
    told = await cast.susan.browser.client.get("/explore", headers={"Accept": "application/json"})
    assert told.content_type == "application/problem+json"
    assert SECRET not in await body(told)


async def test_a_failing_statement_spoils_no_other_request(
    cast: Cast, broken: Callable[[View], None]
) -> None:
    """M-073, M-074."""

    async def fail() -> None:
        await scope.session().execute(text("SELECT nothing FROM nowhere"))

    broken(fail)
    await cast.publish(cast.susan, "still here")
    for _ in range(12):  # more often than there are connections
        response = await cast.susan.browser.get("/explore")
        assert response.status_code in (500, 503)
        page = await body(response)
        assert "Profile" in navigation(page)
        assert "nowhere" not in page
    assert texts(await cast.susan.browser.text("/")) == ["still here"]


async def test_what_was_written_before_a_failure_is_undone(
    cast: Cast, broken: Callable[[View], None], app: Quart
) -> None:
    """A status of 400 or more, and an exception, leave nothing behind."""
    before = app.view_functions["main.index"]
    inner = before.__wrapped__.__wrapped__  # type: ignore[attr-defined]

    async def fail() -> None:
        await inner()
        raise LookupError(SECRET)

    cell = next(cell for cell in before.__wrapped__.__closure__ if cell.cell_contents is inner)  # type: ignore[attr-defined]
    token = await cast.susan.browser.token("/")
    cell.cell_contents = fail
    response = await cast.susan.browser.post("/", csrf_token=token, post="not to be kept")
    cell.cell_contents = inner
    assert response.status_code == 500
    page = await body(response)
    assert "What you typed" in page
    assert "not to be kept" in page
    assert texts(await cast.susan.browser.text("/")) == []


async def test_what_was_typed_is_given_back_but_no_password(cast: Cast) -> None:
    """Nothing that was typed is lost, and no secret is shown."""
    response = await cast.stranger.post(
        "/auth/login", username="<i>susan", password=PASSWORD, csrf_token="stale"
    )
    assert response.status_code == 400
    page = await body(response)
    assert "This form is too old" in page
    assert "&lt;i&gt;susan" in page
    assert PASSWORD not in page
    assert "stale" not in page


# A SQLite file does not go away while it is open; there a held lock is tested.
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_the_database_is_gone(cast: Cast) -> None:
    """503 with a time to come again, drawn without the database, and well again afterwards."""
    url = cast.resources.database.url.set(drivername="postgresql")
    allow = f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS'
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.database}'"
    await servers.execute(url.set(database="postgres"), f"{allow} false", end)
    for _ in range(3):
        response = await cast.susan.browser.get("/explore")
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert heading(await body(response)) == "Busy"
    assert (await cast.stranger.get("/auth/login")).status_code == 200
    ready = await cast.stranger.get("/readyz")
    assert ready.status_code == 503
    assert (await ready.get_json())["checks"]["database"].startswith("failed")
    assert (await cast.stranger.get("/livez")).status_code == 200
    await servers.execute(url.set(database="postgres"), f"{allow} true")
    assert (await cast.susan.browser.get("/explore")).status_code == 200
