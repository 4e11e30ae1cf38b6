"""What tests of background work may ask for."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes import MailServer, mail_server


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server
