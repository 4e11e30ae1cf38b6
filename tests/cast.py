"""The people of the tests, and the browsers that they use.

susan, john, mary and david have accounts; the stranger has none and must see nothing.
"""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from argon2 import PasswordHasher
from quart import Quart
from quart.wrappers import Response

from microblog.domain import follows, messages, posts, sessions, users
from microblog.domain.actors import Actor
from microblog.resources import Resources
from tests import secrecy

PASSWORD = "correct horse battery"
# As cheap as argon2 allows: what it costs is none of these tests' business.
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


class Browser:
    """A browser with its cookies: reads pages, and sends forms with the page's own token."""

    def __init__(self, app: Quart) -> None:
        self.client = app.test_client()

    async def get(self, path: str, **headers: str) -> Response:
        return await self.client.get(path, headers={**HTML, **headers})

    async def text(self, path: str) -> str:
        response = await self.get(path)
        assert response.status_code == 200, (path, response.status_code)
        return await response.get_data(as_text=True)

    async def submit(self, page: str, to: str | None = None, **fields: str) -> Response:
        """Open ``page``, fill in its form and send it to ``to`` (to the page itself if absent)."""
        return await self.post(to or page, csrf_token=await self.token(page), **fields)

    async def post(self, path: str, **fields: str) -> Response:
        """Send a form without looking at any page first."""
        return await self.client.post(path, form=fields, headers=HTML)

    async def token(self, page: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', await self.text(page))
        assert found, f"{page} has no form"
        secrecy.spoken(found[1])
        return unescape(found[1])

    def hold(self, login_token: str) -> None:
        """Have the cookie of a login that was opened without a page."""
        (auth,) = self.client.app.extensions["QUART_AUTH"]
        signed = auth.dump_token(login_token, self.client.app)
        secrecy.spoken(login_token)
        secrecy.spoken(signed)
        self.client.set_cookie("localhost", auth.cookie_name, signed)

    async def log_in(self, username: str, password: str = PASSWORD, **fields: str) -> Response:
        return await self.submit("/auth/login", username=username, password=password, **fields)


@dataclass
class Person:
    """Somebody with an account: ``actor`` for the domain, ``browser`` for pages (logged in)."""

    actor: Actor
    browser: Browser

    @property
    def id(self) -> int:
        return self.actor.id

    @property
    def username(self) -> str:
        return self.actor.username


@dataclass
class Cast:
    susan: Person
    john: Person
    mary: Person
    david: Person
    stranger: Browser
    resources: Resources

    @classmethod
    async def assembled(cls, app: Quart) -> "Cast":
        resources: Resources = app.extensions["microblog"]
        people = {}
        async with resources.database.begin() as session:
            for name in ("susan", "john", "mary", "david"):
                user = await users.register(session, name, f"{name}@example.com", PASSWORD_HASH)
                token = await sessions.begin(
                    session, user.id, remembered=False, device="", lifetimes=sessions.Lifetimes()
                )
                browser = Browser(app)
                browser.hold(token)
                people[name] = Person(Actor(user.id, user.username), browser)
        return cls(**people, stranger=Browser(app), resources=resources)

    async def publish(self, person: Person, body: str, **arguments: Any) -> int:
        """A post, straight through the domain; returns its id."""
        async with self.resources.database.begin() as session:
            post = await posts.publish(session, person.actor, body, length=500, **arguments)
            return post.id

    async def write(self, sender: Person, recipient: Person, body: str) -> int:
        """A private message, straight through the domain; returns its id."""
        async with self.resources.database.begin() as session:
            user = await users.by_id(session, recipient.id)
            message = await messages.send(session, sender.actor, user, body, length=2000)
            return message.id

    async def follow(self, follower: Person, followed: Person) -> None:
        async with self.resources.database.begin() as session:
            user = await users.by_id(session, followed.id)
            await follows.follow(session, follower.actor, user)


async def enrol(resources: Resources, name: str, password_hash: str) -> Actor:
    async with resources.database.begin() as session:
        user = await users.register(session, name, f"{name}@example.com", password_hash)
        return Actor(user.id, user.username)
