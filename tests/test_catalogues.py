"""Laws of the catalogues: complete, in step with the source, harmless on a page, compiled."""

import ast
import re
from collections.abc import Iterator
from gettext import GNUTranslations

import pytest
from babel import Locale
from babel.messages import Catalog
from babel.messages.mofile import read_mo
from jinja2 import Environment, nodes

from microblog import i18n
from microblog.cli import catalogues
from microblog.domain.errors import Refusal
from microblog.web import csrf, refusals

LANGUAGES = ("ar", "de", "es", "fr", "ja", "pt")
PLACEHOLDER = re.compile(r"%\((\w+)\)([a-z])")
SCRIPT = catalogues.PACKAGE / "static" / "js" / "plural.js"
Ids = set[str | tuple[str, ...]]


@pytest.fixture(scope="module")
def source() -> Catalog:
    return catalogues.extracted()


@pytest.fixture(scope="module", params=LANGUAGES)
def code(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def catalogue(code: str) -> Catalog:
    return catalogues.read(code)


def ids(catalogue: Catalog) -> Ids:
    return {message.id for message in catalogue if message.id}  # type: ignore[misc]


def translations(catalogue: Catalog) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Every text with its translations, both in all their forms."""
    for message in catalogue:
        if message.id:
            yield forms(message.id), forms(message.string)


def forms(text: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def form_of(code: str, number: int) -> int:
    """Which of a catalogue's forms goes with a number."""
    return int(_compiled(code).plural(number))  # type: ignore[attr-defined]  # set by the parser


def _compiled(code: str) -> GNUTranslations:
    with catalogues.path(code).with_suffix(".mo").open("rb") as file:
        return GNUTranslations(file)


def test_these_languages_are_spoken() -> None:
    assert tuple(catalogues.languages()) == LANGUAGES
    assert i18n.SOURCE_LANGUAGE == "en"


def test_in_step_with_the_source(catalogue: Catalog, source: Catalog) -> None:
    """If this fails: `microblog translate update`, translate, `microblog translate compile`."""
    assert ids(source) - ids(catalogue) == set(), "not in the catalogue yet"
    assert ids(catalogue) - ids(source) == set(), "not in the source any more"
    assert not catalogue.obsolete


def test_complete(catalogue: Catalog) -> None:
    """I18N-13 is for catalogues that are being written; ours are finished."""
    assert catalogues.untranslated(catalogue) == []
    assert not any(message.fuzzy for message in catalogue if message.id)


def test_no_mistakes(catalogue: Catalog) -> None:
    assert catalogues.mistakes(catalogue) == []


def test_every_form_is_there(code: str, catalogue: Catalog) -> None:
    for english, translated in translations(catalogue):
        assert len(translated) == (1 if len(english) == 1 else catalogue.num_plurals), english
    assert {form_of(code, number) for number in range(200)} == set(range(catalogue.num_plurals))


def test_placeholders_are_those_of_the_source(code: str, catalogue: Catalog) -> None:
    """Only a form that goes with one single number may leave that number out."""
    numbers = [[n for n in range(300) if form_of(code, n) == i] for i in range(6)]
    for english, translated in translations(catalogue):
        wanted = sorted(PLACEHOLDER.findall(english[-1]))
        for form, text in enumerate(translated):
            found = sorted(PLACEHOLDER.findall(text))
            if ("num", "s") in wanted and len(numbers[form]) == 1:
                found = sorted({*found, ("num", "s")})
            assert found == wanted, text
            assert text % _Anything(), text


class _Anything(dict[str, object]):
    def __missing__(self, _name: str) -> int:
        return 1


def test_no_translation_can_break_a_page(catalogue: Catalog) -> None:
    """Templates trust the words of the catalogue, inside attributes too."""
    for _, translated in translations(catalogue):
        for text in translated:
            assert not set(text) & set('<>&"\n\r\t'), text
            assert text == text.strip(" "), text
            assert "  " not in text, text


def test_subjects_and_sentences_keep_their_ends(code: str, catalogue: Catalog) -> None:
    ends = {"?": "?？؟", "!": "!！。", ":": ":：。", "…": "…", ".": ".。"}
    for english, translated in translations(catalogue):
        for text in translated:
            assert text.startswith("[Microblog] ") == english[0].startswith("[Microblog] ")
            end = ends.get(english[0][-1])
            if end and text[-1] not in end:
                assert code == "ja", (english, text)  # short labels end without a mark there


def test_own_script(code: str, catalogue: Catalog) -> None:
    """No text of another language has slipped in: it would be in the wrong letters."""
    alphabet = {"ja": r"[\u3040-\u30ff\u4e00-\u9fff]", "ar": r"[\u0600-\u06ff]"}.get(code)
    for english, translated in translations(catalogue):
        for text in translated:
            assert text not in english or text in SAME.get(code, ()), text
            if alphabet:
                assert re.search(alphabet, text), text
            else:
                assert not re.search(r"[\u0370-\u1cff\u3000-\ud7ff]", text), text


SAME = {"de": {"Live"}, "fr": {"Pages"}}


def test_the_words_that_were_promised() -> None:
    with i18n.speaking("es"):
        assert i18n.gettext("[Microblog] Reset Your Password") == "[Microblog] Nueva Contraseña"
        assert i18n.gettext("Username") == "Nombre de usuario"
        assert i18n.gettext("Password") == "Contraseña"


def test_compiled_as_written(code: str, catalogue: Catalog) -> None:
    """If this fails: `microblog translate compile`."""
    with catalogues.path(code).with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    assert dict(translations(compiled)) == dict(translations(catalogue))
    header = _compiled(code).info()
    assert header["plural-forms"] == catalogue.plural_forms
    assert header["language"] == code


def test_what_the_domain_refuses_can_be_said_in_every_language(source: Catalog) -> None:
    """Refusals are plain literals where they are raised, and translated where they are shown."""
    family = set(catalogues._family(Refusal))
    found = {
        text
        for path in catalogues.PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for text in _refused(node, family)
    }
    assert "You cannot follow yourself!" in found
    assert "Field must be between %(min)d and %(max)d characters long." in found
    assert found - {form for text in ids(source) for form in forms(text)} == set()


def _refused(node: ast.AST, family: set[str]) -> Iterator[str]:
    said: list[ast.expr] = []
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in family:
        said = node.args[:1]
    elif isinstance(node, ast.ClassDef) and any(getattr(b, "id", "") in family for b in node.bases):
        said = [
            part.value
            for part in node.body
            if isinstance(part, ast.Assign) and getattr(part.targets[0], "id", "") == "message"
        ]
    for expression in said:
        for inner in ast.walk(expression):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                yield inner.value


def test_what_is_said_by_the_doors_is_in_the_source(source: Catalog) -> None:
    known = ids(source)
    for heading, text in refusals._WORDS.values():
        assert heading in known
        assert not text or text in known
    assert csrf.Forged.description in known
    for kind in _kinds(Refusal):
        assert kind.message in known


def _kinds(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _kinds(child)


def test_templates_translate_literals_only() -> None:
    """What is translated counts as markup: a visitor's words there would be let through."""
    environment = Environment(extensions=["jinja2.ext.i18n"])
    seen = 0
    for path in (catalogues.PACKAGE / "templates").rglob("*.*"):
        tree = environment.parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            name = getattr(call.node, "name", "")
            if name in ("_", "gettext", "ngettext"):
                seen += 1
                for text in call.args[: 2 if name == "ngettext" else 1]:
                    assert isinstance(text, nodes.Const), (path.name, call.lineno)
    assert seen > 100


def test_the_script_finds_every_plural_form(code: str) -> None:
    """The page holds the text for a few numbers; the script takes one that counts alike."""
    samples = _samples()
    rule = Locale.parse(code).plural_form
    for number in (*range(250), 1000, 1_000_000, 1_000_005):
        alike = [sample for sample in samples if rule(sample) == rule(number)]
        chosen = number if number in samples else (alike or [100])[-1]
        assert form_of(code, chosen) == form_of(code, number), (number, chosen)


def test_page_and_script_have_the_same_numbers() -> None:
    listed = "[" + ", ".join(map(str, _samples())) + "]"
    for name in ("_feed.html", "_form.html"):
        assert f"for n in {listed} " in _template(name)


def _template(name: str) -> str:
    return (catalogues.PACKAGE / "templates" / name).read_text(encoding="utf-8")


def _samples() -> list[int]:
    found = re.search(r"SAMPLES = \[([\d, ]+)\]", SCRIPT.read_text(encoding="utf-8"))
    assert found
    return [int(number) for number in found[1].split(",")]
