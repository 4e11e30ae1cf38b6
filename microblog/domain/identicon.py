"""Pictures for people who gave none: our own drawing, or the address of a Gravatar.

The drawing is a rounded, mirror-symmetric figure of 5 x 5 cells in two colours of one family on a
strong ground, so that it stands out on light and dark pages alike and survives a round crop.
"""

import math
from hashlib import md5, sha256

_SIDE = 5
_MIDDLE = _SIDE // 2
# Fewer cells look like dirt, more like a blot.
_FEWEST, _MOST = 7, 10
# Dark yellows look like mud: the circle of hues leaves them out (radians).
_FIRST_HUE, _HUES = 2.3, 5.4

Cell = tuple[int, int]


def identicon(seed: str, size: int) -> str:
    """An SVG picture of `size` pixels, always the same for the same seed."""
    digest = sha256(seed.encode()).digest()
    ground, figure, accent = _colours(digest)
    plain, marked = _two_colours(_cells(digest), digest)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
        f'viewBox="0 0 8 8"><path fill="{ground}" d="M0 0h8v8H0z"/>'
        f'<g fill="none" stroke-width=".88" stroke-linecap="round">'
        f'<path stroke="{figure}" d="{_strokes(plain)}"/>'
        f'<path stroke="{accent}" d="{_strokes(marked)}"/></g></svg>'
    )


def gravatar_url(email: str, size: int) -> str:
    """The Gravatar of this address, or its geometric stand-in, `size` pixels wide."""
    digest = md5(email.lower().encode(), usedforsecurity=False).hexdigest()
    return f"https://www.gravatar.com/avatar/{digest}?d=identicon&s={size}"


def _half_index(cell: Cell) -> int:
    """Number of the cell in the left half with the middle column: mirrored cells share it."""
    column, row = cell
    return row * (_MIDDLE + 1) + min(column, _SIDE - 1 - column)


def _cells(digest: bytes) -> set[Cell]:
    half = (_MIDDLE + 1) * _SIDE
    weights = digest[8 : 8 + half]
    count = _FEWEST + digest[7] % (_MOST - _FEWEST + 1)
    chosen = set(sorted(range(half), key=lambda index: weights[index])[:count])
    grid = [(column, row) for row in range(_SIDE) for column in range(_SIDE)]
    return {cell for cell in grid if _half_index(cell) in chosen}


def _two_colours(cells: set[Cell], digest: bytes) -> tuple[set[Cell], set[Cell]]:
    """What hangs together has one colour, and so has its mirror image; crumbs are the accent."""
    plain: set[Cell] = set()
    left = set(cells)
    while left:
        piece = _piece(min(left), left)
        left -= piece
        first = min(piece | {(_SIDE - 1 - column, row) for column, row in piece})
        if len(piece) > 2 or digest[23 + _half_index(first) // 2] < 80:
            plain |= piece
    return plain, cells - plain


def _piece(start: Cell, cells: set[Cell]) -> set[Cell]:
    found, border = {start}, [start]
    while border:
        column, row = border.pop()
        around = {(column + 1, row), (column - 1, row), (column, row + 1), (column, row - 1)}
        border.extend((around & cells) - found)
        found |= around & cells
    return found


def _strokes(cells: set[Cell]) -> str:
    """Path data: a dot for each cell, a bridge between neighbours, a lid on what four enclose."""
    parts = []
    for column, row in sorted(cells):
        right, below = (column + 1, row) in cells, (column, row + 1) in cells
        steps = ["h1"] if right else []
        steps += ["v1"] if below else []
        steps += ["l1 1"] if right and below and (column + 1, row + 1) in cells else []
        # A line of no length draws no round cap in some browsers.
        parts += [f"M{column + 2} {row + 2}{step}" for step in steps or ["h.01"]]
    return "".join(parts)


def _colours(digest: bytes) -> tuple[str, str, str]:
    hue = _FIRST_HUE + int.from_bytes(digest[:2], "big") / 65536 * _HUES
    turn = (0.7 + digest[2] / 255 * 0.7) * (1 if digest[3] % 2 else -1)
    return (
        _oklch(0.50 + digest[4] / 255 * 0.08, 0.135, hue),
        _oklch(0.97, 0.025, hue),
        _oklch(0.84, 0.11, hue + turn),
    )


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    """Hex colour from Oklch (Bjorn Ottosson's matrices), where equal lightness looks equal."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    return "#" + "".join(f"{_gamma(channel):02x}" for channel in (red, green, blue))


def _gamma(channel: float) -> int:
    linear = min(max(channel, 0.0), 1.0)
    curved = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(curved * 255)
