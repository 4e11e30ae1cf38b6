"""The manual of the API: without a mouse, without scripts, on a phone; it complains of nothing."""

from playwright.async_api import expect

from tests.browser import screen
from tests.browser.conftest import Visit
from tests.browser.site import Site
from tests.browser.test_appearance import PHONE, overflow

pytestmark = screen.MARKS

# What tools for accessibility look at first. Contrast: WCAG 2.2, 1.4.3 (4.5 to 1).
UNNAMED = """[...document.querySelectorAll("a, button, input, select, summary, nav, section, article")]
    .filter((e) => !(e.textContent.trim() || e.ariaLabel || e.labels?.length))
    .map((e) => e.outerHTML.slice(0, 100))"""
PALE = """() => {
    const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
    const light = (colour) => {
        const [r, g, b] = parts(colour).map((c) => c / 255)
            .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (e) => {
        for (; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if ((parts(colour)[3] ?? 1) === 1) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    return [...document.querySelectorAll(".docs *")].filter((e) => {
        if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) return false;
        const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
    }).map((e) => e.outerHTML.slice(0, 100));
}"""


async def test_without_scripts_or_a_mouse(visit: Visit, site: Site) -> None:
    """From the contents to an operation, from its answers to a problem, and nowhere else."""
    person = await visit(site, java_script_enabled=False)
    tab = await person.open("/api/docs")
    contents = tab.get_by_role("navigation", name="Contents")
    link = contents.get_by_role("link", name="Open a token for an hour")
    await link.focus()
    await tab.keyboard.press("Enter")
    entry = tab.get_by_role("article", name="Open a token for an hour")
    await expect(entry).to_be_in_viewport()
    await expect(entry).to_contain_text("curl -X POST -u susan")
    answers = entry.get_by_text("Answers:")
    await answers.press("Enter")
    await entry.get_by_role("link", name="401").press("Enter")
    await expect(tab).to_have_url(f"{site.url}/api/docs#unauthorized")
    row = tab.get_by_role("row", name="/api/docs#unauthorized")
    await expect(row).to_be_in_viewport()
    # The frame of the page does not lie on what the address names.
    header = await screen.place(tab.locator(".site-header"))
    assert (await screen.place(row))["y"] >= header["y"] + header["height"]


async def test_everybody_can_read_it(visit: Visit, site: Site) -> None:
    """Names for all that can be pressed, contrast in light and dark, room on a phone."""
    for scheme in ("light", "dark"):
        tab = await (await visit(site, color_scheme=scheme)).open("/api/docs")
        assert await tab.evaluate(UNNAMED) == []
        assert await tab.evaluate(PALE) == []
    narrow = await visit(site, viewport=PHONE, is_mobile=True, has_touch=True)
    tab = await narrow.open("/api/docs")
    assert await overflow(tab) <= 0
    await tab.evaluate("document.querySelectorAll('details').forEach((e) => (e.open = true))")
    assert await overflow(tab) <= 0
    await tab.get_by_role("link", name="Problems", exact=True).tap()
    await expect(tab.get_by_role("heading", name="Problems")).to_be_in_viewport()
