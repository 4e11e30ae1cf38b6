"""Two browsers: what one writes reaches the other's open page, and nothing moves under a reader's eyes."""

from time import perf_counter

from playwright.async_api import Page, expect

from tests.browser import screen
from tests.browser.conftest import Visit
from tests.browser.person import Person
from tests.browser.screen import button, flash, pill, row, rows
from tests.browser.site import Site

pytestmark = screen.MARKS


async def newcomer(visit: Visit, site: Site, name: str) -> tuple[str, Page]:
    """The name and the tab of somebody who gets an account and comes in through the pages alone."""
    person = await visit(site, name)
    tab = await person.open("/")
    await tab.get_by_role("link", name="Click to Register!").click()
    await screen.register(tab, person.name)
    await expect(flash(tab)).to_have_text("Congratulations, you are now a registered user!")
    await screen.log_in(tab, person.name)
    await expect(tab.get_by_role("heading", name=f"Hi, {person.name}!")).to_be_visible()
    return person.name, tab


async def test_strangers_meet(visit: Visit, site: Site) -> None:
    _, hers = await newcomer(visit, site, "susan")
    john, his = await newcomer(visit, site, "john")
    await expect(hers.get_by_role("heading", name="You follow nobody yet")).to_be_visible()

    await screen.say(his, "Hello from John")
    await hers.get_by_role("link", name="Explore").first.click()
    await row(hers, "Hello from John").get_by_role("link", name=john).click()
    await button(hers, "Follow").click()
    await expect(flash(hers)).to_have_text(f"You are following {john}!")
    await hers.get_by_role("link", name="Home").click()
    await expect(row(hers, "Hello from John")).to_be_visible()
    await expect(hers.locator(".live-status.is-open")).to_be_visible()

    await hers.evaluate("window.unbroken = true")
    for number in range(3):
        await screen.composer(his).fill(f"News {number}")
        began = perf_counter()
        await button(his, "Submit").click()
        await expect(rows(hers).first).to_contain_text(f"News {number}")
        print(f"from the click to the other browser: {perf_counter() - began:.3f} s")
        await expect(row(his, f"News {number}")).to_be_visible()
    assert await hers.evaluate("window.unbroken"), "the page was loaded anew"
    assert await screen.texts(hers) == ["News 2", "News 1", "News 0", "Hello from John"]
    await expect(pill(hers)).to_be_hidden()


async def test_a_reading_page_does_not_move(pair: tuple[Person, Person]) -> None:
    reader, writer = pair
    for number in range(25):
        await writer.publish(f"Old {number}")
    tab, desk = await reader.open_live("/index"), await writer.open("/index")
    read = await screen.scroll_down(tab)
    place = await screen.place(read)

    await screen.say(desk, "First")
    await expect(pill(tab)).to_have_text("1 new post")
    assert await screen.place(read) == place
    await screen.say(desk, "Second")
    await expect(pill(tab)).to_have_text("2 new posts")
    assert await screen.place(read) == place
    assert await tab.title() == "(2) Home - Microblog"
    await expect(row(tab, "First")).to_have_count(0)

    await pill(tab).click()
    await expect(row(tab, "Second")).to_be_in_viewport()
    assert (await screen.texts(tab))[:3] == ["Second", "First", "Old 24"]
    await expect(pill(tab)).to_be_hidden()
    assert await tab.title() == "Home - Microblog"


async def test_changes_above_do_not_move_it_either(pair: tuple[Person, Person]) -> None:
    reader, writer = pair
    posts = [await writer.publish(f"Old {number}") for number in range(25)]
    tab = await reader.open_live("/index")
    read = await screen.scroll_down(tab)
    place = await screen.place(read)
    await writer.edit(posts[-1], "Far\nlonger\nthan\nit\nwas")
    await expect(tab.locator(f"#post{posts[-1]}")).to_contain_text("longer")
    await writer.delete(posts[-2])
    await expect(row(tab, "Old 23")).to_have_count(0)
    # Screens scroll by whole pixels.
    assert abs((await screen.place(read))["y"] - place["y"]) < 1


async def test_own_posts_appear_at_once(member: Visit) -> None:
    reader = await member("reader")
    for number in range(25):
        await reader.publish(f"Old {number}")
    tab, other = await reader.open_live("/index"), await reader.open("/index")
    read = await screen.scroll_down(tab)
    place = await screen.place(read)
    await screen.say(other, "From my other tab")
    await expect(row(tab, "From my other tab")).to_have_count(1)
    await expect(pill(tab)).to_be_hidden()
    assert abs((await screen.place(read))["y"] - place["y"]) < 1


async def test_edits_and_deletions_arrive(pair: tuple[Person, Person]) -> None:
    reader, writer = pair
    post = await writer.publish("As it was")
    tabs = [await reader.open_live(path) for path in ("/index", f"/user/{writer.name}")]
    own = await reader.open_live(f"/post/{post}")

    desk = await writer.open("/index")
    await row(desk, "As it was").get_by_role("link", name="Edit").click()
    await screen.composer(desk).fill("As it is")
    await button(desk, "Submit").click()
    await expect(flash(desk)).to_have_text("Your changes have been saved.")
    await expect(desk.locator(".versions")).to_contain_text("1 earlier version")
    for tab in (*tabs, own):
        await expect(row(tab, "As it is")).to_contain_text("edited")
        await expect(row(tab, "As it was")).to_have_count(0)

    await button(desk, "Delete").click()
    await desk.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(flash(desk)).to_have_text("Your post has been deleted.")
    for tab in tabs:
        await expect(rows(tab)).to_have_count(0)
    await expect(own.locator("#posts")).to_have_text("This post has been deleted.")


async def test_only_the_author_is_offered_to_edit(pair: tuple[Person, Person]) -> None:
    reader, writer = pair
    tab, desk = await reader.open_live("/index"), await writer.open_live("/index")
    await writer.publish("Mine")
    await expect(row(desk, "Mine").get_by_role("link", name="Edit")).to_be_visible()
    await expect(row(tab, "Mine")).to_be_visible()
    await expect(row(tab, "Mine").get_by_role("link", name="Edit")).to_be_hidden()


async def test_following_takes_effect_in_an_open_page(member: Visit) -> None:
    reader, writer = await member("reader"), await member("writer")
    tab, profile = await reader.open_live("/index"), await reader.open(f"/user/{writer.name}")
    await writer.publish("Before")
    await button(profile, "Follow").click()
    await expect(flash(profile)).to_have_text(f"You are following {writer.name}!")
    await writer.publish("Meanwhile")
    await expect(row(tab, "Meanwhile")).to_be_visible()
    await button(profile, "Unfollow").click()
    await expect(flash(profile)).to_have_text(f"You are not following {writer.name}.")
    await writer.publish("After")
    # What comes later in the reader's own stream has overtaken nothing.
    await reader.publish("My own")
    await expect(row(tab, "My own")).to_be_visible()
    assert await screen.texts(tab) == ["My own", "Meanwhile"]


async def test_a_reader_further_back_is_left_alone(pair: tuple[Person, Person]) -> None:
    reader, writer = pair
    posts = [await writer.publish(f"Old {number}") for number in range(27)]
    tab = await reader.open_live(f"/index?before={posts[2]}")
    await writer.publish("New")
    await writer.delete(posts[1])
    await expect(rows(tab)).to_have_count(1)
    assert await screen.texts(tab) == ["Old 0"]
    await expect(pill(tab)).to_be_hidden()
