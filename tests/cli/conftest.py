"""How the commands are typed: in this process, or as an operator does."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from microblog.cli import main
from tests.cli.terminal import Terminal

CHECKOUT = Path(__file__).parents[2]
Command = Callable[..., Result]
Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Runs a command in this process, and insists on the exit status."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        monkeypatch.delenv(name)

    def run(
        *arguments: str,
        input: str = "",  # noqa: A002 - as subprocess and click call it
        status: int = 0,
        **environ: str,
    ) -> Result:
        result = CliRunner().invoke(main, arguments, input=input, env=environment | environ)
        assert result.exit_code == status, result.output
        return result

    return run


@pytest.fixture
def hermetic(environment: dict[str, str]) -> dict[str, str]:
    """The whole environment of a command that runs in a process of its own."""
    return {**environment, "PYTHONPATH": str(CHECKOUT), "PATH": os.environ["PATH"]}


@pytest.fixture
def typed(hermetic: dict[str, str], tmp_path: Path) -> Typed:
    """Runs a program in a process of its own, in a folder of its own."""

    def run(
        *arguments: str,
        input: str = "",  # noqa: A002 - as subprocess and click call it
        **environ: str,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=tmp_path,
            env=hermetic | environ,
            input=input,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture
def terminal(hermetic: dict[str, str], tmp_path: Path) -> Callable[..., Terminal]:
    """Starts `microblog …` at a terminal."""
    return lambda *arguments: Terminal(arguments, hermetic, tmp_path)
