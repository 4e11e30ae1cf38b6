"""Applications whose operator decided otherwise."""

from collections.abc import AsyncIterator

import pytest
from quart import Quart

from microblog.app import create_app
from microblog.settings import NO_FILE, load
from tests.fakes import MailServer, mail_server
from tests.web.auth.mailbox import BASE


@pytest.fixture
async def secure_app(environment: dict[str, str]) -> AsyncIterator[Quart]:
    """An application that is reached over https."""
    app = create_app(load(NO_FILE, {**environment, "BASE_URL": "https://site.example"}))
    async with app.test_app():
        yield app


@pytest.fixture
def patient(environment: dict[str, str]) -> None:
    """For crowds: on a busy machine the last one waits longer than a visitor should."""
    environment["MICROBLOG_DATABASE_POOL_TIMEOUT"] = "60"
    environment["MICROBLOG_DATABASE_BUSY_TIMEOUT"] = "60"


@pytest.fixture
def closed_registration(environment: dict[str, str]) -> None:
    environment["MICROBLOG_ACCOUNTS_REGISTRATION"] = "closed"


@pytest.fixture
async def mail(environment: dict[str, str]) -> AsyncIterator[MailServer]:
    """The mail server that the service uses; ask for it before the application."""
    async with mail_server() as server:
        environment |= {
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": str(server.port),
            "ADMINS": "boss@example.com,deputy@example.com",
            "BASE_URL": BASE,
        }
        yield server


@pytest.fixture
def confirmation_required(environment: dict[str, str]) -> None:
    environment["MICROBLOG_ACCOUNTS_CONFIRM_EMAIL"] = "require"


@pytest.fixture
def confirmation_off(environment: dict[str, str]) -> None:
    environment["MICROBLOG_ACCOUNTS_CONFIRM_EMAIL"] = "off"


@pytest.fixture
def by_invitation(environment: dict[str, str]) -> None:
    environment["MICROBLOG_ACCOUNTS_REGISTRATION"] = "invite"


@pytest.fixture
def usual_limits(environment: dict[str, str]) -> None:
    environment["MICROBLOG_LIMITS_SCALE"] = "1"
