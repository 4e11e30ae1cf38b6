"""`demo fill`: a town that looks like one, and that nobody hears arrive."""

import asyncio
import itertools
import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.cli.demo import PASSWORD
from microblog.database import Database
from microblog.domain import demo, text, usernames
from microblog.domain.demo.words import languages
from microblog.models import Event, Follow, Post, User, utc_now
from microblog.settings import Settings
from tests.cast import Browser
from tests.cli.conftest import Command

NOW = utc_now()


@pytest.fixture
def look(settings: Settings) -> Callable[[Any], Any]:
    async def within(query: Any) -> Any:
        database = Database(settings.database_url, settings.database)
        try:
            async with database.reading() as session:
                return (await session.execute(query)).all()
        finally:
            await database.close()

    return lambda query: asyncio.run(within(query))


def test_as_many_as_asked_for_and_nobody_is_told(
    command: Command, look: Callable[[Any], Any]
) -> None:
    said = command("demo", "fill", "--users", "30", "--posts", "300").stdout
    assert said.endswith(f"30 people, 300 posts. Log in as susan with the password {PASSWORD}\n")
    for model, number in ((User, 30), (Post, 300)):
        assert look(select(func.count()).select_from(model)) == [(number,)]
    # Memory forgets what it knew; nobody is told of anything.
    assert set(look(select(Event.kind, Event.actor_id))) == {("account.changed", 0)}
    assert look(select(func.count()).select_from(Follow))[0][0] > 30
    times = [row[0] for row in look(select(Post.timestamp).order_by(Post.id))]
    assert times == sorted(times)
    early = select(func.count()).join_from(Post, User).where(Post.timestamp < User.created_at)
    assert look(early) == [(0,)]
    assert "equal" in command("db", "check").stdout


def test_a_database_with_users_is_left_alone(command: Command, look: Callable[[Any], Any]) -> None:
    command("demo", "fill", "--users", "3", "--posts", "5")
    refused = command("demo", "fill", "--users", "3", "--posts", "5", status=1)
    assert "--yes" in refused.stderr
    assert look(select(func.count()).select_from(Post)) == [(5,)]
    again = command("demo", "fill", "--users", "3", "--posts", "5", "--yes").stdout
    assert "Log in as susan " not in again
    assert look(select(func.count()).select_from(Post)) == [(10,)]
    assert look(select(func.count()).select_from(User)) == [(6,)]


@pytest.mark.parametrize(("people", "posts"), [("1", "1"), ("1", "0"), ("2", "1")])
def test_the_smallest_towns(command: Command, people: str, posts: str) -> None:
    command("demo", "fill", "--users", people, "--posts", posts)


def test_ten_thousand_posts_in_well_under_a_minute(command: Command) -> None:
    begun = time.monotonic()
    command("demo", "fill", "--users", "200", "--posts", "10000")
    assert time.monotonic() - begun < 30


async def test_one_can_log_in_and_finds_a_full_house(
    database: Database, browser: Callable[[], Browser], resources: Any
) -> None:
    people = demo.residents(20, seed=1, now=NOW, taken=())
    async with database.begin() as session:
        await fill(session, people, await resources.hasher.hash(PASSWORD))
    susan = browser()
    assert (await susan.log_in("susan", PASSWORD)).status_code in (302, 303)
    assert (await susan.text("/")).count("<article") == 25


async def fill(session: AsyncSession, people: list[demo.Resident], password_hash: str) -> None:
    await demo.add_residents(session, people, password_hash)
    await demo.add(session, Follow, list(demo.follows(people, seed=1, now=NOW)))
    await demo.add(session, Post, list(demo.posts(people, 400, seed=1, now=NOW)))
    await demo.note_presence(session, people)


def town(seed: int) -> tuple[list[demo.Resident], list[dict[str, Any]]]:
    people = demo.residents(100, seed=seed, now=NOW, taken=())
    for number, person in enumerate(people):
        person.id = number
    return people, list(demo.posts(people, 3000, seed=seed, now=NOW))


def test_the_same_seed_the_same_town() -> None:
    assert town(7) == town(7)
    assert town(7) != town(8)


def test_names_are_such_as_people_may_choose() -> None:
    people, _ = town(1)
    for person in people:
        usernames.check(person.username)
        text.clean_line(person.display_name, maximum=64)
        text.clean(person.about_me, maximum=500)
    assert len({person.username for person in people}) == len(people)


def test_names_that_are_taken_are_not_given_again() -> None:
    taken = {person.username for person in demo.residents(2000, seed=1, now=NOW, taken=())}
    again = {person.username for person in demo.residents(2000, seed=1, now=NOW, taken=taken)}
    assert len(taken) == len(again) == 2000
    assert not taken & again


def test_posts_are_such_as_people_may_write() -> None:
    _, posts = town(1)
    for post in posts:
        assert text.clean(post["body"], minimum=1, maximum=500) == post["body"]
        assert "{" not in post["body"]


def test_the_town_is_lively() -> None:
    _, posts = town(1)
    assert {post["language"] for post in posts} == {words.code for words in languages()}
    assert 100 < sum("http" in post["body"] for post in posts) < 1000
    per_author = sorted(Counter(post["user_id"] for post in posts).values(), reverse=True)
    # A tenth of the town writes a third of everything, and half of it not much.
    assert sum(per_author[:10]) > 1000
    assert sum(per_author[50:]) < 1000
    times = [post["timestamp"] for post in posts]
    assert all(a <= b for a, b in itertools.pairwise(times))
    assert times[-1] <= NOW
    assert times[-1] - times[0] > timedelta(days=150)
    at_night = sum(moment.hour in (2, 3, 4, 5) for moment in times)
    assert at_night < sum(moment.hour in (18, 19, 20, 21) for moment in times) / 4


def test_follows_are_uneven_and_possible() -> None:
    people, _ = town(1)
    follows = list(demo.follows(people, seed=1, now=NOW))
    pairs = [(row["follower_id"], row["followed_id"]) for row in follows]
    assert len(set(pairs)) == len(pairs)
    assert all(follower != followed for follower, followed in pairs)
    followers = Counter(followed for _, followed in pairs)
    assert max(followers.values()) > 5 * (sum(followers.values()) / len(people)) / 2
    assert sum(follower == 0 for follower, _ in pairs) >= 30
    joined = {person.id: person.joined_at for person in people}
    assert all(joined[row["follower_id"]] <= row["created_at"] <= NOW for row in follows)


def test_every_pattern_can_be_filled() -> None:
    rng = Random(1)
    for words in languages():
        for pattern in words.say:
            assert not re.search(r"\{(?!thing\}|place\}|time\})", pattern)
        assert len(words.sentences(rng, 3)) == 3
