"""Browser modules joined into one file: a page asks for one, not for two dozen in turn.

Each module becomes a function that is called once and gives what the module exports. Our modules
use few forms of `import` and `export`; any other one stops the start instead of breaking pages.
"""

import re
from collections.abc import Mapping
from posixpath import dirname, join, normpath

_IMPORT = re.compile(r'^import \{ ?([\w$,\s]+?),? ?\} from "(\.{1,2}/[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|class|const) ([\w$]+)", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*|\bimport(?:\.meta|\()", re.MULTILINE)


class CannotJoin(ValueError):
    """A module uses what is not understood here, or they import each other in a circle."""


def join_modules(contents: Mapping[str, bytes], name: str) -> bytes:
    """The module ``name`` and all that it imports, in the order in which a browser runs them."""
    joined: dict[str, str] = {}
    _add(contents, name, joined, ())
    return "\n".join(joined.values()).encode()


def _add(
    contents: Mapping[str, bytes], name: str, joined: dict[str, str], above: tuple[str, ...]
) -> None:
    if name in joined:
        return
    if name in above or name not in contents:
        raise CannotJoin(f"{above[-1:]} imports {name}")
    if any(_variable("", name) == _variable("", other) for other in joined):
        raise CannotJoin(f"{name}: another module's name differs only in its signs")
    text = contents[name].decode()
    for found in _IMPORT.finditer(text):
        _add(contents, _path(name, found[2]), joined, (*above, name))
    joined[name] = _called(name, text)


def _called(name: str, text: str) -> str:
    given = ", ".join(found[2] for found in _EXPORT.finditer(text))
    body = _IMPORT.sub(lambda found: _taken(found[1], _variable(name, found[2])), text)
    body = _EXPORT.sub(r"\1 \2", body)
    if other := _OTHER.search(body):
        raise CannotJoin(f"{name}: {other[0]}")
    variable = _variable(name, f"./{name.rpartition('/')[2]}")
    return f"const {variable} = (() => {{\n{body.strip()}\nreturn {{ {given} }};\n}})();"


def _taken(names: str, variable: str) -> str:
    return f"const {{ {names.replace(' as ', ': ')} }} = {variable};"


def _path(importer: str, address: str) -> str:
    return normpath(join(dirname(importer), address))


def _variable(importer: str, address: str) -> str:
    return "$" + re.sub(r"\W", "_", _path(importer, address).removesuffix(".js"))
