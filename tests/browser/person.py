"""Somebody with a browser of their own: tabs that share one login, and what those pages complain about."""

import asyncio
import re
from html import unescape
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Response

from tests.browser.site import Site
from tests.cast import HTML, PASSWORD

# Chromium says so when a page is left while its socket is still opening; nobody has lost anything.
LEFT_EARLY = "WebSocket is closed before the connection is established"


class Person:
    """``problems`` must be empty in the end; ``expect`` names those that belong to the test."""

    def __init__(self, context: BrowserContext, site: Site, name: str) -> None:
        self.context = context
        self.site = site
        self.name = name
        self.problems: list[str] = []
        self._expected = [LEFT_EARLY]
        self._login_token = ""
        context.on("page", self._watch)

    def expect(self, *patterns: str) -> None:
        """Take these complaints for granted from now on (regular expressions, searched)."""
        self._expected.extend(patterns)

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self._note(f"exception: {error}"))
        page.on("console", self._hear)
        page.on("response", self._judge)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"console: {message.text} ({message.location.get('url')})")

    def _judge(self, response: Response) -> None:
        if response.status >= 500:
            self._note(f"status {response.status}: {response.url}")
        if urlsplit(response.url).netloc != urlsplit(self.site.url).netloc:
            self._note(f"another host: {response.url}")

    def _note(self, problem: str) -> None:
        if not any(re.search(pattern, problem) for pattern in self._expected):
            self.problems.append(problem)

    # -- tabs

    async def open(self, path: str) -> Page:
        """A new tab."""
        tab = await self.context.new_page()
        await tab.goto(self.site.url + path)
        return tab

    async def open_live(self, path: str) -> Page:
        """A new tab whose socket has been greeted."""
        tab = await self.context.new_page()
        greeted = asyncio.Event()
        tab.on("websocket", lambda socket: socket.on("framereceived", lambda _: greeted.set()))
        await tab.goto(self.site.url + path)
        await asyncio.wait_for(greeted.wait(), 15)
        return tab

    # -- without a tab, where the page is not what is being tested

    async def arrive(self) -> "Person":
        """Open an account and log in."""
        account = {"username": self.name, "email": f"{self.name}@example.com"}
        passwords = {"password": PASSWORD, "password2": PASSWORD}
        await self.submit("/auth/register", "/auth/login", **account, **passwords)
        return await self.log_in()

    async def log_in(self) -> "Person":
        home = await self.submit("/auth/login", "/index", username=self.name, password=PASSWORD)
        self._login_token = token_of(home)
        return self

    async def publish(self, text: str, **fields: str) -> int:
        """A post; returns its id."""
        page = await self._send("/index", "/index", post=text, **fields)
        found = re.search(r'data-post-id="(\d+)"', page)
        assert found
        return int(found[1])

    async def follow(self, other: "Person") -> None:
        await self._send(f"/follow/{other.name}", f"/user/{other.name}")

    async def unfollow(self, other: "Person") -> None:
        await self._send(f"/unfollow/{other.name}", f"/user/{other.name}")

    async def write(self, other: "Person", text: str) -> None:
        """A private message."""
        await self._send(f"/send_message/{other.name}", f"/user/{other.name}", message=text)

    async def edit(self, post_id: int, text: str) -> None:
        await self._send(f"/post/{post_id}/edit", f"/post/{post_id}", post=text)

    async def delete(self, post_id: int) -> None:
        await self._send(f"/post/{post_id}/delete", "/index")

    async def log_out(self) -> None:
        await self._send("/auth/logout", "/auth/login")

    async def submit(self, page: str, leads_to: str, **fields: str) -> str:
        """Send a page's form to the page itself; returns the page that it leads to."""
        answer = await self.context.request.get(self.site.url + page, headers=HTML)
        return await self._post(page, leads_to, token_of(await answer.text()), fields)

    async def _send(self, path: str, leads_to: str, **fields: str) -> str:
        # One token is good for a whole login.
        return await self._post(path, leads_to, self._login_token, fields)

    async def _post(self, path: str, leads_to: str, token: str, fields: dict[str, str]) -> str:
        form: dict[str, str | bool | float] = {"csrf_token": token, **fields}
        answer = await self.context.request.post(self.site.url + path, form=form, headers=HTML)
        assert answer.ok, (path, answer.status)
        assert urlsplit(answer.url).path == leads_to, (path, answer.url)
        return await answer.text()


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return unescape(found[1])
