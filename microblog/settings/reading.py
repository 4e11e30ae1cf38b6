"""Reads the settings once, as a whole, and refuses by name what cannot be used."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dotenv import dotenv_values

from microblog.settings.keys import KEYS, SECTIONS
from microblog.settings.layers import FILE_VARIABLE, Given, in_environment, in_file
from microblog.settings.problems import Problem, SettingsError
from microblog.settings.whole import Settings

NO_FILE = Path(os.devnull)
"""As a path: no settings file, whatever lies in the working directory."""


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """All settings, checked. Without arguments: `MICROBLOG_SETTINGS` or ./settings.toml, if
    there, under the process's environment (and `.env`). Raises SettingsError with every problem.
    """
    settings, problems = inspect(path, environ)
    if problems:
        raise SettingsError(problems)
    return settings


def load_or_exit(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """`load` for doors of the process: one line per problem on standard error, status 2."""
    try:
        return load(path, environ)
    except SettingsError as error:
        for problem in error.problems:
            print(f"microblog: {problem}", file=sys.stderr)  # noqa: T201 (before there is a log)
        raise SystemExit(2) from None


def inspect(
    path: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Settings, list[Problem]]:
    """What can be read, and what is wrong; a wrong value leaves the next weaker one standing."""
    environ = _environment() if environ is None else environ
    values: dict[str, Any] = {}
    sources = {key.name: "default" for key in KEYS}
    problems: list[Problem] = []
    for given in _layers(path, environ):
        if isinstance(given, Problem):
            problems.append(given)
            continue
        try:
            values[given.key.name] = given.converted()
            sources[given.key.name] = given.source
        except ValueError as error:
            problems.append(given.problem(str(error)))
    settings = _settings(values, sources)
    wrong = {problem.key for problem in problems}
    problems += [problem for problem in _contradictions(settings) if problem.key not in wrong]
    return settings, problems


def _environment() -> Mapping[str, str]:
    """The process's environment; below it a file ``.env`` beside the program, if there is one."""
    from_file = dotenv_values(".env", interpolate=False)
    return {name: value for name, value in from_file.items() if value is not None} | dict(
        os.environ
    )


def _layers(path: Path | None, environ: Mapping[str, str]) -> Iterator[Given | Problem]:
    file = path or _named_file(environ)
    if file is not None and file != NO_FILE:
        yield from in_file(file)
    yield from in_environment(environ)


def _named_file(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(FILE_VARIABLE, "").strip()
    if named:
        return Path(named)
    default = Path("settings.toml")
    return default if default.exists() else None


def _settings(values: Mapping[str, Any], sources: Mapping[str, str]) -> Settings:
    sections: dict[str, Any] = {}
    for section, cls in SECTIONS.items():
        names = {field.name: f"{section}.{field.name}" for field in fields(cls)}
        given = {name: values[key] for name, key in names.items() if key in values}
        sections[section] = cls(**given)
    return Settings(**sections, sources=MappingProxyType(dict(sources)))


def _contradictions(settings: Settings) -> Iterator[Problem]:
    """What each value alone cannot show."""
    translator, mail, accounts = settings.translator, settings.mail, settings.accounts

    def problem(key: str, expected: str) -> Problem:
        return Problem(key, settings.sources[key], expected)

    if translator.kind in {"microsoft", "deepl"} and not translator.key:
        yield problem("translator.key", f"the secret key for {translator.kind}")
    if translator.kind == "libretranslate" and not translator.url:
        yield problem("translator.url", "the address of the libretranslate server")
    if settings.redis.url and find_spec("redis") is None:
        yield problem("redis.url", "its client installed, as `pip install 'microblog[redis]'` does")
    if mail.use_tls and mail.use_ssl:
        yield problem("mail.use_ssl", "only one of mail.use_tls and mail.use_ssl switched on")
    if mail.server and mail.username and not mail.password:
        yield problem("mail.password", "the secret password of mail.username")
    if accounts.session_idle_days > accounts.session_max_days:
        yield problem("accounts.session_idle_days", "no more than accounts.session_max_days")
