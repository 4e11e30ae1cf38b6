"""`config check`: everything that holds, where it comes from, what is wrong."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from microblog.cli.config import config
from microblog.settings import KEYS
from tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(**environ: str) -> Result:
    # CliRunner adds to the environment of the tests: what could stand there is taken out.
    cleared: dict[str, str | None] = {}
    for key in KEYS:
        for name in (key.variable, key.alias):
            if name:
                cleared |= {name: None, f"{name}_FILE": None}
    return CliRunner().invoke(config, ["check"], env=cleared | environ)


def row(result: Result, key: str) -> str:
    (line,) = [line for line in result.output.splitlines() if line.startswith(f"{key} ")]
    return line


def test_every_setting_has_a_row() -> None:
    result = check()
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()[: len(KEYS)]] == [
        key.name for key in KEYS
    ]
    assert result.output.endswith("Nothing is wrong.\n")


def test_value_and_source(empty_folder: Path) -> None:
    (empty_folder / "settings.toml").write_text("[posts]\nper_page = 7\n")
    result = check(PORT="8080")
    assert row(result, "server.port").split() == ["server.port", "8080", "(environment", "PORT)"]
    from_file = ["posts.per_page", "7", "(file", "settings.toml)"]
    assert row(result, "posts.per_page").split() == from_file
    assert row(result, "server.host").endswith("(default)")


def test_secrets_are_masked() -> None:
    result = check(
        SECRET_KEY="hush-hush-hush-hush",
        DATABASE_URL="postgresql://susan:hush@db/microblog",
        ELASTICSEARCH_URL="http://hush@elastic:9200",
    )
    assert "hush" not in result.output
    assert "(set)" in row(result, "server.secret_key")
    assert "(not set)" in row(result, "mail.password")
    assert "postgresql://susan:***@db/microblog" in row(result, "database.url")


def test_what_is_wrong_stands_at_the_end() -> None:
    result = check(PORT="0", MICROBLOG_LIMIT_SCALE="1", POSTS_PER_PAGE="3")
    assert result.exit_code == 1
    port, unknown = result.output.splitlines()[-2:]
    assert port.startswith("microblog: server.port (environment PORT): '0', expected ")
    assert unknown.startswith("microblog: MICROBLOG_LIMIT_SCALE (environment): unknown setting")
    assert "see below" in row(result, "server.port")
    assert " 3 " in row(result, "posts.per_page")


def test_a_file_that_is_no_toml_still_shows_the_rest(empty_folder: Path) -> None:
    (empty_folder / "settings.toml").write_text("[server\n")
    result = check(PORT="8080")
    assert result.exit_code == 1
    assert "8080" in row(result, "server.port")
    assert result.output.splitlines()[-1].startswith(
        "microblog: settings file (file settings.toml)"
    )
    assert "Traceback" not in result.output


def test_what_translating_has_cost_today(command: Command) -> None:
    """Where there is a translator; looking at it makes no database."""
    off = command("config", "check")
    assert "Translated today" not in off.output
    translator = {"MS_TRANSLATOR_KEY": "a key", "MICROBLOG_TRANSLATOR_BUDGET": "5000"}
    output = command("config", "check", **translator).output
    assert output.endswith("\nTranslated today: 0 of 5000 characters\nNothing is wrong.\n")
    nowhere = {"DATABASE_URL": "sqlite:///elsewhere.db"}
    assert "today: 0 of 5000" in command("config", "check", **translator, **nowhere).output
    assert not Path("elsewhere.db").exists()
    gone = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    output = command("config", "check", **translator, **gone).output
    assert "Translated today: unknown (" in output
    assert "Traceback" not in output
