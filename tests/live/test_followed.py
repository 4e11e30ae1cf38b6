"""The readers of a process, by whom they follow: as sets would have it, and far smaller."""

import random
from collections import defaultdict

from microblog.domain.actors import Actor
from microblog.live.audience import Audience, Channels, Reader
from microblog.live.followed import Followed
from microblog.live.outbox import Outbox

HOME = Channels(home=True)


def reader(who: int, *followed: int, channels: Channels = HOME) -> Reader:
    return Reader(Actor(who, f"u{who}"), "en", Outbox(9), channels, Followed(followed))


def entries(audience: Audience) -> int:
    """How long the lists of followers are."""
    return sum(map(len, audience._followers._lists.values()))


def test_followed_is_a_set() -> None:
    chance, followed, expected = random.Random(3), Followed({5, 1, 3}), {5, 1, 3}
    for _ in range(2_000):
        number = chance.randint(0, 40)
        if chance.random() < 0.5:
            followed.add(number)
            expected.add(number)
        else:
            followed.discard(number)
            expected.discard(number)
        assert list(followed) == sorted(expected)
        assert (number in followed) == (number in expected)
    assert len(followed) == len(expected)


def test_whoever_comes_goes_follows_or_changes_channels() -> None:
    """Against the plainest account of it; and those who have gone are not kept for ever."""
    chance, audience = random.Random(5), Audience()
    here: list[Reader] = []
    known: defaultdict[int, set[int]] = defaultdict(set)
    for _ in range(3_000):
        who, whom = chance.randint(1, 12), chance.randint(1, 12)
        deed = chance.choice(("come", "leave", "follow", "unfollow", "tune", "relearn"))
        if deed == "come":
            here.append(reader(who, *known[who]))
            audience.add(here[-1])
            audience.connect(here[-1])
        elif deed == "leave" and here:
            audience.remove(here.pop(chance.randrange(len(here))))
        elif deed == "follow":
            known[who].add(whom)
            audience.follow(who, whom)
        elif deed == "unfollow":
            known[who].discard(whom)
            audience.unfollow(who, whom)
        elif deed == "tune" and here:
            wish = Channels(chance.random() < 0.5, chance.random() < 0.1, {whom: f"user:u{whom}"})
            audience.tune(chance.choice(here), wish)
        elif deed == "relearn":
            known[who] = {chance.randint(1, 12) for _ in range(4)}
            audience.relearn(who, known[who])
        for author in range(1, 13):
            expected = {
                one
                for one in here
                if one.channels.explore
                or author in one.channels.profiles
                or (one.channels.home and author in {one.actor.id, *known[one.actor.id]})
            }
            assert audience.hearing(author) == expected
            assert all(one.channels_of(author) for one in expected)
    people = {one.actor.id for one in here}
    assert entries(audience) <= 2 * sum(len(known[who]) for who in people)
    for one in list(here):
        audience.remove(one)
    assert (entries(audience), len(audience), audience._followed) == (0, 0, {})
    assert not audience._by_profile
    assert not audience._followers._gone


def test_sockets_of_one_person_share_whom_they_follow() -> None:
    audience = Audience()
    first, second = reader(1, 2, 3), reader(1, 2, 3)
    for one in (first, second):
        audience.add(one)
        audience.connect(one)
    assert first.followed is second.followed
    audience.remove(first)
    audience.follow(1, 4)
    assert audience.hearing(4) == {second}
