"""`translate`: catalogues begun, kept in step, compiled, on a copy of the package."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from click.testing import CliRunner

from microblog.app import create_app
from microblog.cli import catalogues, main, register
from microblog.cli.catalogues import PACKAGE, Unreadable
from microblog.settings import NO_FILE, load

LANGUAGES = catalogues.languages()
Translate = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of its own, whose source may be written in."""
    ignored = shutil.ignore_patterns("__pycache__", "static")
    return Path(shutil.copytree(PACKAGE, tmp_path / "checkout" / "microblog", ignore=ignored))


@pytest.fixture
def translate(package: Path) -> Translate:
    """Types `microblog translate …` there."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(package.parent)}

    def run(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "microblog", "translate", *arguments],
            cwd=package.parent,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert not list(package.parent.rglob("*.pot"))
        return done

    return run


def say(package: Path, words: str) -> None:
    """Write into a template of the copy."""
    with (package / "templates" / "base.html").open("a", encoding="utf-8") as file:
        file.write(words)


def files(package: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in package.rglob("translations/**/*.?o")}


def test_the_group_is_listed() -> None:
    """CLI-01."""
    assert "translate" in CliRunner().invoke(main, ["--help"]).output
    listed = CliRunner().invoke(main, ["translate", "--help"]).output
    assert "Translation and localization commands." in listed
    for line in (
        "init     Initialize a new language.",
        "update   Update all languages.",
        "compile  Compile all languages.",
    ):
        assert line in listed


def test_the_other_name_of_the_program_has_it_too(tmp_path: Path) -> None:
    app = create_app(load(NO_FILE, {"MICROBLOG_SERVER_INSTANCE": str(tmp_path)}))
    register(app)
    assert set(app.cli.commands["translate"].commands) == {"init", "update", "compile"}  # type: ignore[attr-defined]


def test_a_new_language(translate: Translate, package: Path) -> None:
    """CLI-02, CLI-08: and what is there already is not touched."""
    path = catalogues.path("it", package)
    assert str(path) in translate("init", "it").stdout
    begun = catalogues.read("it", package)
    assert len(begun) == len(catalogues.extracted(package))
    assert len(catalogues.untranslated(begun)) == len(begun)
    assert begun.num_plurals == 2
    translate("init", "zh-hant")
    assert catalogues.path("zh_Hant", package).is_file()
    before = files(package)
    refused = translate("init", "it", status=1)
    assert refused.stderr.startswith("Error: init command failed: ")
    assert files(package) == before


def test_a_language_must_be_named() -> None:
    """CLI-03."""
    result = CliRunner().invoke(main, ["translate", "init"])
    assert result.exit_code == 2
    assert "Missing argument 'LANG'" in result.output


@pytest.mark.parametrize(
    "odd",
    [
        *("fr; touch pwned", "$(touch pwned)", "`touch pwned`", "fr|cat", "fr\n", "fr\0", "fr&"),
        *("../../evil", "/etc/evil", "fr/..", "..", ".", "fr\\..", "C:evil", "--help=1"),
        *("", " ", "f", "zz", "xyzzy", "fr_", "fr__FR", "français", "日本"),
    ],
)
def test_odd_languages_are_refused(
    odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CLI-04: nothing is executed, nothing is written."""
    monkeypatch.chdir(tmp_path)
    before = files(PACKAGE)
    result = CliRunner().invoke(main, ["translate", "init", "--", odd])
    assert result.exit_code == 2
    assert "expected language codes such as en or pt_BR" in result.output
    assert not list(tmp_path.iterdir())
    assert files(PACKAGE) == before


def test_update_keeps_catalogues_in_step(translate: Translate, package: Path) -> None:
    """CLI-05: what is new comes, what is gone goes, what is translated stays."""
    gone = package / "templates" / "auth" / "logout.html"
    source = gone.read_text(encoding="utf-8")
    gone.write_text(source.replace("Do you want to log out on this device?", "Sure?"))
    say(package, '{{ ngettext("%(num)s gift", "%(num)s gifts", 3) }}{{ _("A brand new text") }}')
    before = {code: catalogues.read(code, package) for code in LANGUAGES}
    told = translate("update").stdout
    for code in LANGUAGES:
        count = len(before[code])
        assert f"{code}: {count - 1} of {count + 2} texts translated\n    missing: " in told
        after = catalogues.read(code, package)
        assert catalogues.untranslated(after) == ["%(num)s gift", "A brand new text", "Sure?"]
        kept = {m.id: m.string for m in after if m.id and m.string and any(m.string)}
        was = {m.id: m.string for m in before[code] if m.id}
        del was["Do you want to log out on this device?"]
        assert kept == was
        assert not after.obsolete
    written = files(package)
    translate("update")
    assert files(package) == written


def test_every_mark_is_found(package: Path) -> None:
    """CLI-06: texts that are marked only by `lazy`, or by being refused, are extracted."""
    (package / "web" / "main" / "gifts.py").write_text(
        "label = lazy('Lazily')\n"
        "title = _('Plainly') + i18n.gettext('By' ' name')\n"
        "count = ngettext('%(num)s gift', '%(num)s gifts', 3)\n"
        "table = {1: marked('In a table')}\n"
        "def give():\n"
        "    raise NotAllowed('No gifts for %(name)s.', name='you')\n"
        "    raise Invalid(marked('A') if short else marked('B'), field='gift')\n"
        "    raise ValueError('not a text')\n"
        "    raise NotFound\n"
        "    raise Malformed(field=field, character=f'U+{character}')\n"
        "class Greedy(Refusal):\n"
        "    message = marked('Too greedy.')\n"
    )
    known = {message.id for message in catalogues.extracted()}
    found = {message.id for message in catalogues.extracted(package)} - known
    assert found == {
        *("Lazily", "Plainly", "By name", ("%(num)s gift", "%(num)s gifts"), "In a table"),
        *("No gifts for %(name)s.", "A", "B", "Too greedy."),
    }


def test_compile(translate: Translate, package: Path) -> None:
    """CLI-07."""
    compiled = [catalogues.path(code, package).with_suffix(".mo") for code in LANGUAGES]
    for path in compiled:
        path.unlink()
    told = translate("compile").stdout
    assert len(told.splitlines()) == len(LANGUAGES)
    for path in compiled:
        with path.open("rb") as file:
            assert read_mo(file).get("Username").string


def test_what_is_fuzzy_or_missing_is_not_compiled(translate: Translate, package: Path) -> None:
    """I18N-13: and what is missing is named."""
    catalogue = catalogues.read("es", package)
    catalogue.get("Username").flags.add("fuzzy")
    catalogue.get("Password").string = ""
    catalogues.path("es", package).write_bytes(catalogues.written(catalogue))
    told = translate("compile").stdout
    assert "    missing: Username\n" in told
    assert "    missing: Password\n" in told
    with catalogues.path("es", package).with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    assert compiled.get("Username") is None
    assert compiled.get("Password") is None
    assert compiled.get("Profile").string == "Perfil"


def test_a_template_that_cannot_be_read(translate: Translate, package: Path) -> None:
    """CLI-08: extraction fails, by name and line, and no catalogue is written."""
    before = files(package)
    say(package, '\n{{ _("half a text }}')
    for arguments in (("update",), ("init", "it")):
        told = translate(*arguments, status=1).stderr
        assert told.startswith("Error: extract command failed: templates/base.html, line ")
    assert files(package) == before


def test_source_that_cannot_be_read(package: Path) -> None:
    (package / "broken.py").write_bytes(b"x = _('\xff')\n")
    with pytest.raises(Unreadable, match=r"broken\.py"):
        catalogues.extracted(package)


def test_a_catalogue_that_cannot_be_read(translate: Translate, package: Path) -> None:
    """CLI-08: and no other catalogue is written either."""
    with catalogues.path("fr", package).open("a") as file:
        file.write('\nmsgid "half\nmsgstr ""\n')
    say(package, '{{ _("A brand new text") }}')
    before = files(package)
    told = translate("update", status=1).stderr
    assert told.startswith("Error: update command failed: ")
    assert "messages.po, line " in told
    assert translate("compile", status=1).stderr.startswith("Error: compile command failed: ")
    assert files(package) == before


def test_a_translation_that_would_break_a_page(translate: Translate, package: Path) -> None:
    """CLI-08: a placeholder that nobody fills in stops the whole step."""
    path = catalogues.path("de", package)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"Hallo, %(username)s!"', '"Hallo, %(benutzer)s!"'))
    before = files(package)
    told = translate("compile", status=1).stderr
    assert told.startswith("Error: compile command failed: ")
    assert "de: 'Hi, %(username)s!': " in told
    assert files(package) == before
