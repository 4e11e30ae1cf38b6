"""Languages: whose is spoken, where, and that two never mix. One database is enough for that."""

import asyncio
import email.policy
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from html import unescape
from pathlib import Path

import pytest
from quart import Quart

from microblog import i18n
from microblog.cli import catalogues
from tests.cast import Browser, Cast
from tests.web.reading import body, error_at, flashes, heading, labels, leads_to, rows

CHECKOUT = Path(__file__).parents[1]
SEVEN = ("en", "es", "de", "fr", "pt", "ja", "ar")
SEARCHED = "/auth/login"
SIGN_IN = {
    "en": "Sign In",
    "es": "Iniciar sesión",
    "de": "Anmelden",
    "fr": "Se connecter",
    "pt": "Entrar",
    "ja": "ログイン",
    "ar": "تسجيل الدخول",
}
SAID = {"en": "said", "es": "dijo", "de": "schrieb", "ja": "投稿:", "ar": "نُشر"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def seven(environment: dict[str, str]) -> None:
    """For services that offer all languages there are; ask for it before the application."""
    environment["LANGUAGES"] = ",".join(SEVEN)


@pytest.fixture
def german(environment: dict[str, str]) -> None:
    environment["LANGUAGES"] = "de"


async def spoken(browser: Browser, header: str | None, path: str = SEARCHED) -> str:
    """The language of a page, by its own word and by its words."""
    wish = {} if header is None else {"Accept-Language": header}
    page = await body(await browser.get(path, **wish))
    if path == SEARCHED:
        assert heading(page) == SIGN_IN[language_of(page)]
    return language_of(page)


def language_of(page: str) -> str:
    found = re.search(r'<html lang="([\w-]+)" dir="(ltr|rtl)">', page)
    assert found
    assert (found[2] == "rtl") == (found[1] == "ar")
    return found[1]


def speaks(browser: Browser, language: str) -> Browser:
    browser.client.set_cookie("localhost", "language", language)
    return browser


# Whose language


async def test_language_from_the_header(cast: Cast) -> None:
    """I18N-01."""
    for language, labelled in (
        ("es", ("Nombre de usuario", "Contraseña", "Recordarme")),
        ("en", ("Username", "Password", "Remember Me")),
    ):
        page = await body(await cast.stranger.get("/auth/login", **{"Accept-Language": language}))
        found = labels(page)
        assert tuple(found[f] for f in ("username", "password", "remember_me")) == labelled


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("es;q=0.3, en;q=0.8", "en"),  # I18N-02
        ("es;q=0.8, en;q=0.3", "es"),
        ("en;q=0.3,es;q=0.8", "es"),
        ("da, en-gb;q=0.8, en;q=0.7", "en"),  # I18N-03
        ("da, es-AR;q=0.8, en;q=0.7", "es"),
        ("ES-mx", "es"),
        ("ja", "en"),  # I18N-04
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("es;q=0, *", "en"),
        ("es;q=nonsense, en", "en"),
        ("../../etc/passwd, \x7f, es%00", "en"),
        ("x" * 4000 + ", es", "en"),
        (",;q=,=;;--_-,es", "es"),
    ],
)
async def test_weights_regions_and_nonsense(app: Quart, header: str | None, language: str) -> None:
    """I18N-02, I18N-03, I18N-04: and never anything but a page."""
    assert await spoken(Browser(app), header) == language


@pytest.mark.parametrize(
    ("offered", "wish", "chosen"),
    [
        (["en", "pt_BR"], "pt-br", "pt_BR"),
        (["en", "pt_BR"], "pt", "pt_BR"),
        (["en", "pt_BR"], "pt-PT, en", "en"),
        (["en", "pt"], "pt-BR", "pt"),
        (["en", "zh_Hant"], "zh-Hant-TW, en", "zh_Hant"),
        (["en", "zh", "zh_Hant"], "zh-hant-hk", "zh_Hant"),
        (["en", "zh", "zh_Hant"], "zh-CN", "zh"),
        (["de", "en"], "fr", "de"),
        (["de", "en"], "EN", "en"),
    ],
)
def test_the_code_that_is_chosen_is_one_that_is_offered(
    offered: list[str], wish: str, chosen: str
) -> None:
    """A code as somebody happened to write it would find no catalogue."""
    assert i18n.choose(offered, None, "", "xx", wish) == chosen


async def test_account_over_cookie_over_header(seven: None, cast: Cast) -> None:
    susan = cast.susan.browser
    assert await spoken(susan, "fr", "/") == "fr"
    assert await spoken(speaks(susan, "de"), "fr", "/") == "de"
    await susan.submit("/account", to="/account/words", language="ja", time_zone="")
    assert await spoken(susan, "fr", "/") == "ja"
    assert await spoken(susan, "fr", "/nowhere") == "ja"
    await susan.submit("/account", to="/account/words", language="", time_zone="")
    assert await spoken(susan, "fr", "/") == "de"


async def test_the_menu_at_the_foot(seven: None, cast: Cast) -> None:
    page = await cast.stranger.text("/auth/login")
    offered = re.findall(r'<option value="(\w+)"( selected)?>(.*?)</option>', page)
    assert [code for code, _, _ in offered] == list(SEVEN)
    assert [code for code, selected, _ in offered if selected] == ["en"]
    names = ["English", "Español", "Deutsch", "Français", "Português", "日本語", "العربية"]
    assert [name for _, _, name in offered] == names
    answer = await cast.stranger.submit(
        "/auth/login", to="/language", language="ar", next="/auth/register"
    )
    assert leads_to(answer) == "/auth/register"
    assert await spoken(cast.stranger, "de") == "ar"
    away = await cast.stranger.submit(
        "/auth/login", to="/language", language="de", next="https://evil.example/"
    )
    assert leads_to(away) == "/index"
    assert await spoken(cast.stranger, "fr") == "de"


async def test_the_menu_speaks_to_the_account_that_has_a_language(seven: None, cast: Cast) -> None:
    susan = cast.susan.browser
    await susan.submit("/account", to="/account/words", language="ja", time_zone="")
    await susan.submit("/", to="/language", language="es", next="/")
    assert await spoken(susan, "fr", "/") == "es"
    elsewhere = Browser(susan.client.app)
    await elsewhere.log_in("susan")
    assert await spoken(elsewhere, "fr", "/") == "es"


async def test_a_language_that_is_not_offered_is_not_spoken(cast: Cast) -> None:
    await cast.stranger.submit("/auth/login", to="/language", language="de")
    assert await spoken(cast.stranger, "es") == "en"
    assert await spoken(speaks(cast.stranger, "../../de"), "es") == "es"
    answer = await cast.stranger.post("/language", language="es")
    assert answer.status_code == 400


# What is said in it


async def test_labels_follow_the_request(app: Quart) -> None:
    """I18N-06: forms are defined at import, and speak as they are shown."""
    for _ in range(2):
        assert await spoken(Browser(app), "es") == "es"
        assert await spoken(Browser(app), "en") == "en"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Please log in to access this page."),
        ("es", "Inicia sesión para acceder a esta página."),
    ],
)
async def test_the_login_message(app: Quart, language: str, text: str) -> None:
    """I18N-07."""
    browser = speaks(Browser(app), language)
    assert leads_to(await browser.get("/explore")) == "/auth/login?next=/explore"
    assert flashes(await browser.text("/auth/login")) == [text]


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "User nobody not found."), ("es", "No se ha encontrado al usuario nobody.")],
)
async def test_a_flash_with_a_name_in_it(cast: Cast, language: str, text: str) -> None:
    """I18N-08."""
    susan = speaks(cast.susan.browser, language)
    await susan.submit("/", to="/follow/nobody")
    assert flashes(await susan.text("/")) == [text]


async def test_the_head_of_a_post(seven: None, cast: Cast) -> None:
    """I18N-09: the phrase's markup is markup, the name in it is text."""
    susan = speaks(cast.susan.browser, "es")
    await susan.submit("/edit_profile", username="susan", display_name="<b>%(x)s", about_me="")
    post_id = await cast.publish(cast.susan, "hola")
    for language, said in SAID.items():
        (row,) = rows(await speaks(susan, language).text("/explore"))
        phrase = re.search(r'<span class="post-said">(.*?)</span>', row.html, re.S)
        assert phrase
        assert said in phrase[1]
        link = f'<a class="post-when" href="/post/{post_id}"><time datetime="'
        assert link in phrase[1]
        assert 'href="/user/susan"' in row.html
        assert '<b dir="auto">&lt;b&gt;%(x)s</b>' in row.html


async def test_error_pages(seven: None, app: Quart) -> None:
    """I18N-10."""
    for language, words in (
        ("en", "File Not Found"),
        ("es", "Página no encontrada"),
        ("ja", "ページが見つかりません"),
        ("ar", "الصفحة غير موجودة"),
    ):
        answer = await Browser(app).get("/nowhere", **{"Accept-Language": language})
        assert answer.status_code == 404
        assert heading(await body(answer)) == words


async def test_refusals_in_json(app: Quart) -> None:
    answer = await app.test_client().get(
        "/explore", headers={"Accept": "application/json", "Accept-Language": "es"}
    )
    assert (await answer.get_json())["detail"] == "Inicia sesión para acceder a esta página."


async def test_the_subject_of_a_letter(cast: Cast) -> None:
    """I18N-11: in the language of whoever asks, unless the account has its own."""
    await speaks(cast.stranger, "es").submit(
        "/auth/reset_password_request", email="susan@example.com"
    )
    (letter,) = await letters(cast, 1)
    assert letter["Subject"] == "[Microblog] Nueva Contraseña"
    plain = letter.get_body(("plain",))
    assert plain
    assert "Hola, susan:" in plain.get_content()
    john = cast.john.browser
    await john.submit("/account", to="/account/words", language="en", time_zone="")
    await cast.stranger.submit("/auth/reset_password_request", email="john@example.com")
    subjects = {letter["Subject"] for letter in await letters(cast, 2)}
    assert "[Microblog] Reset Your Password" in subjects


async def letters(cast: Cast, number: int) -> list[EmailMessage]:
    folder = cast.resources.settings.server.instance / "mail"
    async with asyncio.timeout(10):
        while len(found := list(folder.glob("*.eml"))) < number:
            await asyncio.sleep(0.02)
    return [message_from_bytes(f.read_bytes(), policy=email.policy.default) for f in found]


async def test_times_in_the_language_of_the_page(cast: Cast) -> None:
    """I18N-12: the script that tells times asks the page for its language."""
    await cast.publish(cast.susan, "hola")
    page = await speaks(cast.susan.browser, "es").text("/")
    assert language_of(page) == "es"
    script = (catalogues.PACKAGE / "static" / "js" / "time.js").read_text(encoding="utf-8")
    assert "const language = document.documentElement.lang" in script
    assert script.count("(language, {") == 2
    month = i18n.long_date(datetime.now(UTC)).split()[0]
    assert month not in page


@pytest.mark.parametrize(
    ("code", "date"),
    [
        ("en", "January 2, 2026"),
        ("es", "2 de enero de 2026"),
        ("de", "2. Januar 2026"),
        ("fr", "2 janvier 2026"),
        ("pt", "2 de janeiro de 2026"),
        ("ja", "2026年1月2日"),
        ("ar", "2 يناير 2026"),
    ],
)
def test_dates(code: str, date: str) -> None:
    with i18n.speaking(code):
        assert date in i18n.long_date(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


async def test_the_time_zone_of_an_account(cast: Cast) -> None:
    susan = cast.susan.browser
    await susan.submit("/account", to="/account/words", language="es", time_zone="Asia/Tokyo")
    assert "+0900" in await susan.text("/account")


def test_what_is_not_translated_is_english() -> None:
    """I18N-13."""
    with i18n.speaking("es"):
        assert i18n.gettext("No catalogue has %(what)s.", what="this") == "No catalogue has this."
        assert i18n.ngettext("%(num)s gnu", "%(num)s gnus", 2) == "2 gnus"
    with i18n.speaking("it"):
        assert i18n.gettext("Username") == "Username"


async def test_what_people_write_is_left_alone(seven: None, cast: Cast) -> None:
    """I18N-14: even where it is the very words of the catalogue."""
    words = "Username Password Hi, %(username)s! said %(when)s:"
    susan = cast.susan.browser
    await susan.submit("/edit_profile", username="susan", display_name="Home", about_me=words)
    await susan.submit("/", post=words)
    await susan.submit("/", post="Explore")
    for language in SEVEN:
        page = await speaks(susan, language).text("/user/susan")
        assert [row.text for row in rows(page)] == ["Explore", words]
        assert f'<p class="profile-about" dir="auto">{words}</p>' in page
        assert "<bdi>Home</bdi>" in page


@pytest.mark.parametrize("language", SEVEN[1:])
async def test_what_is_wrong_with_a_form(seven: None, app: Quart, language: str) -> None:
    """What WTForms says, what the domain says: nothing of it in English."""
    browser = Browser(app)
    told = {}
    for spoken_now in ("en", language):
        speaks(browser, spoken_now)
        page = await body(await browser.submit("/auth/register", username="x" * 65, password2="1"))
        again = await body(
            await browser.submit(
                "/auth/register",
                username="-",
                email="nobody@example.com",
                password="correct horse",
                password2="correct horse",
            )
        )
        told[spoken_now] = [
            error_at(page, "username"),
            error_at(page, "email"),
            error_at(page, "password2"),
            error_at(again, "username"),
        ]
    assert told["en"][0] == "Field cannot be longer than 64 characters."
    assert told["en"][2] == "Field must be equal to password."
    assert "64" in told[language][0]
    for english, text in zip(told["en"], told[language], strict=True):
        assert text
        assert text != english


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "لا منشورات جديدة"),
        (1, "منشور جديد واحد"),
        (2, "منشوران جديدان"),
        (3, "3 منشورات جديدة"),
        (11, "11 منشورًا جديدًا"),
        (100, "100 منشور جديد"),
    ],
)
def test_the_six_forms_of_arabic(number: int, text: str) -> None:
    with i18n.speaking("ar"):
        assert i18n.ngettext("%(num)s new post", "%(num)s new posts", number) == text


def test_other_plurals() -> None:
    for code, one, none in (("fr", "1 nouvelle publication", "0 nouvelle publication"),):
        with i18n.speaking(code):
            assert i18n.ngettext("%(num)s new post", "%(num)s new posts", 1) == one
            assert i18n.ngettext("%(num)s new post", "%(num)s new posts", 0) == none
    with i18n.speaking("ja"):
        assert i18n.ngettext("%(num)s new post", "%(num)s new posts", 1) == "新しい投稿 1 件"


async def test_the_forms_that_the_script_chooses_from(seven: None, cast: Cast) -> None:
    page = await speaks(cast.susan.browser, "ar").text("/")
    texts = dict(re.findall(r'data-text-(\d+)="([^"]*)"', page))
    assert texts["2"] == "منشوران جديدان"
    assert texts["3"] == "{n} منشورات جديدة"
    assert texts["11"] == "{n} منشورًا جديدًا"
    assert texts["100"] == "{n} منشور جديد"


# Two at once


async def test_two_requests_at_once(seven: None, cast: Cast) -> None:
    """I18N-05: twenty of four languages, all under way together."""
    await cast.publish(cast.susan, "hola")
    people = (cast.susan, cast.john, cast.mary, cast.david)

    async def read(number: int) -> None:
        language = ("es", "en", "ar", "ja")[number % 4]
        page = await body(
            await people[number // 4 % 4].browser.get("/explore", **{"Accept-Language": language})
        )
        assert language_of(page) == language
        (row,) = rows(page)
        assert SAID[language] in row.html

    await asyncio.gather(*(read(number) for number in range(20)))


async def test_two_tasks_at_once() -> None:
    """I18N-05: each waits in the middle until the other has spoken."""
    both = asyncio.Barrier(2)

    async def speak(code: str) -> str:
        i18n.speak(code)
        await both.wait()
        return i18n.gettext("Profile")

    assert await asyncio.gather(speak("es"), speak("de")) == ["Perfil", "Profil"]
    assert i18n.language() == "en"


async def test_a_fragment_comes_in_its_reader_s_language(seven: None, cast: Cast) -> None:
    """By account, cookie and header, as pages; over sockets that are open together."""
    await cast.john.browser.submit("/account", to="/account/words", language="ja", time_zone="")
    speaks(cast.mary.browser, "es")
    sockets = [
        person.browser.client.websocket("/live?channels=explore", headers={"Accept-Language": "ar"})
        for person in (cast.susan, cast.john, cast.mary)
    ]
    async with sockets[0] as susan, sockets[1] as john, sockets[2] as mary:
        for socket in (susan, john, mary):
            assert json.loads(await socket.receive())["type"] == "hello"
        async with asyncio.timeout(10):
            while sum(reader.live for reader in cast.resources.hub.audience) < 3:
                await asyncio.sleep(0.005)
        await cast.publish(cast.david, "hola")
        for socket, language in ((susan, "ar"), (john, "ja"), (mary, "es")):
            frame = json.loads(await socket.receive())
            assert frame["type"] == "post.created"
            assert SAID[language] in frame["html"]


# One language more


@pytest.fixture
def abroad(tmp_path: Path) -> Path:
    """A checkout of one's own, to which a language may be added."""
    for folder in ("microblog", "alembic"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / folder, tmp_path / "checkout" / folder, ignore=ignored)
    return tmp_path / "checkout"


def run(checkout: Path, *arguments: str, **environ: str) -> str:
    paths = {"PYTHONPATH": f"{checkout}{os.pathsep}{CHECKOUT}", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=checkout,
        env=paths | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_language_more_needs_no_code(abroad: Path, environment: dict[str, str]) -> None:
    """I18N-15: begun, translated, compiled, offered; and every text of every page is in it."""
    run(abroad, "microblog", "translate", "init", "eo")
    catalogue = catalogues.read("eo", abroad / "microblog")
    for message in catalogue:
        if message.id:
            one = isinstance(message.id, str)
            message.string = f"⟦{message.id}⟧" if one else tuple(f"⟦{m}⟧" for m in message.id)
    path = catalogues.path("eo", abroad / "microblog")
    path.write_bytes(catalogues.written(catalogue))
    assert "eo: " in run(abroad, "microblog", "translate", "compile")
    pages = json.loads(run(abroad, "tests.abroad", **environment, LANGUAGES="en,eo"))
    for name, page in pages.items():
        assert '<html lang="eo" dir="ltr">' in page, name
        assert foreign(page) == [], name
    assert "⟦Hi, n1!⟧" in pages["/"]
    assert {"Home", "Explore", "Submit", "Say"} <= {*foreign(pages["/"].replace("⟦", ""))}
    assert "⟦Nobody has said anything yet⟧" not in pages["/"]


def foreign(page: str) -> list[str]:
    """What a page says that is not in the made-up language, but for names, dates and choices."""
    page = re.sub(r"<(time|option|svg)\b.*?</\1>", "", page, flags=re.S)
    # What languages call themselves.
    page = re.sub(r'<label[^>]* lang="[^"]*">.*?</label>', "", page)
    worded = r' ?(?:aria-label|alt|title|placeholder|data-[\w-]+|(?<=submit" )value)="([^"]*)"'
    spoken_in = [value for value in re.findall(worded, page) if " " in value or value[:1].isupper()]
    text = "\n".join([re.sub(r"<[^>]*>", " ", page), *spoken_in])
    rest = re.sub(r"⟦.*?⟧", " ", unescape(text), flags=re.S)
    # WTForms does not know the language, so its one sentence is in English.
    rest = rest.replace("This field is required.", "")
    rest = re.sub(r"Microblog|werkzeug\S*|[Qq]uart\S*|n[12](@0\.00)?", "", rest)
    return re.findall(r"[^\W\d_]{2,}", rest)


def test_the_default_is_two_languages(cast: Cast) -> None:
    """I18N-15."""
    assert cast.resources.settings.languages.offered == ("en", "es")


async def test_a_service_with_one_language_has_no_menu(german: None, app: Quart) -> None:
    page = await Browser(app).text("/auth/login")
    assert language_of(page) == "de"
    assert "language-choice" not in page
