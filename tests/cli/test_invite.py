"""`user invite`: a link with which one person can come in."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from microblog.app import create_app
from microblog.settings import NO_FILE, load
from tests.cast import PASSWORD, Browser
from tests.cli.conftest import Command, Typed
from tests.web.reading import leads_to

BY_INVITATION = {"MICROBLOG_ACCOUNTS_REGISTRATION": "invite"}
BASE = "https://microblog.example"


def register(environment: dict[str, str], link: str, *names: str) -> list[int]:
    """Follow the link as several people, one after the other; the answers."""
    parts = urlsplit(link)
    page = f"{parts.path}?{parts.query}"

    async def follow() -> list[int]:
        app = create_app(load(NO_FILE, environment | BY_INVITATION))
        async with app.test_app():
            return [await one(Browser(app), name) for name in names]

    async def one(browser: Browser, name: str) -> int:
        response = await browser.submit(
            "/auth/login",
            to=page,
            username=name,
            email=f"{name}@example.com",
            password=PASSWORD,
            password2=PASSWORD,
        )
        if response.status_code == 302:
            assert leads_to(await browser.log_in(name)) == "/index"
        return int(response.status_code)

    return asyncio.run(follow())


def test_the_link_opens_one_account(command: Command, environment: dict[str, str]) -> None:
    result = command("user", "invite", BASE_URL=BASE, **BY_INVITATION)
    (link,) = result.stdout.splitlines()
    assert link.startswith(f"{BASE}/auth/register?invite=")
    assert result.stderr == ""
    assert register(environment, link, "anna", "berta") == [302, 403]


def test_without_a_public_address_it_is_where_the_service_listens(command: Command) -> None:
    for environ, base in (
        ({"PORT": "8123"}, "http://127.0.0.1:8123/"),
        ({"MICROBLOG_SERVER_HOST": "::1"}, "http://[::1]:"),
    ):
        assert command("user", "invite", **environ, **BY_INVITATION).stdout.startswith(base)


def test_every_link_is_another(command: Command, environment: dict[str, str]) -> None:
    links = [command("user", "invite", **BY_INVITATION).stdout.strip() for _ in range(2)]
    assert links[0] != links[1]
    assert register(environment, links[1], "anna") == [302]
    assert register(environment, links[0], "berta") == [302]


def test_with_the_secret_of_its_folder(
    command: Command, environment: dict[str, str], tmp_path: Path
) -> None:
    """M-137: made at the first use if there is none yet, for the service to find."""
    del environment["SECRET_KEY"]
    link = command("user", "invite", **BY_INVITATION).stdout.strip()
    kept = tmp_path / "instance" / "secret_key"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(kept.read_text()) >= 32
    assert register(environment, link, "anna") == [302]


@pytest.mark.parametrize("mode", ["open", "closed"])
def test_where_an_invitation_does_not_count_it_says_so(command: Command, mode: str) -> None:
    result = command("user", "invite", MICROBLOG_ACCOUNTS_REGISTRATION=mode)
    assert f"Registration is {mode}" in result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_a_database_that_is_not_there(typed: Typed) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    result = typed("microblog", "user", "invite", DATABASE_URL=nowhere)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
