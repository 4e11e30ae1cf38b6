"""The program away from its checkout, and under the bare server."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import httpx
import pytest

TOP = Path(__file__).parents[2]
START_SECONDS = 40
PERSONAL = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*build, str(folder)], cwd=TOP, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but what the wheel brings."""
    folder = tmp_path_factory.mktemp("installed")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", str(folder), str(wheel)], check=True, capture_output=True)
    return folder


def reached(process: subprocess.Popen[bytes], port: int) -> httpx.Client:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            headers = {"Accept": "text/html"}
            return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers)
    raise AssertionError("the server cannot be reached")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_wheel_has_everything(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "microblog/templates/base.html" in names
    assert "microblog/templates/email/reset_password.txt" in names
    assert "microblog/static/js/live.js" in names
    assert "microblog/translations/es/LC_MESSAGES/messages.mo" in names
    assert "microblog/alembic/env.py" in names
    assert "microblog/alembic/versions/0001_users.py" in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_it_serves_from_where_it_is_installed(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    # In isolation: the checkout is not to be found, even if it is installed as well.
    start = f"import sys; sys.path.insert(0, {str(installed)!r}); from microblog.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", start, "serve", "--port", str(port)],
        cwd=tmp_path,
        env=PERSONAL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with reached(process, port) as client:
            page = client.get("/auth/login", headers={"Accept-Language": "es"}).text
            assert "Nombre de usuario" in page
            (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
            assert "--accent" in client.get(style).text
            assert client.get("/readyz").json()["status"] == "ok"
        assert (tmp_path / "instance" / "microblog.db").exists()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_the_bare_server_serves_it_too(sqlite_url: str, tmp_path: Path) -> None:
    """`hypercorn asgi:app`."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", "asgi:app"],
        cwd=TOP,
        env=PERSONAL | {"DATABASE_URL": sqlite_url, "MICROBLOG_SERVER_INSTANCE": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with reached(process, port) as client:
            assert "Sign In" in client.get("/auth/login").text
            assert client.get("/readyz").json()["checks"]["bus"] == "ok"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)
