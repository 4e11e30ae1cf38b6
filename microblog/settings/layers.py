"""The places that a value may come from, laid one over the other.

From weakest to strongest: the default, the settings file, `MICROBLOG_<SECTION>_<KEY>`, the alias
(`PORT`, `DATABASE_URL` …). Each of the two names in the environment may end in `_FILE` where the
value can be secret: then it is the path of a file that holds it. An empty alias counts as unset,
except for a switch, where it means "off"; an empty `MICROBLOG_…` is a value like any other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from tomllib import TOMLDecodeError, loads

from microblog.settings.keys import KEYS, PREFIX, SECTIONS, Key
from microblog.settings.problems import Problem
from microblog.settings.values import from_text, from_toml

FILE_VARIABLE = f"{PREFIX}SETTINGS"
SUFFIX = "_FILE"


@dataclass(frozen=True)
class Given:
    """One raw value of one key: text from the environment, or whatever a file had there."""

    key: Key
    source: str
    raw: object
    from_file: bool = False

    def converted(self) -> object:
        if self.from_file or not isinstance(self.raw, str):
            return from_toml(self.key, self.raw)
        return from_text(self.key, self.raw)

    def problem(self, expected: str) -> Problem:
        return Problem(self.key.name, self.source, expected, self._found())

    def _found(self) -> str:
        if self.key.secret:
            return ""
        if self.key.mask:
            return self.key.mask(self.raw) if isinstance(self.raw, str) else ""
        text = repr(self.raw)
        return text if len(text) <= 60 else f"{text[:57]}…"


def in_file(path: Path) -> Iterator[Given | Problem]:
    source = f"file {path}"
    try:
        tables = loads(path.read_text("utf-8"))
    except OSError as error:
        yield Problem("settings file", source, f"a file to read ({error.strerror})")
    except (TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        yield Problem("settings file", source, f"TOML in UTF-8 ({_reason(error)})")
    else:
        for section, table in tables.items():
            yield from _in_table(section, table, source)


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _in_table(section: str, table: object, source: str) -> Iterator[Given | Problem]:
    if section not in SECTIONS:
        yield _unknown(section, source, SECTIONS)
        return
    if not isinstance(table, dict):
        yield Problem(section, source, f"a section [{section}]")
        return
    keys = {key.field: key for key in KEYS if key.section == section}
    for name, raw in table.items():
        if name in keys:
            yield Given(keys[name], source, raw, from_file=True)
        else:
            yield _unknown(f"{section}.{name}", source, (key.name for key in keys.values()))


def in_environment(environ: Mapping[str, str]) -> Iterator[Given | Problem]:
    """All names with the prefix first, then the aliases, which therefore win."""
    known = {FILE_VARIABLE}
    for key in KEYS:
        known.add(key.variable)
        if key.may_be_filed:
            known.add(key.variable + SUFFIX)
        yield from _named(key, key.variable, environ, empty_is_value=True)
    for key in KEYS:
        if key.alias:
            yield from _named(key, key.alias, environ, empty_is_value=key.kind is bool)
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            yield _unknown(name, "environment", known)


def _named(
    key: Key, name: str, environ: Mapping[str, str], *, empty_is_value: bool
) -> Iterator[Given | Problem]:
    text = environ.get(name)
    path = environ.get(name + SUFFIX, "") if key.may_be_filed else ""
    if text and path:
        yield Problem(key.name, f"environment {name}", f"only one of {name} and {name}{SUFFIX}")
    elif path:
        yield _kept_in(path, key, f"environment {name}{SUFFIX}")
    elif text is not None and (empty_is_value or text.strip()):
        yield Given(key, f"environment {name}", text)


def _kept_in(path: str, key: Key, source: str) -> Given | Problem:
    try:
        text = Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError):
        return Problem(key.name, source, "a readable file of UTF-8 text", repr(path))
    if not text:
        return Problem(key.name, source, "a file that holds the value", f"{path!r} is empty")
    return Given(key, source, text)


def _unknown(name: str, source: str, known: Iterable[str]) -> Problem:
    near = get_close_matches(name, list(known), n=1)
    return Problem(
        name, source, f"a known name{f', perhaps {near[0]}' if near else ''}", "unknown setting"
    )
