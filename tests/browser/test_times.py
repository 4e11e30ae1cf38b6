"""Times: said by how long ago, in the page's language, and in the reader's own zone (M-133)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from tests.browser import screen
from tests.browser.conftest import Visit
from tests.browser.screen import row

pytestmark = screen.MARKS

ZONES = ["Asia/Tokyo", "America/Los_Angeles", "Asia/Kathmandu"]


def in_words(when: datetime) -> str:
    """As English readers write it."""
    half = "AM" if when.hour < 12 else "PM"
    return f"{when:%B} {when.day}, {when.year} at {when.hour % 12 or 12}:{when:%M} {half}"


@pytest.mark.parametrize("zone", ZONES)
async def test_times_are_in_the_readers_zone(member: Visit, zone: str) -> None:
    person = await member("reader", timezone_id=zone)
    await person.publish("When?")
    tab = await person.open(f"/user/{person.name}")
    time = row(tab, "When?").locator("time")
    raw = await time.get_attribute("datetime")
    assert raw is not None
    assert raw.endswith("Z")
    words = in_words(datetime.fromisoformat(raw).astimezone(ZoneInfo(zone)))
    # Browsers put a narrow space before the half of the day.
    assert " ".join((await time.get_attribute("title") or "").split()) == words
    seen = tab.locator(".profile-fact time")
    raw = await seen.get_attribute("datetime")
    assert raw is not None
    words = in_words(datetime.fromisoformat(raw).astimezone(ZoneInfo(zone)))
    assert " ".join((await seen.inner_text()).split()) == words


@pytest.mark.parametrize(
    ("locale", "now", "minutes", "days"),
    [
        ("en-US", "now", "5 minutes ago", "2 days ago"),
        ("es-ES", "ahora", "hace 5 minutos", "anteayer"),
    ],
)
async def test_times_are_relative(
    member: Visit, locale: str, now: str, minutes: str, days: str
) -> None:
    person = await member("reader", locale=locale)
    await person.publish("When?")
    tab = await person.open("/index")
    time = row(tab, "When?").locator("time")
    await expect(time).to_have_text(now)
    written = datetime.fromisoformat(await time.get_attribute("datetime") or "")
    for later, words in ((timedelta(minutes=5, seconds=1), minutes), (timedelta(days=2), days)):
        await tab.clock.set_fixed_time(written + later)
        await tab.reload()
        await expect(time).to_have_text(words)


async def test_times_go_on_in_an_open_page(member: Visit) -> None:
    person = await member("reader")
    tab = await person.context.new_page()
    await tab.clock.install()
    await person.publish("When?")
    await tab.goto(f"{person.site.url}/index")
    await expect(row(tab, "When?").locator("time")).to_have_text("now")
    await tab.clock.fast_forward("03:30")
    await expect(row(tab, "When?").locator("time")).to_have_text("3 minutes ago")
