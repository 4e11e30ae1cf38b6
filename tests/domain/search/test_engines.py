"""Both databases find the same posts, in the same order, whatever is asked."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.database import Database
from microblog.domain.search import finding, index, people
from microblog.domain.search.query import parse
from microblog.models import Post, User
from microblog.settings import NO_FILE, load
from tests.domain.search.corpus import POSTS, WRITTEN_IN, questions

KEYS = dict(enumerate(POSTS, start=1))


@pytest.fixture
async def both(
    sqlite_url: str, postgresql_url: str, tmp_path: Path
) -> AsyncIterator[list[AsyncSession]]:
    """A reading session on each database, which hold the same posts."""
    async with AsyncExitStack() as stack:
        found = []
        for url in (sqlite_url, postgresql_url):
            environment = {"DATABASE_URL": url, "MICROBLOG_SERVER_INSTANCE": str(tmp_path)}
            settings = load(NO_FILE, environment)
            database = Database(settings.database_url, settings.database)
            stack.push_async_callback(database.close)
            await settle(database)
            found.append(await stack.enter_async_context(database.reading()))
        yield found


async def settle(database: Database) -> None:
    async with database.begin() as session:
        authors = {
            name: User(
                username=name,
                email=f"{name}@example.com",
                display_name=shown,
                name_terms=people.name_terms(name, shown),
            )
            for name, shown in (
                ("susan", "Susan Ångström"),
                ("john", ""),
                ("mary", "田中 花子"),
                ("david", "David O'Neil-Jones"),
            )
        }
        session.add_all(authors.values())
        await session.flush()
        for number, (key, (author, day, body)) in enumerate(POSTS.items(), start=1):
            language = WRITTEN_IN.get(key, key[:2])
            session.add(
                Post(
                    id=number,
                    user_id=authors[author].id,
                    body=body,
                    language=language,
                    timestamp=datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC),
                )
            )
        await session.flush()
        await index.add(session, [(n, POSTS[key][2]) for n, key in KEYS.items()])


async def found_in(session: AsyncSession, typed: str) -> list[str]:
    found = await finding.find(session, parse(typed))
    assert not found.is_cut
    return [KEYS[number] for number in found.post_ids]


async def test_what_each_question_finds(both: list[AsyncSession]) -> None:
    """T-45: more than 150 questions over posts in nine languages, on SQLite and PostgreSQL."""
    table = questions()
    assert len(table) >= 150
    wrong = {}
    for typed, keys in table:
        on_sqlite, on_postgresql = [await found_in(session, typed) for session in both]
        assert on_sqlite == on_postgresql, typed
        if set(on_sqlite) != keys:
            wrong[typed] = on_sqlite
    assert wrong == {}


async def test_order(both: list[AsyncSession]) -> None:
    """SEA-06: more often, in a shorter post, first; of posts alike the newer."""
    for session in both:
        assert await found_in(session, "dog") == ["en2", "en1"]
        assert await found_in(session, "cafe") == ["es3", "en5"]
        # Alike but for a word or two of length: the newer.
        assert await found_in(session, "세계") == ["ko2", "ko1"]
        newest = sorted(
            (key for key in POSTS if POSTS[key][0] == "susan"),
            key=lambda key: POSTS[key][1],
            reverse=True,
        )
        assert await found_in(session, "from:susan") == newest


async def test_people(both: list[AsyncSession]) -> None:
    """By username and by the name shown, from the beginning of a word on."""
    for session in both:
        for typed, names in (
            ("susan", ["susan"]),
            ("SUS", ["susan"]),
            ("@susan", ["susan"]),
            ("angstrom", ["susan"]),
            ("ångström susan", ["susan"]),
            ("usan", []),
            ("田中", ["mary"]),
            ("花", ["mary"]),
            ("o'neil", ["david"]),
            ("jones -x", []),
            ("jones from:david", []),
            ("%", []),
            ("_", []),
        ):
            found = await people.find(session, parse(typed))
            assert [person.username for person in found] == names, typed


HOSTILE = [
    "foo-bar AND (",
    'NEAR("a" "b", 5)',
    'terms : "x"',
    "{terms} : x",
    "^quick",
    "a + b",
    "'; DROP TABLE post; --",
    "' OR 1=1 --",
    '"',
    '""""',
    "*",
    "**",
    "a**",
    "\\",
    "\\'",
    "'a':1",
    "a <-> b",
    "a & | ! b",
    ":*",
    "!!a",
    "%_%",
    "-" * 500,
    '"' * 501,
    "a " * 5000,
    "x" * 20_000,
    "-a " * 400,
    '"a b" ' * 300,
    "東" * 999,
    "a\u0301" * 400,
    "e" + "\u0301" * 900,
    "\u202e\u2066\u200b\u200d\ufeff",
    "\ufdfa" * 1000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 100,
    "\x00",
    "a\x00b",
    "from:\x00",
    "from:" + "a" * 900,
    "from:a from:b " * 60,
    "lang:en " * 120,
    "before:9999 after:0001",
    "before:2026-02-30",
    "before:٢٠٢٦",
    "after:2026-1-1",
    "before:1900-01-01",
    "İıſK",
    "{{7*7}} ${7*7} %s {0}",
    "\ud7b0\u1100\u1161\u11a8",
    "\U000e0041\U000e0042",
]
PIECES = [
    *"\"-*:#@()<>&|!^~+=/\\'`{}[]%_.,; \t\n\x00",
    "AND",
    "OR",
    "NOT",
    "NEAR",
    "from:",
    "lang:",
]
PIECES += [
    "before:",
    "after:",
    "2026",
    "dog",
    "quick",
    "東京",
    "ひ",
    "세",
    "ال",
    "ü",
    "\u0301",
    "🦊",
]
PIECES += [chr(code) for code in (0x1F, 0x7F, 0x85, 0xA0, 0x200B, 0x2028, 0x3000, 0xFEFF, 0x10FFFF)]


def strange(number: int) -> list[str]:
    """The hostile strings, and random ones after them; the same each time."""
    rng = random.Random(45)
    strings = list(HOSTILE)
    while len(strings) < number:
        strings.append("".join(rng.choices(PIECES, k=rng.randint(1, 24))))
    return strings


async def test_nothing_typed_is_an_error(both: list[AsyncSession]) -> None:
    """T-45: 2,000 strange and random strings; both databases find the same, or nothing."""
    for typed in strange(2000):
        on_sqlite, on_postgresql = [await found_in(session, typed) for session in both]
        assert on_sqlite == on_postgresql, typed
        for session in both:
            await people.find(session, parse(typed))
