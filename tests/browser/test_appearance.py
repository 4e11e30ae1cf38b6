"""Every page: obeys the strict policy, complains of nothing, and fits a phone, in light and in dark."""

import pytest
from playwright.async_api import Page, expect

from tests.browser import screen
from tests.browser.conftest import Visit
from tests.browser.person import Person
from tests.browser.screen import button, composer
from tests.browser.site import Site

pytestmark = screen.MARKS

PHONE = {"width": 390, "height": 844}
LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 6


async def pages_of(person: Person, post: int, other: Person) -> list[str]:
    return [
        "/index",
        "/explore",
        f"/user/{person.name}",
        f"/post/{post}",
        f"/post/{post}/edit",
        "/edit_profile",
        "/conversations",
        "/messages",
        f"/messages/{other.name}",
        f"/send_message/{other.name}",
        "/auth/logout",
        "/nowhere",
    ]


async def with_long_words(person: Person) -> int:
    """Fill the pages with what does not like to be broken."""
    await person.publish(f"https://example.com/{'path/' * 60}")
    post = await person.publish(LONG)
    await person.edit(post, f"{LONG}!")
    name = f"{person.name}-{'m' * 64}"[:64]
    words = {"username": name, "display_name": "Wideword" * 8, "about_me": LONG}
    await person.submit("/edit_profile", "/edit_profile", **words)
    person.name = name
    return post


async def overflow(tab: Page) -> int:
    return int(await tab.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_shows_everything(member: Visit, visit: Visit, scheme: str) -> None:
    options = {"viewport": PHONE, "color_scheme": scheme, "is_mobile": True, "has_touch": True}
    person = await member("narrow", **options)
    person.expect(r"status of 404 .*/nowhere")
    post = await with_long_words(person)
    other = await member("other")
    await with_long_words(other)
    await other.write(person, LONG)
    await person.write(other, f"https://example.com/{'path/' * 60}")
    tab = await person.open_live("/index")
    for path in await pages_of(person, post, other):
        await tab.goto(person.site.url + path)
        await expect(tab.locator("main")).to_be_visible()
        assert await overflow(tab) <= 0, path
    stranger = await visit(person.site, **options)
    tab = await stranger.open("/auth/login")
    assert await overflow(tab) <= 0
    await tab.goto(f"{person.site.url}/auth/register")
    await button(tab, "Register").click()
    await expect(screen.error_at(tab, "username")).to_be_visible()
    assert await overflow(tab) <= 0


async def test_the_system_chooses_light_or_dark(visit: Visit, site: Site) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        tab = await (await visit(site, color_scheme=scheme)).open("/auth/login")
        colours = "[getComputedStyle(document.documentElement), getComputedStyle(document.querySelector('h1'))]"
        grounds[scheme] = await tab.evaluate(
            f"{colours}.map((s, i) => (i ? s.color : s.backgroundColor).match(/[0-9.]+/g).slice(0, 3).map(Number))"
        )
    for scheme, (ground, ink) in grounds.items():
        assert (sum(ground) > sum(ink)) == (scheme == "light")


async def test_no_page_complains(member: Visit, visit: Visit) -> None:
    # Whatever a page complains of fails this test when the people leave.
    person = await member("reader")
    other = await member("other")
    person.expect(r"status of 404 .*/nowhere")
    post = await person.publish("Hello")
    await person.edit(post, "Hello!")
    tab = await person.open("/")
    for path in [*await pages_of(person, post, other), f"/user/{other.name}", "/index?page=9"]:
        answer = await tab.goto(person.site.url + path)
        assert answer is not None
        policy = (await answer.all_headers())["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
    stranger = await visit(person.site)
    for path in ("/auth/login", "/auth/register"):
        await stranger.open(path)


async def test_a_foreign_script_is_refused(member: Visit) -> None:
    person = await member("reader")
    await person.publish(
        "<script>window.stolen = 1</script><img src=x onerror='window.stolen = 1'>"
    )
    tab = await person.open_live("/index")
    await tab.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.stolen = 2";
            document.body.append(script);
            document.body.setAttribute("style", "color: red");
        }"""
    )
    await expect(tab.locator("#posts")).to_contain_text("<script>")
    assert await tab.evaluate("window.stolen") is None
    # Which also shows that complaints are heard.
    assert "Content Security Policy" in " ".join(person.problems)
    person.problems.clear()


async def test_pages_say_what_language_they_are_in(visit: Visit, site: Site) -> None:
    for locale, language in (("en-GB", "en"), ("es-MX", "es"), ("fi-FI", "en")):
        tab = await (await visit(site, locale=locale)).open("/auth/login")
        await expect(tab.locator("html")).to_have_attribute("lang", language)


async def test_an_empty_page_makes_room_for_the_first_post(member: Visit) -> None:
    person = await member("reader")
    tab, other = await person.open_live("/index"), await person.open("/index")
    await expect(tab.get_by_role("heading", name="You follow nobody yet")).to_be_visible()
    await composer(other).fill("The first")
    await button(other, "Submit").click()
    await expect(screen.row(tab, "The first")).to_be_visible()
    await expect(tab.get_by_role("heading", name="You follow nobody yet")).to_be_hidden()
