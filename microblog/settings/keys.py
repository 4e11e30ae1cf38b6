"""The table of all settings, read off the section classes: one row per key."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from microblog.settings.rules import Alias, Masked, Range, Secret
from microblog.settings.whole import Settings

PREFIX = "MICROBLOG_"

TYPE_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text without control characters",
    Path: "the path of a folder",
    tuple: "a list of texts",
}

Value = str | int | float | bool | Path | tuple[str, ...]
Rule = Callable[[Any], Any]  # each rule is typed by itself; the table only passes values through


@dataclass(frozen=True)
class Key:
    section: str
    field: str
    kind: type
    bounds: Range | None
    rules: tuple[Rule, ...]
    alias: str | None
    secret: bool
    mask: Callable[[str], str] | None

    @property
    def name(self) -> str:
        return f"{self.section}.{self.field}"

    @property
    def variable(self) -> str:
        return f"{PREFIX}{self.section}_{self.field}".upper()

    @property
    def may_be_filed(self) -> bool:
        return self.secret or self.mask is not None

    @property
    def type_expected(self) -> str:
        """What stands behind "expected" for a value of another type or out of bounds."""
        return TYPE_NAMES[self.kind] + (f" {self.bounds}" if self.bounds else "")

    def shown(self, value: Value) -> str:
        """The value as an operator may see it: a secret only says whether there is one."""
        if self.secret:
            return "(set)" if value else "(not set)"
        if isinstance(value, bool):
            return str(value).lower()
        text = ", ".join(value) if isinstance(value, tuple) else str(value)
        return self.mask(text) if self.mask else text


def _keys_of(section: str, cls: type) -> list[Key]:
    hints = get_type_hints(cls, include_extras=True)
    return [_key(section, field.name, hints[field.name]) for field in fields(cls)]


def _key(section: str, name: str, hint: Any) -> Key:
    kind, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    not_rules = (Alias, Masked, Range, Secret)
    return Key(
        section=section,
        field=name,
        kind=get_origin(kind) or kind,
        bounds=next((mark for mark in marks if isinstance(mark, Range)), None),
        rules=tuple(mark for mark in marks if not isinstance(mark, not_rules)),
        alias=next((mark.name for mark in marks if isinstance(mark, Alias)), None),
        secret=any(isinstance(mark, Secret) for mark in marks),
        mask=next((mark.show for mark in marks if isinstance(mark, Masked)), None),
    )


SECTIONS: dict[str, type] = {
    name: cls for name, cls in get_type_hints(Settings).items() if name != "sources"
}
KEYS: tuple[Key, ...] = tuple(
    key for section, cls in SECTIONS.items() for key in _keys_of(section, cls)
)
