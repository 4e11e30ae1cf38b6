"""What is made once in place of the framework's each time comes to the same."""

from typing import Any

import pytest
from itsdangerous import timed
from quart import Quart, Response, session
from quart.sessions import SecureCookieSessionInterface

from microblog.web import thrift
from microblog.web.thrift import Cookies, Logins

SECONDS = 100


class Clock:
    """What time it is."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (thrift, timed):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture(params=[True, False], ids=["kept", "not kept"])
def logins(request: pytest.FixtureRequest) -> Logins:
    app = Quart("logins")
    app.secret_key = "a key"
    found = Logins(app, duration=SECONDS, salt="salt", singleton=False)
    if not request.param:
        found.most = 0
    return found


def opened(logins: Logins, app: Quart, *cookies: str) -> list[str | None]:
    return [logins.load_token(cookie, app) for cookie in cookies for _ in range(2)]


@pytest.fixture
def app() -> Quart:
    app = Quart("cookies")
    app.secret_key = "a key"
    return app


def test_a_cookie_is_read(logins: Logins, app: Quart, clock: Clock) -> None:
    """As long as it is ours and young, with this key; one that was changed never."""
    cookies = [logins.dump_token(name, app) for name in ("susan", "john")]
    assert opened(logins, app, *cookies) == ["susan"] * 2 + ["john"] * 2
    assert opened(logins, app, cookies[0][:-1], cookies[0] + "A", "") == [None] * 6
    clock.now += SECONDS
    assert opened(logins, app, *cookies) == ["susan"] * 2 + ["john"] * 2
    clock.now += 1
    assert opened(logins, app, *cookies) == [None] * 4
    clock.now -= SECONDS
    assert opened(logins, app, *cookies) == ["susan"] * 2 + ["john"] * 2
    app.secret_key = "another key"
    assert opened(logins, app, *cookies) == [None] * 4
    assert opened(logins, app, logins.dump_token("mary", app)) == ["mary"] * 2


def test_so_many_are_kept(app: Quart, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none of what was refused."""
    logins = Logins(app, duration=SECONDS, salt="salt", singleton=False)
    monkeypatch.setattr(logins, "most", 3)
    # Our signature, but not as we write it.
    head, _, signature = logins.dump_token("susan", app).rpartition(".")
    assert opened(logins, app, f"{head}.{'~' * 300}{signature}") == ["susan"] * 2
    assert not logins._read
    for number in range(10):
        assert opened(logins, app, logins.dump_token(f"{number}", app)) == [f"{number}"] * 2
        assert opened(logins, app, f"wrong {number}") == [None] * 2
        assert len(logins._read) <= 3


def visited(interface: SecureCookieSessionInterface) -> Quart:
    app = Quart("visited")
    app.secret_key = "a key"
    app.session_interface = interface

    @app.get("/<what>")
    async def do(what: str) -> Any:
        answer = Response(what)
        if what != "unsaid":
            answer.headers["Vary"] = "Cookie, Accept-Encoding"
        if what == "put":
            session["name"] = "susan"
        elif what == "take":
            session.pop("name", None)
        elif what == "last":
            session.permanent = True
        elif what != "nothing":
            session.get("name")
        return answer

    return app


async def told(app: Quart) -> list[tuple[str, str | None, bool]]:
    client, found = app.test_client(), []
    for what in ("look", "nothing", "unsaid", "put", "look", "unsaid", "last", "look", "take"):
        headers = (await client.get(f"/{what}")).headers
        found.append((what, headers.get("Vary"), "Set-Cookie" in headers))
    return found


async def test_answers_carry_what_the_framework_would_say() -> None:
    """A cookie that is set, stays, lasts, or goes; and whether the answer varies with it."""
    ours = await told(visited(Cookies()))
    assert ours == await told(visited(SecureCookieSessionInterface()))
    assert [what for what, _, is_set in ours if is_set] == ["put", "last", "look", "take"]
