"""What the whole promises: addresses, isolation, settings from files, one command for everything."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from quart import Quart

from microblog.adapters.hasher import Hasher
from microblog.app import create_app
from microblog.settings import NO_FILE, load
from tests.cast import HTML, Browser, Cast

TOP = Path(__file__).parents[1]


def test_a_bare_start_is_on_loopback_port_5000() -> None:
    """M-005, M-006: nothing has to be exported."""
    server = load(NO_FILE, {}).server
    assert (server.host, server.port) == ("127.0.0.1", 5000)
    assert "serve" in (TOP / "Makefile").read_text()


def test_one_command_runs_the_suite() -> None:
    """M-136: the README leads with it."""
    assert "make test" in (TOP / "README.md").read_text()[:1500]
    assert re.search(r"^test: ", (TOP / "Makefile").read_text(), re.MULTILINE)


def test_the_database_is_chosen_by_its_address(tmp_path: Path) -> None:
    """M-054."""
    assert load(NO_FILE, {}).is_sqlite
    assert load(NO_FILE, {"DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}).is_sqlite
    chosen = load(NO_FILE, {"DATABASE_URL": "postgres://u@db.example/name"})
    assert chosen.database_url.startswith("postgresql+asyncpg://u@db.example/")


def test_mail_goes_to_port_25_unless_told() -> None:
    """M-082."""
    assert load(NO_FILE, {}).mail.port == 25
    assert load(NO_FILE, {"MAIL_PORT": "2525"}).mail.port == 2525


async def test_two_applications_do_not_influence_each_other(tmp_path: Path) -> None:
    """STR-01."""
    apps = []
    for name in ("one", "two"):
        environ = {"MICROBLOG_SERVER_INSTANCE": str(tmp_path / name), "POSTS_PER_PAGE": "7"}
        apps.append(
            create_app(
                load(NO_FILE, environ if name == "one" else environ | {"POSTS_PER_PAGE": "9"})
            )
        )
    held = [app.extensions["microblog"] for app in apps]
    assert [r.settings.posts.per_page for r in held] == [7, 9]
    assert held[0].secret_key != held[1].secret_key
    assert held[0].database.url != held[1].database.url
    for resources in held:
        resources.hasher.close()
        await resources.database.close()


async def test_addresses_are_where_they_were(app: Quart, cast: Cast) -> None:
    """STR-02, STR-03, STR-04, STR-05, STR-08."""
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    for name in ("login", "logout", "register", "reset_password_request", "reset_password/<token>"):
        assert f"/auth/{name}" in rules
        assert f"/{name}" not in rules
    assert {"/", "/index", "/explore", "/user/<username>", "/edit_profile"} <= rules
    response = await cast.stranger.get("/explore")
    assert response.headers["Location"] in (
        "/auth/login?next=/explore",
        "/auth/login?next=%2Fexplore",
    )
    for path in ("/nowhere", "/auth/nowhere", "/user/susan/nowhere"):
        response = await cast.stranger.get(path)
        assert response.status_code == 404
        assert "File Not Found" in await response.get_data(as_text=True)


def config_check(folder: Path, **environ: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "microblog", "config", "check"],
        cwd=folder,
        env={"PYTHONPATH": str(TOP), "PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout + result.stderr


def test_a_file_of_environment(tmp_path: Path) -> None:
    """STR-06: it is used, the environment wins over it, and without it nothing is wrong."""
    assert "posts.per_page" in config_check(tmp_path)
    (tmp_path / ".env").write_text("POSTS_PER_PAGE=13\nPORT=5013\n")
    line = next(x for x in config_check(tmp_path).splitlines() if "posts.per_page" in x)
    assert "13" in line
    line = next(
        x for x in config_check(tmp_path, POSTS_PER_PAGE="17").splitlines() if "posts.per_page" in x
    )
    assert "17" in line
    assert "5013" in config_check(tmp_path, POSTS_PER_PAGE="17")


def test_tests_take_nothing_from_a_developers_files() -> None:
    """STR-12: their settings are made from what is handed to them, and from nothing else."""
    settings = load(NO_FILE, {})
    assert set(settings.sources.values()) == {"default"}


async def test_every_page_loads_its_script_once(cast: Cast) -> None:
    """M-134."""
    await cast.publish(cast.susan, "hello")
    for path in ("/", "/explore", "/user/susan", "/post/1", "/account", "/edit_profile"):
        page = await cast.susan.browser.text(path)
        assert page.count('<script type="module"') == 1
        assert page.count("<script") == 1


async def test_the_loop_runs_on_while_passwords_are_checked() -> None:
    """M-138: twenty at once leave it free to do other things all the time."""
    hasher = Hasher(workers=2)
    checks = asyncio.gather(*(hasher.verify(None, "guess") for _ in range(20)))
    turns = 0
    while not checks.done():
        await asyncio.sleep(0)
        turns += 1
    assert await checks == [False] * 20
    # Hashing in the loop would leave it a turn or two for each.
    assert turns > 1000
    hasher.close()


async def test_a_letter_knows_nothing_of_the_request(app: Quart, cast: Cast) -> None:
    """STR-10, STR-11: what was asked under another name for this host is sent with our own."""
    browser = Browser(app)
    token = await browser.token("/auth/reset_password_request")
    response = await browser.client.post(
        "/auth/reset_password_request",
        form={"csrf_token": token, "email": "susan@example.com"},
        headers={**HTML, "X-Forwarded-Host": "evil.example"},
    )
    assert response.status_code in (302, 303)
    folder = cast.resources.settings.server.instance / "mail"
    async with asyncio.timeout(20):
        while not list(folder.glob("*.eml")):
            await asyncio.sleep(0.02)
    (letter,) = folder.glob("*.eml")
    text = letter.read_text()
    assert "http://127.0.0.1:5000/auth/reset_password/" in text.replace("=\n", "")
    assert "evil" not in text


def test_the_lock_names_everything_with_hashes() -> None:
    """STR-09: what it installs is what was tested."""
    lock = (TOP / "requirements.lock").read_text()
    assert re.findall(r"^quart==\S+ ; ", lock, re.MULTILINE)
    pins = re.findall(r"^[a-z0-9-]+==", lock, re.MULTILINE)
    assert len(pins) > 40
    assert lock.count("--hash=sha256:") > len(pins)
