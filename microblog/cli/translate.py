"""`translate`: the catalogues of the languages, begun, kept in step with the source, compiled."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from babel.messages import Catalog

from microblog.cli import catalogues
from microblog.cli.catalogues import Unreadable
from microblog.settings.rules import language_codes

_NAMED = 20


@click.group()
def translate() -> None:
    """Translation and localization commands."""


@translate.command()
@click.argument("lang", callback=lambda _context, _parameter, lang: _known_code(lang))
def init(lang: str) -> None:
    """Initialize a new language."""
    with _step("extract"):
        template = catalogues.extracted()
    with _step("init"):
        target = catalogues.path(lang)
        if target.exists():
            raise Unreadable(f"there is a catalogue for {lang} already")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(catalogues.written(catalogues.begun(lang, template)))
    click.echo(f"{lang}: {len(template)} texts to translate in {target}")


@translate.command()
def update() -> None:
    """Update all languages."""
    with _step("extract"):
        template = catalogues.extracted()
    with _step("update"):
        renewed = {code: catalogues.read(code) for code in catalogues.languages()}
        for catalogue in renewed.values():
            catalogues.renew(catalogue, template)
        for code, catalogue in renewed.items():
            catalogues.path(code).write_bytes(catalogues.written(catalogue))
    _tell(renewed)


@translate.command("compile")
def compile_all() -> None:
    """Compile all languages."""
    with _step("compile"):
        read = {code: catalogues.read(code) for code in catalogues.languages()}
        wrong = [f"{code}: {said}" for code in read for said in catalogues.mistakes(read[code])]
        if wrong:
            raise Unreadable("\n".join(["", *wrong]))
        for code, catalogue in read.items():
            target = catalogues.path(code).with_suffix(".mo")
            target.write_bytes(catalogues.compiled(catalogue))
    _tell(read)


def _known_code(lang: str) -> str:
    try:
        (code,) = language_codes((lang,))
    except ValueError as error:
        raise click.BadParameter(f"expected {error}") from error
    return code


@contextmanager
def _step(name: str) -> Iterator[None]:
    try:
        yield
    except (Unreadable, OSError) as error:
        raise click.ClickException(f"{name} command failed: {error}") from error


def _tell(read: dict[str, Catalog]) -> None:
    """How complete each language is, and what it lacks."""
    for code, catalogue in read.items():
        missing = catalogues.untranslated(catalogue)
        click.echo(f"{code}: {len(catalogue) - len(missing)} of {len(catalogue)} texts translated")
        for text in missing[:_NAMED]:
            click.echo(f"    missing: {text}")
        if len(missing) > _NAMED:
            click.echo(f"    and {len(missing) - _NAMED} more")
