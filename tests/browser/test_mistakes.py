"""Typing wrong things: a clear word at the field, and everything that was typed is still there."""

import pytest
from playwright.async_api import expect

from tests.browser import screen
from tests.browser.conftest import Visit
from tests.browser.screen import button, composer, error_at, flash, rows
from tests.browser.site import Site
from tests.cast import PASSWORD

pytestmark = screen.MARKS


@pytest.mark.parametrize("scripts", [True, False])
async def test_an_empty_post(member: Visit, scripts: bool) -> None:
    writer = await member("writer", java_script_enabled=scripts)
    tab = await writer.open("/index")
    for text in ("", " \n "):
        await composer(tab).fill(text)
        await button(tab, "Submit").click()
        await expect(error_at(tab, "post")).to_have_text("This field is required.")
        await expect(composer(tab)).to_have_attribute("aria-invalid", "true")
    await expect(rows(tab)).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_post_that_is_too_long(member: Visit, scripts: bool) -> None:
    writer = await member("writer", java_script_enabled=scripts)
    tab = await writer.open("/index")
    text = "🙂" * 500 + "!"
    await composer(tab).fill(text)
    if scripts:
        await expect(tab.locator(".counter.is-over .counter-number")).to_have_text("-1")
    await button(tab, "Submit").click()
    await expect(error_at(tab, "post")).to_contain_text("500")
    await expect(composer(tab)).to_have_value(text)
    await composer(tab).fill(text[:-1])
    await button(tab, "Submit").click()
    await expect(flash(tab)).to_have_text("Your post is now live!")
    assert await screen.texts(tab) == [text[:-1]]


async def test_a_change_that_is_too_long(member: Visit) -> None:
    writer = await member("writer")
    tab = await writer.open(f"/post/{await writer.publish('Short')}/edit")
    await composer(tab).fill("x" * 501)
    await button(tab, "Submit").click()
    await expect(error_at(tab, "post")).to_contain_text("500")
    await expect(composer(tab)).to_have_value("x" * 501)


async def test_a_taken_name(member: Visit, visit: Visit, site: Site) -> None:
    other = await member("susan")
    stranger = await visit(site)
    tab = await stranger.open("/auth/register")
    await tab.get_by_label("Username").fill(other.name.upper())
    await tab.get_by_label("Email").fill(f"{stranger.name}@example.com")
    for label in ("Password", "Repeat Password"):
        await tab.get_by_label(label, exact=True).fill(PASSWORD)
    await button(tab, "Register").click()
    await expect(error_at(tab, "username")).to_have_text("Please use a different username.")
    await expect(tab.get_by_label("Username")).to_have_value(other.name.upper())
    await expect(tab.get_by_label("Email")).to_have_value(f"{stranger.name}@example.com")

    await screen.register(tab, stranger.name)
    await expect(flash(tab)).to_have_text("Congratulations, you are now a registered user!")


async def test_everything_wrong_at_once(visit: Visit, site: Site) -> None:
    tab = await (await visit(site)).open("/auth/register")
    await tab.get_by_label("Username").fill("susan")
    await tab.get_by_label("Email").fill("susan at example")
    await tab.get_by_label("Password", exact=True).fill("one password")
    await tab.get_by_label("Repeat Password").fill("another password")
    await button(tab, "Register").click()
    await expect(error_at(tab, "email")).to_have_text("Invalid email address.")
    await expect(error_at(tab, "password2")).to_be_visible()
    await expect(tab.get_by_label("Username")).to_have_value("susan")
    await expect(tab.get_by_label("Email")).to_have_value("susan at example")
    await expect(tab.get_by_label("Password", exact=True)).to_have_value("")


async def test_a_wrong_password(member: Visit, visit: Visit) -> None:
    susan = await member("susan")
    tab = await (await visit(susan.site)).open("/explore")
    await expect(flash(tab)).to_have_text("Please log in to access this page.")
    await screen.log_in(tab, susan.name, "wrong horse battery")
    await expect(flash(tab)).to_have_text("Invalid username or password")
    await screen.log_in(tab, f"{susan.name}@example.com")
    await expect(tab).to_have_url(f"{susan.site.url}/explore")


async def test_a_taken_name_on_the_profile(member: Visit) -> None:
    susan, john = await member("susan"), await member("john")
    tab = await susan.open("/edit_profile")
    await tab.get_by_label("Username").fill(john.name)
    await tab.get_by_label("About me").fill("It's me")
    await button(tab, "Submit").click()
    await expect(error_at(tab, "username")).to_have_text("Please use a different username.")
    await expect(tab.get_by_label("Username")).to_have_value(john.name)
    await expect(tab.get_by_label("About me")).to_have_value("It's me")
