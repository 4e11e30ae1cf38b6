"""JavaScript is off: everything works, only that rows do not arrive by themselves."""

import re

from playwright.async_api import expect

from tests.browser import screen
from tests.browser.conftest import Visit
from tests.browser.screen import button, composer, flash, row, rows
from tests.browser.site import Site

pytestmark = screen.MARKS


async def test_an_account_from_beginning_to_end(visit: Visit, site: Site) -> None:
    person = await visit(site, "plain", java_script_enabled=False)
    tab = await person.open("/auth/register")
    await screen.register(tab, person.name)
    await expect(flash(tab)).to_have_text("Congratulations, you are now a registered user!")
    await screen.log_in(tab, person.name)
    await expect(tab.get_by_role("heading", name=f"Hi, {person.name}!")).to_be_visible()

    await tab.get_by_role("link", name="Profile").click()
    await tab.get_by_role("link", name="Edit your profile").click()
    await tab.get_by_label("Username").fill(f"{person.name}.2")
    await tab.get_by_label("About me").fill("Quiet\nand plain")
    await button(tab, "Submit").click()
    await expect(flash(tab)).to_have_text("Your changes have been saved.")
    await tab.get_by_role("link", name="Profile").click()
    await expect(tab.get_by_role("heading", name=f"User: {person.name}.2")).to_be_visible()
    await expect(tab.locator(".profile-about")).to_have_text("Quiet and plain")

    await screen.log_out(tab)
    await tab.goto(f"{site.url}/index")
    await expect(flash(tab)).to_have_text("Please log in to access this page.")


async def test_a_post_from_beginning_to_end(member: Visit) -> None:
    writer = await member("plain", java_script_enabled=False)
    tab = await writer.open("/index")
    await screen.say(tab, "As it was\nhttps://example.com/")
    link = rows(tab).get_by_role("link", name="https://example.com/")
    await expect(link).to_have_attribute("rel", re.compile("noopener"))
    await expect(composer(tab)).to_have_value("")
    # The way to one's own post without scripts: its time is a link to its own page.
    await rows(tab).locator(".post-when").click()
    await tab.get_by_role("link", name="Edit", exact=True).click()
    await expect(composer(tab)).to_have_value("As it was\nhttps://example.com/")
    await composer(tab).fill("As it is")
    await button(tab, "Submit").click()
    await expect(row(tab, "As it is")).to_contain_text("edited")
    await tab.get_by_text("1 earlier version").click()
    await expect(tab.locator(".versions")).to_contain_text("As it was")
    await button(tab, "Delete").click()
    await expect(flash(tab)).to_have_text("Your post has been deleted.")
    await expect(rows(tab)).to_have_count(0)


async def test_following_and_back(member: Visit) -> None:
    reader, writer = await member("plain", java_script_enabled=False), await member("writer")
    await writer.publish("Read me")
    tab = await reader.open(f"/user/{writer.name}")
    await button(tab, "Follow").click()
    await expect(flash(tab)).to_have_text(f"You are following {writer.name}!")
    await expect(tab.get_by_text("1 followers, 0 following.")).to_be_visible()
    await tab.get_by_role("link", name="Home").click()
    await expect(row(tab, "Read me")).to_be_visible()
    await row(tab, "Read me").get_by_role("link", name=writer.name).click()
    await button(tab, "Unfollow").click()
    await expect(flash(tab)).to_have_text(f"You are not following {writer.name}.")
    await tab.get_by_role("link", name="Home").click()
    await expect(tab.get_by_role("heading", name="You follow nobody yet")).to_be_visible()


async def test_turning_pages(member: Visit) -> None:
    writer = await member("plain", java_script_enabled=False)
    for number in range(30):
        await writer.publish(f"Post {number}")
    newest, oldest = ([f"Post {n}" for n in ns] for ns in (range(29, 4, -1), range(4, -1, -1)))
    tab = await writer.open("/index")
    assert await screen.texts(tab) == newest
    await expect(tab.get_by_role("link", name="Newer posts")).to_be_disabled()
    await tab.get_by_role("link", name="Older posts").click()
    assert await screen.texts(tab) == oldest
    await expect(tab.get_by_role("link", name="Older posts")).to_be_disabled()
    await tab.get_by_role("link", name="Newer posts").click()
    assert await screen.texts(tab) == newest
    # A post that arrives meanwhile neither repeats a row nor hides one.
    await writer.publish("Post 30")
    await tab.get_by_role("link", name="Older posts").click()
    assert await screen.texts(tab) == oldest


async def test_what_only_scripts_can_do_is_not_shown(member: Visit) -> None:
    writer = await member("plain", java_script_enabled=False)
    await writer.publish("Mine")
    tab = await writer.open("/index")
    for part in (".counter", "[data-live-status]", "#new-posts", "[data-live-ended]"):
        await expect(tab.locator(part)).to_be_hidden()
    # Nobody can know the reader's zone here: the time is given as UTC.
    await expect(rows(tab).locator("time")).to_contain_text("UTC")
