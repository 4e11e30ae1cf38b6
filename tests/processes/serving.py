"""The real command as real processes, and people who use it over the network."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from microblog.database import Database
from microblog.domain import users
from microblog.settings import NO_FILE, load

ROOT = Path(__file__).parents[2]
START_SECONDS = 40
STOP_SECONDS = 10
PASSWORD = "correct horse battery"
HTML = {"Accept": "text/html", "Accept-Language": "en"}
# Nothing here speaks TLS, and reading all the authorities' certificates takes each client 25 ms.
NO_TLS = httpx.create_ssl_context(verify=False)


def run(
    environment: Mapping[str, str], folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """An operator's command, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "microblog", *arguments],
        cwd=folder,
        env=environ_of(environment),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        stdin=subprocess.DEVNULL,
    )


def environ_of(environment: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
    return kept | {"PYTHONPATH": str(ROOT)} | dict(environment)


class Server:
    """`microblog serve`, started and waited for."""

    def __init__(
        self, environment: Mapping[str, str], folder: Path, workers: int, port: int = 0
    ) -> None:
        self.environment = dict(environment)
        self.folder = folder
        self._log = folder / "server.log"
        with (folder / "address").open("w+") as address, self._log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "microblog",
                    "serve",
                    "--port",
                    str(port),
                    "--workers",
                    str(workers),
                ],
                cwd=folder,
                env=environ_of(self.environment),
                stdout=address,
                stderr=log,
            )
            self.url = self._wait(address)
        self.live = self.url.replace("http://", "ws://") + "/live"

    def _wait(self, address: Any) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            address.seek(0)
            if found := re.search(r"microblog is at (http://\S+)\n", address.read()):
                return found[1]
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError(self.log)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """An operator's command, in a process of its own beside the server."""
        return run(self.environment, self.folder, *arguments)

    def family(self) -> list[psutil.Process]:
        keeper = psutil.Process(self.process.pid)
        return [keeper, *keeper.children(recursive=True)]

    def stop(self) -> tuple[int, float]:
        """SIGTERM: exit status and how many seconds it took; more than ten are an error."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS), time.monotonic() - began

    def kill(self) -> None:
        """Everything at once, as if the power had gone."""
        if self.process.poll() is not None:
            return
        family = self.family()
        for process in family:
            # A child may go by itself meanwhile.
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(STOP_SECONDS)
        psutil.wait_procs(family, STOP_SECONDS)


class Member:
    """Somebody who is logged in: a browser's cookies, pages, forms, and sockets."""

    def __init__(self, server: Server, name: str, client: httpx.AsyncClient) -> None:
        self.server = server
        self.name = name
        self.client = client

    @classmethod
    @asynccontextmanager
    async def logged_in(cls, server: Server, name: str) -> AsyncIterator["Member"]:
        async with httpx.AsyncClient(
            base_url=server.url, headers=HTML, timeout=30, verify=NO_TLS
        ) as client:
            member = cls(server, name, client)
            await member.log_in()
            yield member

    async def log_in(self) -> None:
        token = await self.token("/auth/login")
        form = {"csrf_token": token, "username": self.name, "password": PASSWORD}
        answer = await self.client.post("/auth/login", data=form)
        assert answer.is_redirect, answer.text
        self.form = await self.token("/index")

    async def token(self, page: str) -> str:
        answer = await self.client.get(page)
        assert answer.status_code == 200, (page, answer.status_code)
        found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
        assert found
        return unescape(found[1])

    async def send(self, path: str, **fields: str) -> httpx.Response:
        return await self.client.post(path, data={"csrf_token": self.form, **fields})

    async def publish(self, body: str) -> None:
        answer = await self.send("/", post=body)
        assert answer.is_redirect, (answer.status_code, answer.text[:500])

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())

    def socket(self, query: str = "", **options: Any) -> connect:
        """A socket that is open once entered; by itself it sends no pings.

        Its queue has no end: this client does not read while a full one is not emptied, so closing
        would wait ten seconds for an answer that has long been there.
        """
        headers = {"Cookie": self.cookie, "Accept-Language": "en"}
        own = {"ping_interval": None, "max_queue": None, "additional_headers": headers}
        options = own | options
        return connect(self.server.live + query, **options)


async def people(environment: Mapping[str, str], password_hash: str, *names: str) -> None:
    """Open accounts, straight in the database."""
    settings = load(NO_FILE, dict(environment))
    database = Database(settings.database_url, settings.database)
    async with database.begin() as session:
        for name in names:
            await users.register(session, name, f"{name}@example.com", password_hash)
    await database.close()


async def close_code(socket: ClientConnection) -> int:
    """Read until the other side closes; its code."""
    with suppress(ConnectionClosed):
        async for _ in socket:
            pass
    assert socket.protocol.close_rcvd is not None, "the connection was cut"
    return socket.protocol.close_rcvd.code
