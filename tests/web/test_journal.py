"""Requests in the log: numbers, lines, slow ones, failures; never a path or anything secret."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart, Response
from quart.testing import WebsocketResponseError

from microblog import logs
from microblog.app import create_app
from microblog.logs import Journal, Report
from microblog.settings import Settings
from microblog.web import scope
from tests.cast import PASSWORD, Browser, Cast


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the kind of database."""
    return sqlite_url


@pytest.fixture
def environment(environment: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    # However busy the machine is, a request is slow only where a test wants that.
    calm = {"MICROBLOG_LOGS_JSON": "1", "MICROBLOG_LOGS_SLOW_REQUEST": "3600"}
    return environment | calm | getattr(request, "param", {})


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Quart]:
    """The application with three pages more: one fails, one is slow, one never ends."""
    app = create_app(settings)
    reached = app.extensions["reached"] = asyncio.Event()

    @app.route("/test/failing/<secret>")
    async def failing(secret: str) -> Response:
        raise ValueError("broken")

    @app.route("/test/slow")
    async def slow() -> Response:
        await asyncio.sleep(0.05)
        return Response("done")

    @app.route("/test/endless")
    async def endless() -> Response:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with app.test_app():
        yield app


class Book:
    """The log file of a test."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.server.instance / "logs" / "microblog.log"
        self.running: Journal = logs.configure(settings)

    def lines(self, logger: str = "microblog.access") -> list[dict[str, Any]]:
        self.running.close()
        told = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line for line in told if line["logger"] == logger]


@pytest.fixture
def book(app: Quart, settings: Settings) -> Iterator[Book]:
    book = Book(settings)
    yield book
    book.running.close()


async def test_line_and_answer_have_the_same_number(browser: Any, book: Book) -> None:
    visitor: Browser = browser()
    first = await visitor.get("/auth/login")
    second = await visitor.get("/auth/login")
    told = book.lines()
    numbers = [first.headers["X-Request-Id"], second.headers["X-Request-Id"]]
    assert [line["request"] for line in told] == numbers
    assert numbers[0] != numbers[1]
    line = told[0]
    assert line["method"] == "GET"
    assert line["route"] == "auth.login"
    assert line["status"] == 200
    assert line["ms"] > 0
    assert "user" not in line
    assert line["message"] == f"GET auth.login 200 {line['ms']} ms"


async def test_a_number_from_outside_is_not_taken_over(browser: Any) -> None:
    answer = await browser().get("/auth/login", **{"X-Request-Id": "forged"})
    assert answer.headers.getlist("X-Request-Id") != ["forged"]


async def test_person_is_named_by_id(cast: Cast, book: Book) -> None:
    await cast.susan.browser.get("/explore")
    line = book.lines()[-1]
    assert line["user"] == cast.susan.id
    assert "susan" not in json.dumps(line)


async def test_lines_within_a_request_know_person_and_number(
    cast: Cast, book: Book, app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logging.getLogger("microblog.test")
    found = scope.find_viewer

    def talkative() -> Any:
        log.info("looked")
        return found()

    monkeypatch.setattr(scope, "find_viewer", talkative)
    answer = await cast.susan.browser.get("/explore")
    told = book.lines("microblog.test")
    assert told
    assert {line["request"] for line in told} == {answer.headers["X-Request-Id"]}
    assert told[-1]["user"] == cast.susan.id


async def test_paths_stay_out(browser: Any, book: Book) -> None:
    visitor: Browser = browser()
    for path in ("/auth/reset_password/hush-hush", "/user/hush-hush?token=hush", "/hush%0aINFO:"):
        await visitor.get(path, Referer="http://localhost/hush", **{"User-Agent": "hush"})
    told = book.lines()
    assert len(told) == 3
    assert "hush" not in book.path.read_text()
    assert told[2]["route"] == "-"
    assert told[2]["status"] == 404


@pytest.mark.parametrize("environment", [{"MICROBLOG_LOGS_LEVEL": "DEBUG"}], indirect=True)
async def test_passwords_cookies_and_texts_stay_out(browser: Any, book: Book, cast: Cast) -> None:
    visitor: Browser = browser()
    await visitor.log_in("susan")
    await browser().log_in("susan", password="wrong-but-secret")
    await cast.john.browser.submit("/index", post="what john wrote")
    cookies = [c.value for c in visitor.client.cookie_jar if c.value]
    book.lines()
    content = book.path.read_text()
    assert cookies
    for secret in (PASSWORD, "wrong-but-secret", "what john wrote", "susan@example", *cookies):
        assert secret not in content


@pytest.mark.parametrize("environment", [{"MICROBLOG_LOGS_ACCESS": "0"}], indirect=True)
async def test_access_lines_can_be_switched_off(browser: Any, book: Book) -> None:
    answer = await browser().get("/auth/login")
    assert answer.headers["X-Request-Id"]
    assert book.lines() == []


@pytest.mark.parametrize("environment", [{"MICROBLOG_LOGS_SLOW_REQUEST": "0.04"}], indirect=True)
async def test_slow_request_is_named(browser: Any, book: Book) -> None:
    await browser().get("/test/slow")
    (slow,) = [line for line in book.lines() if line["level"] == "WARNING"]
    assert slow["message"].startswith("slow request, ")
    assert slow["message"].endswith(" ms: GET slow")
    assert slow["ms"] >= 40


async def test_quick_request_is_not_named(browser: Any, book: Book) -> None:
    await browser().get("/test/slow")
    assert {line["level"] for line in book.lines()} == {"INFO"}


async def test_failure_has_trace_and_number(browser: Any, book: Book) -> None:
    answer = await browser().get("/test/failing/hush")
    assert answer.status_code == 500
    (access,) = book.lines()
    assert access["status"] == 500
    told = [json.loads(line) for line in book.path.read_text().splitlines()]
    (failure,) = [line for line in told if line["level"] == "ERROR"]
    assert failure["request"] == access["request"] == answer.headers["X-Request-Id"]
    assert failure["route"] == "failing"
    assert "ValueError: broken" in failure["trace"]
    assert "/test/failing/hush" not in book.path.read_text()


async def test_log05_letters_that_go_nowhere_do_not_delay_the_page(browser: Any) -> None:
    begun: list[Report] = []

    async def stuck(report: Report) -> None:
        begun.append(report)
        await asyncio.Event().wait()

    letters = logs.ErrorLetters(stuck)
    letters.start()
    visitor: Browser = browser()
    async with asyncio.timeout(5):  # a promise may take ten
        for _ in range(3):
            answer = await visitor.get("/test/failing/x")
            assert answer.status_code == 500
    await letters.stop()
    (report,) = begun
    assert "ValueError: broken" in report.text
    assert report.request_id


async def test_client_that_leaves_has_a_line(app: Quart, book: Book) -> None:
    async with app.test_client().request("/test/endless") as connection:
        await app.extensions["reached"].wait()
        await connection.disconnect()
    async with asyncio.timeout(20):
        while "GET endless gone" not in book.path.read_text():
            await asyncio.sleep(0.01)


async def test_socket_has_a_line_at_its_end(cast: Cast, book: Book) -> None:
    async with cast.susan.browser.client.websocket("/live") as socket:
        await socket.receive()
    async with asyncio.timeout(20):
        while "WEBSOCKET" not in book.path.read_text():
            await asyncio.sleep(0.01)
    line = book.lines()[-1]
    assert line["method"] == "WEBSOCKET"
    assert line["route"] == "live.live"
    assert line["status"] == 101


async def test_refused_socket_has_its_status(app: Quart, book: Book) -> None:
    with pytest.raises(WebsocketResponseError):
        async with app.test_client().websocket("/live") as socket:
            await socket.receive()
    (line,) = book.lines()
    assert line["status"] == 401


async def test_str07_the_application_alone_makes_no_log(
    app: Quart, settings: Settings, browser: Any
) -> None:
    handlers = list(logging.root.handlers)
    await browser().get("/auth/login")
    assert not Path(settings.server.instance / "logs").exists()
    assert logging.root.handlers == handlers
    assert not any(isinstance(h, logs.ErrorLetters) for h in handlers)
