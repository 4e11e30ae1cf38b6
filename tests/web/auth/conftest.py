"""Applications whose operator decided otherwise."""

from collections.abc import AsyncIterator

import pytest
from quart import Quart

from microblog.app import create_app
from microblog.settings import NO_FILE, load


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
