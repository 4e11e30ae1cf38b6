"""A translation service on loopback: it speaks as the real ones do, or misbehaves as it is told."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "the key that only the service knows"

JSON_HEAD = "HTTP/1.1 {status} X\r\nContent-Type: application/json; charset=utf-8\r\n"


@dataclass(frozen=True)
class Asked:
    """One question that has arrived."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: Any


class TranslationService:
    """Says ``<language>: <text>``. ``manner`` is how it answers from now on."""

    def __init__(self) -> None:
        self.manner = "well"
        self.connections = 0
        self.asked: list[Asked] = []
        self.port = 0
        self.changed = asyncio.Condition()
        self.delay = 0.0
        """Seconds before every answer."""
        self.go_on = asyncio.Event()
        """What is held back waits for this."""
        self.go_on.set()
        self.elsewhere = ""
        """Where redirects lead."""
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def begin(self) -> None:
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def go_away(self) -> None:
        """Listen no more, and drop everybody."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._conversations):
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    async def was_asked(self, times: int, *, seconds: float = 15) -> None:
        """Return when that many questions have arrived."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(lambda: len(self.asked) >= times)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._answer(await self._read(reader), writer):
                    pass
        finally:
            writer.transport.abort()  # type: ignore[attr-defined]
            self._conversations.discard(task)

    async def _read(self, reader: asyncio.StreamReader) -> Asked:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        address = urlsplit(first.split(" ")[1])
        asked = Asked(
            address.path, dict(parse_qsl(address.query)), headers, json.loads(content or b"null")
        )
        async with self.changed:
            self.asked.append(asked)
            self.changed.notify_all()
        return asked

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """True if the connection stays open."""
        await self.go_on.wait()
        if self.delay:
            await asyncio.sleep(self.delay)
        manner = self.manner
        if manner == "reset":
            writer.transport.abort()  # type: ignore[attr-defined]
            return False
        if manner == "hang":
            await asyncio.sleep(60)
        if manner == "redirect":
            head = f"HTTP/1.1 307 X\r\nLocation: {self.elsewhere}\r\nContent-Length: 0\r\n\r\n"
            writer.write(head.encode())
        elif manner == "html":
            body = b"<html><script>alert(1)</script></html>"
            writer.write(plain(200, body, "text/html"))
        elif manner in ("drip", "endless", "gigabyte"):
            await self._flood(manner, writer)
        elif manner == "packed":
            bomb = gzip.compress(b'"' + b"a" * 10_000_000 + b'"')
            writer.write(plain(200, bomb, extra="Content-Encoding: gzip\r\n"))
        elif manner.isdigit():
            writer.write(plain(int(manner), b'{"error": {"code": 1, "message": "no <b>"}}'))
        elif manner.startswith("raw:"):
            writer.write(plain(200, manner.removeprefix("raw:").encode()))
        else:
            said = "" if manner == "empty" else None
            writer.write(plain(200, json.dumps(self._translation(asked, said)).encode()))
        await writer.drain()
        return True

    async def _flood(self, manner: str, writer: asyncio.StreamWriter) -> None:
        length = "1000000000" if manner == "gigabyte" else "5000"
        writer.write(f"{JSON_HEAD.format(status=200)}Content-Length: {length}\r\n\r\n".encode())
        while True:
            writer.write(b" " if manner == "drip" else b" " * 65536)
            await writer.drain()
            await asyncio.sleep(0.2 if manner == "drip" else 0)

    def _translation(self, asked: Asked, said: str | None) -> Any:
        content = asked.content
        if asked.path == "/v2/translate":
            target, text = content["target_lang"].lower(), content["text"][0]
            return {"translations": [{"text": self._say(target, text, said)}]}
        if isinstance(content, dict) and "q" in content:
            return {"translatedText": self._say(content["target"], content["q"], said)}
        if asked.query.get("api-version") == "2026-06-06":
            (question,) = content["inputs"]
            target = question["targets"][0]["language"]
            text = self._say(target, question["text"], said)
            return {"value": [{"translations": [{"language": target, "text": text}]}]}
        target = asked.query["to"]
        text = self._say(target, content[0]["Text"], said)
        return [{"translations": [{"text": text, "to": target}]}]

    def _say(self, target: str, text: str, said: str | None) -> str:
        return f"{target}: {text}" if said is None else said


def plain(status: int, body: bytes, kind: str = "application/json", extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{extra}Content-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


@asynccontextmanager
async def translation_service() -> AsyncIterator[TranslationService]:
    """A service on the loop of the test."""
    service = TranslationService()
    await service.begin()
    try:
        yield service
    finally:
        await service.go_away()


def environ(service: TranslationService, provider: str = "microsoft") -> dict[str, str]:
    """What an operator sets to use it."""
    return {"TRANSLATOR": provider, "TRANSLATOR_URL": service.url, "MS_TRANSLATOR_KEY": KEY}
