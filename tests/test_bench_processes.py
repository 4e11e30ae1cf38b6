"""Memory and the crowd are measured, in small; what they print has every figure."""

from pathlib import Path

import pytest

from benchmarks import crowded, data, memory
from benchmarks.data import Size

SMALL = Size(people=30, posts=60, sockets=40, some=10, many=20, logins=1)


@pytest.mark.timeout(200)
@pytest.mark.filterwarnings("ignore:The Result.tuples")
async def test_every_figure_is_there(small: str, tmp_path: Path) -> None:
    folder = str(tmp_path)
    held = await memory.measure(small, folder, requests=60, rounds=2, listeners=2)
    assert len(held.after) == 2
    assert all(size > 20 * 2**20 for size in held.after)
    assert len(memory.lines(held, 60)) == 4

    crowd = await crowded.measure(
        small, folder, size=SMALL, reach=10, rate=20, turns=1, seconds=1.0
    )
    assert crowd.without
    assert crowd.beside
    posts, arrivals = _told(crowd.told[0])
    # Each reaches four of the forty; what was on its way at the end is not counted.
    assert posts > 0
    assert arrivals == pytest.approx(posts * 4, rel=0.5)
    assert len(crowded.lines(crowd, SMALL, 20)) == 5


def _told(line: str) -> tuple[float, float]:
    words = line.replace(",", "").split()
    return float(words[words.index("posts/s") - 1]), float(words[words.index("arrivals/s;") - 1])


@pytest.fixture
def small(tmp_path: Path) -> str:
    folder = tmp_path / "data"
    folder.mkdir()
    url = f"sqlite:///{folder / 'microblog.db'}"
    data.fill(url, str(folder), SMALL)
    return url
