"""Programs that act for the cast."""

import pytest
from quart import Quart

from tests.cast import Cast
from tests.web.api.programs import Program, login_token
from tests.web.auth.conftest import (  # noqa: F401 (the same decisions, here too)
    by_invitation,
    closed_registration,
    confirmation_off,
    confirmation_required,
    usual_limits,
)


@pytest.fixture
async def susan(app: Quart, cast: Cast) -> Program:
    """A program with susan's token of an hour."""
    return Program(app, await login_token(cast, cast.susan))


@pytest.fixture
async def anybody(app: Quart) -> Program:
    """A program without a token."""
    return Program(app)
