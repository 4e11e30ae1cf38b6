"""A unit of Type=notify is told when we serve, that we live, when we reload and when we stop."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

Start = Callable[..., Awaitable[Any]]


class Unit:
    """The other end of the notify socket."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(path)

    async def told(self, what: str) -> list[str]:
        """Everything up to the first message that begins so."""
        heard: list[str] = []
        async with asyncio.timeout(20):
            while not heard or not heard[-1].startswith(what):
                message = await asyncio.get_running_loop().sock_recv(self._socket, 4096)
                heard.append(message.decode())
        return heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def unit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Unit]:
    # A socket's path is short by law, and pytest's folders are not.
    with TemporaryDirectory(prefix="mb") as folder:
        path = str(Path(folder) / "notify")
        name = path if request.param == "path" else f"@{path}"
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        unit = Unit(name.replace("@", "\0", 1))
        yield unit
        unit.close()


async def test_one_process(start: Start, unit: Unit) -> None:
    server = await start()
    assert "READY=1" in await unit.told("READY=1")
    assert await unit.told("WATCHDOG=1") == ["WATCHDOG=1"]
    assert (await server.stop())[0] == 0
    assert set(await unit.told("STOPPING=1")) <= {"WATCHDOG=1", "STOPPING=1"}


async def test_several_speak_with_one_voice(start: Start, unit: Unit) -> None:
    server = await start("--workers", "2")
    heard = await unit.told("READY=1")
    server.process.send_signal(signal.SIGHUP)
    (*_, reloading) = await unit.told("RELOADING=1\nMONOTONIC_USEC=")
    assert reloading.partition("=1\nMONOTONIC_USEC=")[2].isdigit()
    heard += await unit.told("READY=1")
    assert (await server.stop())[0] == 0
    heard += await unit.told("STOPPING=1")
    assert [text for text in heard if text != "WATCHDOG=1"] == ["READY=1", "READY=1", "STOPPING=1"]
