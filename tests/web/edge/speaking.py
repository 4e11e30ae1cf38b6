"""A small application behind the edge, on a real server, spoken to byte by byte."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Response, request, websocket

LIMIT = 64 * 1024
UPLOAD_LIMIT = 2 * 1024 * 1024
PATIENCE = 10.0


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def small_app() -> Quart:
    app = Quart(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = None
    app.extensions.update(calls=[], begun=asyncio.Event(), ended=asyncio.Event())

    @app.get("/")
    @app.get("/livez")
    @app.get("/user/<name>")
    async def page(name: str = "") -> str:
        app.extensions["calls"].append(request.path)
        return f"page {name}"

    @app.get("/own")
    async def own() -> Response:
        return Response("own", headers={"X-Frame-Options": "SAMEORIGIN", "Cache-Control": "public"})

    @app.post("/form")
    async def form() -> dict[str, int]:
        app.extensions["calls"].append(request.path)
        return {"fields": len(await request.form), "files": len(await request.files)}

    @app.post("/json")
    async def json_body() -> dict[str, Any]:
        return {"got": await request.get_json()}

    @app.post("/upload")
    async def upload() -> dict[str, int]:
        app.extensions["calls"].append(request.path)
        return {"bytes": len(await request.get_data())}

    @app.post("/upload/unread")
    async def unread() -> str:
        return "no, thanks"

    @app.post("/slow")
    async def slow() -> str:
        app.extensions["begun"].set()
        try:
            await asyncio.Event().wait()
        finally:
            app.extensions["ended"].set()
        return ""

    @app.websocket("/live")
    async def live() -> None:
        await websocket.send("hello")

    return app


class Server:
    def __init__(self, port: int, app: Quart) -> None:
        self.port = port
        self.app = app
        self.writers: list[asyncio.StreamWriter] = []

    @property
    def calls(self) -> list[str]:
        calls: list[str] = self.app.extensions["calls"]
        return calls

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    async def send(self, *pieces: bytes) -> Answer:
        reader, writer = await self.open()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await read_answer(reader)

    async def get(self, target: str, *fields: str, method: str = "GET") -> Answer:
        return await self.send(head(f"{method} {target}", *fields))

    async def post(self, path: str, content_type: str, body: bytes) -> Answer:
        fields = (f"Content-Type: {content_type}", f"Content-Length: {len(body)}")
        return await self.send(head(f"POST {path}", *fields) + body)

    async def close(self) -> None:
        for writer in self.writers:
            writer.close()
        await asyncio.gather(*(w.wait_closed() for w in self.writers), return_exceptions=True)


def head(line: str, *fields: str, host: str | None = "site.example", version: str = "1.1") -> bytes:
    hosts = [] if host is None else [f"Host: {host}"]
    lines = [f"{line} HTTP/{version}", *hosts, *fields]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    async with asyncio.timeout(PATIENCE):
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        fields = {name.lower(): value for name, value in pairs}
        status = int(lines[0].split(" ")[1])
        body = await reader.readexactly(int(fields.get("content-length", 0)))
    return Answer(status, fields, body)


def assert_refused(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["connection"] == "close"
    assert str(status).encode() in answer.body


StartServer = Callable[..., Awaitable[Server]]


async def serve_app(app: Quart) -> tuple[Server, Callable[[], Awaitable[None]]]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listening.fileno()}"]
    config.graceful_timeout = 0.2
    config.errorlog = None
    closing = asyncio.Event()
    server = Server(listening.getsockname()[1], app)
    serving = asyncio.create_task(serve(app, config, shutdown_trigger=closing.wait))
    # The server makes a socket of its own from the number, and closes that.
    listening.detach()

    async def stop() -> None:
        await server.close()
        closing.set()
        await asyncio.wait_for(serving, PATIENCE)

    return server, stop


def handshake(path: str = "/live", host: str = "site.example") -> bytes:
    return head(
        f"GET {path}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        host=host,
    )
