"""Changes in each other's way: the database ends one of them, and it is made once more."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from quart import Quart, flash, redirect
from sqlalchemy import func, select, text, update

from microblog.domain import events
from microblog.models import Event, User
from microblog.web import access, scope
from microblog.web.access import Access
from tests.cast import Cast, Person

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
Change = Callable[[Callable[[], Any]], None]


@pytest.fixture
def on_following(app: Quart) -> Change:
    """Have something else done where people follow each other."""

    def put(view: Callable[[], Any]) -> None:
        async def replaced(username: str) -> Any:
            return await view()

        guarded = access._guarded(replaced, Access.MEMBERS)
        app.view_functions["main.follow"] = scope.in_unit_of_work(guarded)

    return put


async def test_both_of_two_changes_are_made(cast: Cast, on_following: Change) -> None:
    """T-67, S23: each holds what the other one wants; nothing of the first try is left over."""
    people = [cast.susan, cast.john]
    tries: Counter[str] = Counter()
    both_begun = asyncio.Barrier(2)

    async def write_on_both() -> Any:
        me = scope.viewer()
        tries[me.username] += 1
        first = tries.total() <= 2
        await flash(f"written by {me.username}")
        events.record(scope.session(), "written", actor_id=me.id, subject_id=0)
        for person in sorted(people, key=lambda person: person.id != me.id):
            longer = func.coalesce(User.about_me, "") + me.username
            change = update(User).where(User.id == person.id).values(about_me=longer)
            await scope.session().execute(change)
            if first and person.id == me.id:
                await both_begun.wait()
        return redirect("/explore")

    on_following(write_on_both)
    answers = await asyncio.gather(*(p.browser.submit("/", "/follow/mary") for p in people))
    assert [answer.status_code for answer in answers] == [302, 302]
    assert sorted(tries.values()) == [1, 2]
    for person in people:
        page = await person.browser.text("/explore")
        assert page.count(f"written by {person.username}") == 1
    async with cast.resources.database.reading() as session:
        written = list(await session.scalars(select(User.about_me).where(User.about_me != "")))
        assert sorted(Counter(written).values()) == [2]
        assert written[0] in ("susanjohn", "johnsusan")
        told = select(func.count()).select_from(Event).where(Event.kind == "written")
        assert await session.scalar(told) == 2


async def test_once_more_and_not_for_ever(cast: Cast, on_following: Change) -> None:
    """T-67: who collides again is told to come again."""
    tries = 0

    async def collide() -> Any:
        nonlocal tries
        tries += 1
        code = "'40001'" if tries % 2 else "'40P01'"
        failing = f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = {code}; END $$"
        await scope.session().execute(text(failing))

    on_following(collide)
    answer = await cast.susan.browser.submit("/", "/follow/mary")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert tries == 2


async def test_what_people_do_to_each_other_at_once(cast: Cast) -> None:
    """T-67: they write to, follow and leave each other, and change themselves, all at once."""
    people = (cast.susan, cast.john, cast.mary)

    async def busy(me: Person, other: Person) -> list[int]:
        form = {"csrf_token": await me.browser.token("/"), "about_me": "busy"}
        browser, name, answers = me.browser, other.username, []
        for _ in range(4):
            for path, more in (
                (f"/send_message/{name}", {"message": "hello"}),
                (f"/follow/{name}", {}),
                ("/edit_profile", {"username": me.username}),
                (f"/unfollow/{name}", {}),
            ):
                answers.append((await browser.post(path, **form, **more)).status_code)
            answers.append((await browser.get("/messages")).status_code)
        return answers

    pairs = [(me, other) for me in people for other in people if me is not other]
    answers = await asyncio.gather(*(busy(me, other) for me, other in pairs))
    assert {status for each in answers for status in each} == {200, 302}
