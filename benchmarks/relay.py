"""`python -m benchmarks.relay PORT`: a wire between clients and a server, which can be cut.

It prints the port that it listens on, and answers each word on its input with the same word:
`hush` loses whatever is sent in either direction, `cut` breaks every connection and refuses new
ones, `mend` makes all well.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from benchmarks.client import HOST
from microblog.serving.process import fast_loop

# Below those that the system gives to clients, so that nobody takes it while the wire is cut.
_PORTS = range(20_000, 30_000)
_BACKLOG = 4096
Say = Callable[[str], Awaitable[None]]


class _End(asyncio.Protocol):
    """One end of a connection through the relay; what comes in at one goes out at the other."""

    def __init__(self, relay: "Relay", other: "_End | None" = None) -> None:
        self._relay = relay
        self._other = other
        self._waiting = bytearray()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._relay.ends.add(self)
        if self._other is None:
            self._relay.connect(self)
        else:
            self._other.join(self)

    def join(self, other: "_End") -> None:
        self._other = other
        if self.transport is None or self.transport.is_closing():
            other.close()
        elif self._waiting:
            other.send(bytes(self._waiting))

    def data_received(self, data: bytes) -> None:
        if self._other is None:
            self._waiting += data
        elif not self._relay.is_hushed:
            self._other.send(data)

    def send(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self._relay.ends.discard(self)
        if self._other is not None and not self._relay.is_hushed:
            self._other.close()


class Relay:
    """Passes connections on to a port."""

    def __init__(self, port: int) -> None:
        self.ends: set[_End] = set()
        self.is_hushed = False
        self._port = port
        self._mine = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> int:
        for port in [self._mine] if self._mine else _PORTS:
            try:
                self._server = await asyncio.get_running_loop().create_server(
                    lambda: _End(self), HOST, port, backlog=_BACKLOG
                )
            except OSError:
                continue
            self._mine = port
            return port
        raise RuntimeError("there is no free port")

    def connect(self, client: _End) -> None:
        task = asyncio.create_task(self._connect(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, client: _End) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _End(self, client), HOST, self._port)
        except OSError:
            client.close()

    async def obey(self, word: str) -> None:
        if word == "hush":
            self.is_hushed = True
        elif word == "cut":
            if self._server is not None:
                self._server.close()
            for end in list(self.ends):
                if end.transport is not None:
                    end.transport.abort()
        else:
            self.is_hushed = False
            await self.listen()


async def _main(port: int) -> None:
    relay = Relay(port)
    print(await relay.listen(), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while word := (await reader.readline()).decode().strip():
        await relay.obey(word)
        print(word, flush=True)


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[tuple[int, Say]]:
    """A wire to this port, in a process of its own: where it begins, and how to command it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.relay", str(port)),
        cwd=Path(__file__).parents[1],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, words = process.stdin, process.stdout
    assert said is not None
    assert words is not None

    async def say(word: str) -> None:
        said.write(f"{word}\n".encode())
        if (await words.readline()).decode().strip() != word:
            raise RuntimeError(f"the relay did not {word}")

    try:
        yield int(await words.readline()), say
    finally:
        said.close()
        await process.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=fast_loop) as runner:
        runner.run(_main(int(sys.argv[1])))
