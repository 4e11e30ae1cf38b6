"""What Chromium measures, in small: what a busy machine does not change is within its goals."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser
from sqlalchemy import func, update

from benchmarks import data, paint, stores, weight
from benchmarks.data import Size
from benchmarks.servers import serving
from microblog.database import Database
from microblog.models import User
from microblog.settings import NO_FILE, load
from tests.browser import screen

pytestmark = [*screen.MARKS, pytest.mark.filterwarnings("ignore:The Result.tuples")]
SMALL = Size(people=60, posts=200, sockets=3, some=40, many=50, logins=1)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folder = tmp_path_factory.mktemp("town")
    with stores.sqlite(Path(folder), SMALL) as url:
        yield url, str(folder)


async def test_home_weighs_little_and_stands_still(
    chromium: Browser, town: tuple[str, str]
) -> None:
    cookies = await data.cookies(*town, [data.READER])
    async with serving("site", data.environment(*town)) as port:
        found = await weight.measure(chromium, port, cookies[data.READER])
        seen = await paint.measure(chromium, port, cookies[data.READER], loads=1, slower=1)
    assert 20 < found.first_kb <= weight.FIRST_GOAL_KB
    assert 2 < found.second_kb <= weight.SECOND_GOAL_KB
    assert {path for path, size in found.second.items() if size} == {"/"}
    assert seen.largest[0] > 0
    assert seen.shift == [0]


async def test_a_name_of_any_length_leaves_everything_in_its_place(
    chromium: Browser, town: tuple[str, str]
) -> None:
    """The script writes shorter dates; whatever stands below must not move for that."""
    settings = load(NO_FILE, data.environment(*town))
    database = Database(settings.database_url, settings.database)
    length = (User.id * 7) % 60 + 1
    async with database.begin() as session:
        named = func.substr(
            "Wilhelmina Featherstonehaugh of the Allotments by the River", 1, length
        )
        await session.execute(update(User).values(display_name=func.trim(named)))
    await database.close()
    cookies = await data.cookies(*town, [data.READER])
    async with serving("site", data.environment(*town)) as port:
        for width in (1280, 820, 390):
            seen = await paint.measure(
                chromium, port, cookies[data.READER], loads=1, slower=1, width=width
            )
            assert seen.shift == [0], width
