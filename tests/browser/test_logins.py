"""A login ends, or is another one than the page believes: the page says so, and what was typed comes back."""

import re

from playwright.async_api import expect

from tests.browser import screen
from tests.browser.conftest import Visit
from tests.browser.screen import button, composer, flash, row

pytestmark = screen.MARKS


async def test_logging_out_ends_the_other_tabs(member: Visit) -> None:
    reader = await member("reader")
    tabs = [await reader.open_live(path) for path in ("/index", "/explore")]
    toast = "You have been signed out. New posts no longer arrive here."
    for tab in tabs:
        await expect(tab.get_by_text(toast)).to_be_hidden()
    await screen.log_out(await reader.open("/edit_profile"))
    for tab in tabs:
        await expect(tab.get_by_text(toast)).to_be_visible()
        await expect(tab.locator("[data-live-status]")).to_be_hidden()
    await button(tabs[0], "Login").or_(tabs[0].locator(".toast a")).click()
    await screen.log_in(tabs[0], reader.name)
    await expect(tabs[0].locator(".live-status.is-open")).to_be_visible()


async def test_another_login_of_the_same_person_stays(member: Visit, visit: Visit) -> None:
    here = await member("reader")
    there = await visit(here.site)
    there.name = here.name
    tab = await (await there.log_in()).open_live("/index")
    await here.log_out()
    await there.publish("Still here")
    await expect(row(tab, "Still here")).to_be_visible()
    await expect(tab.locator("[data-live-ended]")).to_be_hidden()


async def test_a_post_written_while_the_login_ended_comes_back(member: Visit) -> None:
    writer = await member("writer")
    tab = await writer.open_live("/index")
    await composer(tab).fill("Long thought\nabout")
    await writer.log_out()
    await expect(tab.locator("[data-live-ended]")).to_be_visible()
    await expect(composer(tab)).to_have_value("Long thought\nabout")
    await button(tab, "Submit").click()
    await expect(flash(tab)).to_have_text("Please log in to access this page.")
    await screen.log_in(tab, writer.name)
    await expect(composer(tab)).to_have_value(re.compile(r"Long thought\r?\nabout"))
    await button(tab, "Submit").click()
    await expect(flash(tab)).to_have_text("Your post is now live!")
    assert await screen.texts(tab) == ["Long thought\nabout"]
    await expect(composer(tab)).to_have_value("")
    await tab.reload()
    await expect(composer(tab)).to_have_value("")


async def test_it_comes_back_without_scripts_too(member: Visit) -> None:
    writer = await member("writer", java_script_enabled=False)
    tab = await writer.open("/index")
    await composer(tab).fill("Long thought")
    await writer.log_out()
    await button(tab, "Submit").click()
    await screen.log_in(tab, writer.name)
    await expect(composer(tab)).to_have_value("Long thought")


async def test_a_change_written_while_the_login_ended_comes_back(member: Visit) -> None:
    writer = await member("writer")
    post = await writer.publish("As it was")
    tab = await writer.open(f"/post/{post}/edit")
    await composer(tab).fill("As it should be")
    await writer.log_out()
    await button(tab, "Submit").click()
    await screen.log_in(tab, writer.name)
    await tab.goto(f"{writer.site.url}/post/{post}/edit")
    await expect(composer(tab)).to_have_value("As it should be")


async def test_a_page_of_an_earlier_login_is_refused_and_keeps_the_text(member: Visit) -> None:
    writer = await member("writer")
    tab = await writer.open("/index")
    await composer(tab).fill("From before")
    await writer.log_out()
    await writer.log_in()
    writer.expect(r"status of 400 .*/index")
    await button(tab, "Submit").click()
    await expect(tab.get_by_role("heading", name="Bad Request")).to_be_visible()
    kept = tab.get_by_role("region", name="What you typed").get_by_label("Post")
    await expect(kept).to_have_value("From before")
    await tab.locator("main").get_by_role("link", name="Back").click()
    await expect(composer(tab)).to_have_value("From before")
    await button(tab, "Submit").click()
    await expect(row(tab, "From before")).to_be_visible()
