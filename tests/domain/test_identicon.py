"""Drawings of our own, and the address of a Gravatar."""

import re
from xml.etree.ElementTree import fromstring

import pytest

from microblog.domain.identicon import gravatar_url, identicon

SEEDS = [f"person {number}" for number in range(300)] + ["", "ü", "😀" * 100]


def points(picture: str) -> set[tuple[int, int]]:
    """Every cell that a stroke begins at or leads to."""
    found = set()
    for x, y, step in re.findall(r"M(\d) (\d)(h1|v1|l1 1|h\.01)", picture):
        column, row = int(x), int(y)
        found.add((column, row))
        across, down = {"h1": (1, 0), "v1": (0, 1), "l1 1": (1, 1), "h.01": (0, 0)}[step]
        found.add((column + across, row + down))
    return found


def test_the_same_seed_draws_the_same_picture() -> None:
    assert identicon("susan", 128) == identicon("susan", 128)
    assert len({identicon(seed, 32) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("size", [16, 128, 512])
def test_it_is_a_small_picture_of_the_size_asked_for(size: int) -> None:
    picture = identicon("susan", size)
    root = fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert (root.get("width"), root.get("height")) == (str(size), str(size))
    assert "style" not in picture
    assert len(picture.encode()) < 2048


def test_every_picture_is_symmetric_and_neither_empty_nor_a_blot() -> None:
    for seed in SEEDS:
        cells = points(identicon(seed, 32))
        assert cells == {(8 - column, row) for column, row in cells}
        assert 7 <= len(cells) <= 20
        assert all(2 <= column <= 6 and 2 <= row <= 6 for column, row in cells)


def test_mirrored_parts_have_one_colour() -> None:
    for seed in SEEDS:
        for data in re.findall(r' d="([^"]*)"/>', identicon(seed, 32))[1:]:
            cells = points(data)
            assert cells == {(8 - column, row) for column, row in cells}


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_figure_stands_out_from_its_ground() -> None:
    for seed in SEEDS:
        ground, figure, accent = re.findall(r"#[0-9a-f]{6}", identicon(seed, 32))
        assert (luminance(figure) + 0.05) / (luminance(ground) + 0.05) > 3
        assert (luminance(accent) + 0.05) / (luminance(ground) + 0.05) > 2


def test_the_ground_stands_out_from_light_and_dark_pages() -> None:
    for seed in SEEDS:
        ground = luminance(re.findall(r"#[0-9a-f]{6}", identicon(seed, 32))[0])
        assert 1.05 / (ground + 0.05) > 2.5
        assert (ground + 0.05) / 0.06 > 2


def test_gravatar_address() -> None:
    expected = "https://www.gravatar.com/avatar/d4c74594d841139328695756648b6bd6?d=identicon&s=128"
    assert gravatar_url("john@example.com", 128) == expected
    assert gravatar_url("John@Example.COM", 128) == expected
