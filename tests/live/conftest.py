"""The hub of a started application, people for it, and another process's way to the same data."""

from collections.abc import AsyncIterator

import pytest

from microblog.database import Database
from microblog.resources import Resources
from tests.live.hearing import Town


@pytest.fixture
async def town(resources: Resources) -> AsyncIterator[Town]:
    async with Town.founded(resources) as town:
        yield town


@pytest.fixture
async def elsewhere(resources: Resources) -> AsyncIterator[Database]:
    """The same data as another process has it: commits there ring no bell here."""
    database = Database(resources.settings.database_url, resources.settings.database)
    yield database
    await database.close()
