"""The server goes away and comes back: pages go on where they were, and no text is lost."""

from playwright.async_api import expect

from tests.browser import screen
from tests.browser.conftest import Serve, Visit
from tests.browser.screen import button, composer, flash, row, rows
from tests.browser.site import Site

pytestmark = screen.MARKS

AWAY = r"ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INTERNET_DISCONNECTED|WebSocket connection"


async def test_an_open_page_goes_on_after_a_restart(visit: Visit, serve: Serve) -> None:
    site = serve()
    reader, writer = [await (await visit(site, name)).arrive() for name in ("reader", "writer")]
    await reader.follow(writer)
    tab = await reader.open_live("/index")
    await writer.publish("Before")
    await expect(row(tab, "Before")).to_be_visible()
    reader.expect(AWAY)
    site.stop()
    await expect(tab.locator(".live-status.is-open")).to_be_hidden()
    site.start()
    for number in range(5):
        await writer.publish(f"Meanwhile {number}")
    # A while may pass: after a restart readers come back spread in time.
    await expect(row(tab, "Meanwhile 4")).to_be_visible(timeout=45_000)
    await expect(tab.locator(".live-status.is-open")).to_be_visible()
    await writer.publish("After")
    await expect(row(tab, "After")).to_be_visible()
    meanwhile = [f"Meanwhile {number}" for number in range(4, -1, -1)]
    assert await screen.texts(tab) == ["After", *meanwhile, "Before"]


async def test_what_happened_while_offline_is_made_good(visit: Visit, serve: Serve) -> None:
    site = serve()
    reader, writer = [await (await visit(site, name)).arrive() for name in ("reader", "writer")]
    await reader.follow(writer)
    posts = [await writer.publish(f"Old {number}") for number in range(3)]
    tab = await reader.open_live("/index")
    reader.expect(AWAY)
    await reader.context.set_offline(True)
    await expect(tab.locator(".live-status.is-open")).to_be_hidden()
    await writer.publish("Before the restart")
    site.stop()
    site.start()
    await writer.edit(posts[1], "Old 1, mended")
    await writer.delete(posts[2])
    await writer.publish("After the restart")
    await reader.context.set_offline(False)
    await expect(row(tab, "After the restart")).to_be_visible()
    expected = ["After the restart", "Before the restart", "Old 1, mended", "Old 0"]
    assert await screen.texts(tab) == expected


async def test_a_text_sent_to_a_stopped_server_is_kept(visit: Visit, serve: Serve) -> None:
    site = serve()
    writer = await (await visit(site, "writer")).arrive()
    tab = await writer.open_live("/index")
    await composer(tab).fill("Do not lose me")
    writer.expect(AWAY, "chrome-error")
    site.stop()
    await button(tab, "Submit").click()
    await expect(composer(tab)).to_have_count(0)
    site.start()
    await tab.goto(f"{site.url}/index")
    await expect(composer(tab)).to_have_value("Do not lose me")
    await button(tab, "Submit").click()
    await expect(flash(tab)).to_have_text("Your post is now live!")
    assert await screen.texts(tab) == ["Do not lose me"]
    await expect(composer(tab)).to_have_value("")


async def test_two_processes_on_postgresql(visit: Visit, serve: Serve, postgresql_url: str) -> None:
    site: Site = serve("--workers", "2", DATABASE_URL=postgresql_url)
    reader, writer = [await (await visit(site, name)).arrive() for name in ("reader", "writer")]
    await reader.follow(writer)
    # Enough of them that both processes have some.
    tabs = [await reader.open_live("/index") for _ in range(6)]
    post = 0
    for number in range(4):
        post = await writer.publish(f"News {number}")
    await writer.edit(post, "News 3, mended")
    for tab in tabs:
        await expect(row(tab, "News 3, mended")).to_be_visible()
        assert await screen.texts(tab) == ["News 3, mended", "News 2", "News 1", "News 0"]
    await writer.delete(post)
    for tab in tabs:
        await expect(rows(tab)).to_have_count(3)
