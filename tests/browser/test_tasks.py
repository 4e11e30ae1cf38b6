"""Boxes of what somebody has begun: in every tab, live, over reloads and restarts, up to their end."""

import re
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from tests.browser import screen
from tests.browser.conftest import Serve, Visit
from tests.browser.screen import button, flash

pytestmark = screen.MARKS

EXPORT = "Export your posts"
SLOW = {"MICROBLOG_ARCHIVES_PAUSE": "0.5"}


def box(tab: Page) -> Locator:
    return tab.locator("#tasks .task")


def percent(tab: Page) -> Locator:
    return tab.locator("#tasks [id$='-progress']")


async def test_from_the_first_percent_to_the_file(
    visit: Visit, serve: Serve, tmp_path: Path
) -> None:
    """JOB-01, JOB-04, JOB-06, JOB-07, JOB-14: two tabs, a reload, a restart, and back again."""
    site = serve(**SLOW)
    susan = await (await visit(site, "susan")).arrive()
    for number in range(10):
        await susan.publish(f"post {number}")
    profile, other = await susan.open_live(f"/user/{susan.name}"), await susan.open_live("/explore")
    third = await susan.open_live(f"/user/{susan.name}")
    await button(profile, EXPORT).click()
    await expect(box(profile)).to_contain_text(re.compile(r"Exporting posts\.\.\. \d+%"))
    # Without a reload it appears, and moves; the button is gone, here and there.
    await expect(box(other)).to_contain_text("Exporting posts...")
    for tab in (profile, third):
        await expect(button(tab, EXPORT)).to_have_count(0)
    await expect(percent(other)).to_have_text("20")
    await expect(percent(profile)).to_have_text(re.compile(r"[2-9]0"))
    await other.reload()
    await expect(percent(other)).to_have_text(re.compile(r"[2-9]0"))
    susan.expect("WebSocket", "ERR_CONNECTION_REFUSED", "Failed to load resource")
    site.stop()
    site.start()
    for tab in (profile, other):
        await expect(box(tab)).to_contain_text("Your archive is ready.")
    for tab in (profile, third):
        await expect(button(tab, EXPORT)).to_have_count(1)
    await box(other).get_by_role("button", name="Close").click()
    await expect(box(other)).to_have_count(0)
    await box(profile).get_by_role("link", name="Download").click()
    await expect(profile.get_by_role("heading", name="Export and import")).to_be_in_viewport()
    async with profile.expect_download() as download:
        await profile.locator("main").get_by_role("link", name="Download").click()
    file = tmp_path / (await download.value).suggested_filename
    assert re.fullmatch(rf"microblog-{susan.name}-\d{{4}}-\d\d-\d\d\.zip", file.name)
    await (await download.value).save_as(file)
    anna = await (await visit(site, "anna")).arrive()
    tab = await anna.open_live("/account")
    await tab.get_by_label("Bring posts back out of an archive").set_input_files(file)
    await button(tab, "Import posts").click()
    await expect(box(tab)).to_contain_text("Your posts are back.")
    await box(tab).get_by_role("link", name="See them").click()
    await expect(tab.locator("#posts .post-body")).to_have_text(
        [f"post {n}" for n in range(9, -1, -1)]
    )


async def test_called_off_and_what_is_said_of_it(visit: Visit, serve: Serve) -> None:
    """With a script in place; in the other tab too; without one by a page."""
    site = serve(MICROBLOG_JOBS_INSIDE="false")
    susan = await (await visit(site, "susan")).arrive()
    here, there = await susan.open_live("/index"), await susan.open_live(f"/user/{susan.name}")
    await button(there, EXPORT).click()
    await expect(box(here)).to_have_text(re.compile(r"Exporting posts\.\.\. 0%\s*Cancel"))
    await screen.composer(here).fill("half a thought")
    await box(here).get_by_role("button", name="Cancel").click()
    for tab in (here, there):
        await expect(box(tab)).to_contain_text("The export has been called off.")
    await expect(button(there, EXPORT)).to_have_count(1)
    assert await screen.composer(here).input_value() == "half a thought"
    plain = await (await visit(site, "plain", java_script_enabled=False)).arrive()
    tab = await plain.open(f"/user/{plain.name}")
    await button(tab, EXPORT).click()
    await expect(box(tab)).to_contain_text("Exporting posts... 0%")
    await tab.goto(site.url + "/explore")
    await box(tab).get_by_role("button", name="Cancel").click()
    await expect(flash(tab)).to_have_text("It has been called off.")
    assert tab.url == site.url + "/explore"
    await expect(box(tab)).to_have_count(0)
