"""Walks through a service that speaks a language of its own, and prints the pages as JSON.

Run as a program, so that the package at hand is the one in which that language was added.
"""

import asyncio
import json
import os

from microblog.app import create_app
from microblog.settings import NO_FILE, load
from tests.cast import HTML, Browser

OUTSIDE = ("/auth/login", "/auth/register", "/auth/reset_password_request", "/nowhere")
INSIDE = (
    *("/", "/explore", "/user/n1", "/user/n2", "/post/1", "/post/1/edit", "/edit_profile"),
    *("/account", "/auth/logout", "/post/7"),
)


async def walk(language: str) -> dict[str, str]:
    app = create_app(load(NO_FILE, dict(os.environ)))
    async with app.test_app():
        browser = Browser(app)
        browser.client.set_cookie("localhost", "language", language)
        pages = {path: await shown(browser, path) for path in OUTSIDE}
        refused = await browser.submit("/auth/register", username="", password2="1")
        pages["refused"] = await refused.get_data(as_text=True)
        for name in ("n2", "n1"):
            await browser.submit(
                "/auth/register", username=name, email=f"{name}@0.00", **twice("0123456789")
            )
        await browser.log_in("n1", "0123456789")
        pages["empty"] = await shown(browser, "/")
        await browser.submit("/", post="111")
        await browser.submit("/post/1/edit", post="222")
        return pages | {path: await shown(browser, path) for path in INSIDE}


async def shown(browser: Browser, path: str) -> str:
    response = await browser.client.get(path, headers=HTML)
    return str(await response.get_data(as_text=True))


def twice(password: str) -> dict[str, str]:
    return {"password": password, "password2": password}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(walk("eo"))))
