"""Catalogues: the texts of the source, and the files that translate them, one folder a language.

``messages.po`` is what translators write, ``messages.mo`` what the service reads. The texts are
drawn from the source each time, so no template of a catalogue lies about.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from tokenize import TokenError

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import TemplateSyntaxError

from microblog import __version__
from microblog.domain.errors import Refusal

PACKAGE = Path(__file__).parents[1]

_METHODS = [
    ("**.py", "python"),
    ("templates/**.html", "jinja2"),
    ("templates/**.txt", "jinja2"),
]
# As the templates are rendered; and one that cannot be parsed is a failure, not nothing.
_TEMPLATES = {"silent": "false", "trim_blocks": "true", "lstrip_blocks": "true"}
_OPTIONS = {pattern: _TEMPLATES for pattern, method in _METHODS if method == "jinja2"}

# Babel's reader makes something of any line; half a text would replace a whole one without a word.
_LINE = re.compile(r'(#.*|(msgctxt|msgid|msgid_plural|msgstr(\[\d\])?) ".*"|".*"|)')


class Unreadable(Exception):
    """A file of the source, or a catalogue, that makes no sense; says which, and where."""


def extracted(package: Path = PACKAGE) -> Catalog:
    """Every text of the source. Raises :class:`Unreadable`."""
    template = Catalog()
    current = ""

    def note(filename: str, _method: str, _options: object) -> None:
        nonlocal current
        current = filename

    try:
        for filename, line, message, comments, context in extract_from_dir(
            package, _METHODS, _OPTIONS, _keywords(), callback=note
        ):
            place = (Path(filename).as_posix(), line)
            template.add(message, None, [place], auto_comments=comments, context=context)
    except (TemplateSyntaxError, SyntaxError, TokenError, ValueError) as error:
        number = getattr(error, "lineno", None)
        where = current if number is None else f"{current}, line {number}"
        raise Unreadable(f"{where}: {error}") from error
    return template


def _keywords() -> dict[str, tuple[int, ...] | None]:
    """What marks a text: our own functions, and the refusals, which are translated when shown."""
    marks: dict[str, tuple[int, ...] | None] = dict.fromkeys(("_", "gettext", "lazy", "marked"))
    return marks | {"ngettext": (1, 2)} | dict.fromkeys(_family(Refusal))


def _family(kind: type[Refusal]) -> Iterator[str]:
    yield kind.__name__
    for child in kind.__subclasses__():
        yield from _family(child)


def languages(package: Path = PACKAGE) -> list[str]:
    """The languages that have a catalogue."""
    found = (package / "translations").glob("*/LC_MESSAGES/messages.po")
    return sorted(path.parts[-3] for path in found)


def path(code: str, package: Path = PACKAGE) -> Path:
    """Where a language's catalogue is; compiled, it stands beside it with the suffix ``.mo``."""
    return package / "translations" / code / "LC_MESSAGES" / "messages.po"


def begun(code: str, template: Catalog) -> Catalog:
    """A new catalogue, with nothing translated yet."""
    catalogue = Catalog(
        locale=code,
        project="microblog",
        version=__version__,
        header_comment=f"# The texts of microblog in the language {code}.",
        revision_date=datetime.now(UTC),
        last_translator="microblog",
        language_team=code,
        fuzzy=False,
    )
    catalogue.msgid_bugs_address = ""
    renew(catalogue, template)
    return catalogue


def renew(catalogue: Catalog, template: Catalog) -> None:
    """Add what is new in the source and drop what is gone; what is translated stays as it is."""
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)


def read(code: str, package: Path = PACKAGE) -> Catalog:
    """The catalogue as its file has it. Raises :class:`Unreadable`."""
    source = path(code, package)
    try:
        lines = source.read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(lines, start=1):
            if not _LINE.fullmatch(line):
                raise Unreadable(f"{source}, line {number}: this is no line of a catalogue")
        return read_po(lines, locale=code, abort_invalid=True)
    except ValueError as error:
        raise Unreadable(f"{source}: {error}") from error


def written(catalogue: Catalog) -> bytes:
    """The bytes of ``messages.po``; no line numbers, which would change with every other change."""
    file = BytesIO()
    write_po(file, catalogue, width=100, ignore_obsolete=True, include_lineno=False)
    return file.getvalue()


def compiled(catalogue: Catalog) -> bytes:
    """The bytes of ``messages.mo``; what is not translated is not in it."""
    file = BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def untranslated(catalogue: Catalog) -> list[str]:
    """The texts that are shown in English for want of a translation, or because it is fuzzy."""
    return [english(message) for message in catalogue if message.id and not _is_done(message)]


def _is_done(message: Message) -> bool:
    forms = message.string if isinstance(message.string, list | tuple) else (message.string,)
    return bool(forms) and all(forms) and not message.fuzzy


def mistakes(catalogue: Catalog) -> list[str]:
    """What would break a page, or come out wrong: placeholders and plural forms that do not fit."""
    return [
        f"{english(message)!r}: {error}"
        for message, errors in catalogue.check()
        if message.id and message.string
        for error in errors
    ]


def english(message: Message) -> str:
    """The text of the source; of a text with plural forms the singular."""
    return message.id if isinstance(message.id, str) else message.id[0]
