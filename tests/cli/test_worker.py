"""`microblog worker` before it works: what it says, and when it does not begin."""

import asyncio

import pytest
from sqlalchemy.engine import make_url

from microblog import migrations
from tests import servers
from tests.cli.conftest import Command


def test_it_says_what_it_is_for(command: Command) -> None:
    said = command("worker", "--help").output
    assert "background jobs" in said
    assert "jobs.inside" in said


def test_a_bad_setting_is_named(command: Command) -> None:
    assert "MICROBLOG_JOBS_INSIDE" in command("worker", status=2, MICROBLOG_JOBS_INSIDE="?").output


def test_a_database_that_is_behind_is_refused(
    command: Command, postgresql_url: str, environment: dict[str, str]
) -> None:
    """As by `serve`: on PostgreSQL the operator brings it to head."""
    environment["DATABASE_URL"] = postgresql_url
    asyncio.run(
        servers.execute(make_url(postgresql_url), "UPDATE alembic_version SET version_num = '0003'")
    )
    said = command("worker", status=3).output
    assert "not at head" in said
    assert "microblog db upgrade" in said
    assert migrations.newest() not in said


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/nothing"])
def test_a_database_that_is_not_there_is_one_line(command: Command, url: str) -> None:
    said = command("worker", status=1, DATABASE_URL=url).output
    assert len(said.splitlines()) == 1
    assert "the database cannot be used" in said
