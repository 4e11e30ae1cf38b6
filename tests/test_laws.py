"""Laws: what holds for every route, every template, every module, also for those to come."""

import ast
import asyncio
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, PackageLoader, nodes
from quart import Quart
from sqlalchemy import select
from werkzeug.routing import Rule

import microblog
from microblog.app import create_app
from microblog.models import Base
from microblog.settings import KEYS, NO_FILE, load
from microblog.web import access, rendering
from microblog.web.access import Access
from microblog.web.headers import PICTURE_HEADERS, SECURITY_HEADERS
from tests.cast import HTML, Browser, Cast
from tests.web.reading import body, leads_to

PACKAGE = Path(microblog.__file__).parent
PROJECT = PACKAGE.parent
SAFE = {"GET", "HEAD", "OPTIONS"}
EXAMPLES = {
    "username": "john",
    "recipient": "john",
    "message_id": 1,
    "post_id": 1,
    "user_id": 1,
    "login_id": 1,
    "task_id": "b7f1a7f4-3f0b-4c80-bf5e-0d9a64f3a1a5",
    "name": "0" * 48,
    "token_id": 1,
    "token": "no-such.token",
    "filename": "css/site.css",
    "export": "b7f1a7f4-3f0b-4c80-bf5e-0d9a64f3a1a5",
}
JSON = {"Accept": "application/json"}

# What people and scripts hold on to: address, methods, name.
ROUTES = {
    ("/", "GET POST", "main.index"),
    ("/index", "GET POST", "main.index"),
    ("/explore", "GET", "main.explore"),
    ("/user/<username>", "GET", "main.user"),
    ("/edit_profile", "GET POST", "main.edit_profile"),
    ("/search", "GET", "main.search"),
    ("/user/<username>/popup", "GET", "main.user_popup"),
    ("/send_message/<recipient>", "GET POST", "main.send_message"),
    ("/messages", "GET", "main.messages"),
    ("/messages/<username>", "GET POST", "main.conversation"),
    ("/notifications", "GET", "main.notifications"),
    ("/translate", "POST", "main.translate_text"),
    ("/export_posts", "POST", "main.export_posts"),
    ("/import_posts", "POST", "main.import_posts"),
    ("/follow/<username>", "POST", "main.follow"),
    ("/unfollow/<username>", "POST", "main.unfollow"),
    ("/post/<int(max=2147483647):post_id>", "GET", "main.post"),
    ("/post/<int(max=2147483647):post_id>/edit", "GET POST", "main.edit_post"),
    ("/post/<int(max=2147483647):post_id>/delete", "POST", "main.delete_post"),
    ("/avatar/<int(max=2147483647):user_id>", "GET", "main.avatar"),
    ("/auth/login", "GET POST", "auth.login"),
    ("/auth/logout", "GET POST", "auth.logout"),
    ("/auth/register", "GET POST", "auth.register"),
    ("/livez", "GET", "health.livez"),
    ("/readyz", "GET", "health.readyz"),
    ("/metrics", "GET", "health.metrics"),
    ("/static/<path:filename>", "GET", "static"),
    ("/api/openapi.json", "GET", "api.openapi"),
    ("/api/docs", "GET", "api.docs"),
    ("/api/users/<id:user_id>/followers", "GET", "api.get_followers"),
    ("/api/users/<id:user_id>/following", "GET", "api.get_following"),
    ("/api/users/<id:user_id>/followed", "GET", "api.get_followed"),
}


def rules(app: Quart) -> Iterator[tuple[Rule, str, set[str], Access]]:
    """Every route but sockets: its rule, an address of it, its methods, whom it is for."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if not rule.websocket:
            values = {name: EXAMPLES[name] for name in rule.arguments}
            method = min(set(rule.methods or ()) - {"HEAD", "OPTIONS"})
            view = app.view_functions[rule.endpoint]
            path = adapter.build(rule.endpoint, values, method=method)
            path = rule.rule if not values else path
            yield rule, path, set(rule.methods or ()), view.access  # type: ignore[attr-defined]


async def dump(cast: Cast) -> dict[str, Any]:
    """All that the database holds but presence, pings, and how often somebody asked."""
    found: dict[str, Any] = {}
    async with cast.resources.database.reading() as session:
        for table in Base.metadata.sorted_tables:
            if table.name == "rate":
                continue
            columns = [c for c in table.columns if c.name not in ("last_seen_at", "last_used_at")]
            rows = [tuple(row) for row in await session.execute(select(*columns))]
            found[table.name] = sorted(str(row) for row in rows if "ping" not in row)
    return found


# Routes


def test_the_addresses_that_are_promised(app: Quart) -> None:
    """M-001, M-002, M-004: nothing renamed, nothing dropped, no method more."""
    built = {
        (rule.rule, " ".join(sorted(methods - {"HEAD", "OPTIONS"})), rule.endpoint)
        for rule, _, methods, _ in rules(app)
    }
    assert ROUTES - built == set()
    promised = {address for address, _, _ in ROUTES}
    assert {route for route in built if route[0] in promised} == ROUTES
    sockets = [(r.rule, r.endpoint) for r in app.url_map.iter_rules() if r.websocket]
    assert sockets == [("/live", "live.live")]
    adapter = app.url_map.bind("localhost")
    for endpoint, path in (
        ("main.index", "/index"),
        ("auth.login", "/auth/login"),
        ("main.explore", "/explore"),
    ):
        assert adapter.build(endpoint) == path


def test_every_route_says_whom_it_is_for(app: Quart) -> None:
    for endpoint, view in app.view_functions.items():
        assert isinstance(view.access, Access), endpoint  # type: ignore[attr-defined]
    machines = {rule.endpoint for rule, _, _, whom in rules(app) if whom is Access.MACHINES}
    visitors = {rule.endpoint for rule, _, _, whom in rules(app) if whom is Access.VISITORS}
    assert machines == {
        "static",
        "main.avatar",
        "health.livez",
        "health.readyz",
        "health.metrics",
        "api.openapi",
        "api.docs",
        "api.create_token",
        "api.create_user",
    }
    assert visitors == {
        "auth.login",
        "auth.logout",
        "auth.register",
        "auth.confirm",
        "auth.restore_address",
        "auth.reset_password_request",
        "auth.reset_password",
        "main.language",
    }


def test_a_route_that_does_not_say_so_does_not_start() -> None:
    app = Quart("bare", static_folder=None)

    @app.get("/forgotten")
    async def forgotten() -> str:
        return "seen by everybody"

    with pytest.raises(access.RouteWithoutAccess, match="forgotten"):
        access.enforce(app)


# Their own pages ask for no referrer, so their own forms come without an origin; the token decides.
NAMELESS = {"auth.confirm", "auth.register", "auth.reset_password", "auth.restore_address"}


async def test_every_change_wants_a_form_of_our_own(cast: Cast, app: Quart) -> None:
    """T-20, M-017: by token, by Sec-Fetch-Site and by Origin; nothing is changed."""
    await cast.publish(cast.susan, "hands off")
    early = await Browser(app).token("/auth/login")
    own = await cast.susan.browser.token("/")
    attacks: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"csrf_token": ""}, {}),
        ({"csrf_token": early}, {}),
        ({"csrf_token": await cast.john.browser.token("/")}, {}),
        ({"csrf_token": own}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf_token": own}, {"Sec-Fetch-Site": "same-site"}),
        ({"csrf_token": own}, {"Origin": "https://evil.example"}),
        ({"csrf_token": own}, {"Origin": "null"}),
    ]
    fields = {"post": "forged", "message": "forged", "username": "forged", "submit": "1"}
    before = await dump(cast)
    changing = 0
    for rule, path, methods, whom in rules(app):
        for method in methods - SAFE:
            if path.startswith("/api/"):
                # A browser's cookie is nothing there.
                response = await cast.susan.browser.client.open(path, method=method, form=fields)
                assert response.status_code == (
                    400 if path == "/api/users" and whom is Access.MACHINES else 401
                )
                continue
            changing += 1
            for form, headers in attacks:
                if headers == {"Origin": "null"} and rule.endpoint in NAMELESS:
                    continue
                response = await cast.susan.browser.client.open(
                    path, method=method, form=fields | form, headers={**HTML, **headers}
                )
                assert response.status_code == 400, (rule.rule, method, form, headers)
    assert changing >= 10
    assert await dump(cast) == before


async def test_a_change_by_a_stranger_wants_the_strangers_own_form(cast: Cast, app: Quart) -> None:
    """T-17: a login cannot be forged either."""
    before = await dump(cast)
    foreign = await Browser(app).token("/auth/login")
    for _, path, methods, whom in rules(app):
        if whom is Access.VISITORS and "POST" in methods:
            for form in ({}, {"csrf_token": foreign}):
                response = await cast.stranger.post(path, username="susan", **form)
                assert response.status_code == 400, path
    assert await dump(cast) == before


async def test_every_members_route_sends_strangers_to_the_login(cast: Cast, app: Quart) -> None:
    """M-028."""
    await cast.publish(cast.susan, "only for members")
    guarded = 0
    for _, path, methods, whom in rules(app):
        if whom is not Access.MEMBERS:
            continue
        for method in methods - {"OPTIONS"}:
            guarded += 1
            client = cast.stranger.client
            page = await client.open(path, method=method, headers=HTML)
            assert leads_to(page).startswith("/auth/login"), (method, path)
            script = await client.open(path, method=method, headers=JSON)
            assert script.status_code == 401, (method, path)
            if method != "HEAD":
                assert script.content_type == "application/problem+json"
                assert "only for members" not in await body(page) + await body(script)
    assert guarded > 15


# Looking at messages is what makes them read; HEAD looks at nothing.
READ_BY_LOOKING = {"main.messages", "main.conversation"}


async def test_reading_writes_nothing(cast: Cast, app: Quart) -> None:
    """T-23: every route, with GET, HEAD and OPTIONS, by a member and by a stranger."""
    await cast.publish(cast.susan, "read me")
    await cast.write(cast.john, cast.susan, "read me")
    before = await dump(cast)
    for rule, path, methods, _ in rules(app):
        for browser in (cast.susan.browser, cast.stranger):
            for method in methods & SAFE:
                looks = browser is cast.susan.browser and method == "GET"
                if looks and rule.endpoint in READ_BY_LOOKING:
                    continue
                response = await browser.client.open(
                    f"{path}?_method=POST&post=forged&submit=1",
                    method=method,
                    headers={**HTML, "X-HTTP-Method-Override": "POST"},
                )
                assert response.status_code < 500
    assert await dump(cast) == before


async def test_every_answer_tells_the_browser_what_to_refuse(cast: Cast, app: Quart) -> None:
    """Pages, redirects, errors, refusals of the edge, static files."""
    await cast.publish(cast.susan, "a post")
    requests = [(path, method) for _, path, methods, _ in rules(app) for method in methods]
    requests += [("/nowhere", "GET"), ("/explore", "DELETE"), ("/api/x", "GET"), ("/?q=%ff", "GET")]
    statuses = set()
    for path, method in requests:
        for browser in (cast.susan.browser, cast.stranger):
            response = await browser.client.open(path, method=method, headers=HTML)
            statuses.add(response.status_code)
            is_picture = response.mimetype.startswith("image/")
            for name, value in PICTURE_HEADERS if is_picture else SECURITY_HEADERS:
                assert response.headers.getlist(name) == [value], (method, path, name)
            assert "Cache-Control" in response.headers
            assert "Server" not in response.headers
    assert statuses >= {200, 302, 400, 404, 405}


# Parts of pages, which scripts put into one.
SNIPPETS = {"main.user_popup", "main.show_tasks"}


async def test_no_page_has_a_script_or_style_of_its_own(cast: Cast, app: Quart) -> None:
    """What the policy would refuse is not there; nothing is fetched from anybody else."""
    await cast.publish(cast.john, "a post")
    await cast.write(cast.john, cast.susan, "a message")
    for rule, path, methods, _ in rules(app):
        response = await cast.susan.browser.get(path) if "GET" in methods else None
        if response is None or response.status_code in (302, 303):
            continue
        if not (response.content_type or "").startswith("text/html"):
            continue
        page = await body(response)
        assert "<style" not in page
        assert " style=" not in page
        assert 'src="http' not in page
        framed = rule.endpoint not in SNIPPETS
        assert ('rel="stylesheet" href="/static/' in page) == framed, rule.endpoint
        for opened in page.split("<script")[1:]:
            assert ' src="/static/' in opened.partition(">")[0]
            assert opened.partition(">")[2].startswith("</script>")


# Templates and settings


def test_every_template_compiles_and_stands_in_the_frame() -> None:
    """M-007, M-071: pages extend the one base; a fragment's name begins with an underscore."""
    loader = PackageLoader("microblog")
    environment = Environment(loader=loader, autoescape=True, extensions=["jinja2.ext.i18n"])
    names = [name for name in loader.list_templates() if name.endswith(".html")]
    assert len(names) > 10
    for name in names:
        source = loader.get_source(environment, name)[0]
        environment.compile(source, name)
        extended = [e.template.value for e in environment.parse(source).find_all(nodes.Extends)]  # type: ignore[attr-defined]
        alone = name == "base.html" or Path(name).name.startswith("_")
        frame = "_frame.html" if name.startswith("email/") else "base.html"
        assert extended == ([] if alone else [frame]), name
        assert "|safe" not in source.replace(" ", ""), name


def test_templates_compile_as_the_application_has_them(app: Quart) -> None:
    environment = app.extensions[rendering.EXTENSION].environment
    assert environment.autoescape is True
    for name in environment.list_templates():
        environment.get_template(name)


def test_every_setting_is_explained() -> None:
    lines = (PROJECT / "settings.toml").read_text().splitlines()
    documented = tomllib.loads("\n".join(lines))
    for key in KEYS:
        section, _, name = key.name.partition(".")
        assert name in documented[section], key
    for above, line in pairwise(lines):
        if "=" in line and not line.startswith("#"):
            assert above.startswith("# "), line


# Modules


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text())


def test_imports_stand_at_the_top_of_modules() -> None:
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If):
                inside = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
                assert not inside, f"{path}:{node.lineno}"
            assert not (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING"), path


def test_every_module_says_what_it_knows() -> None:
    for path, tree in modules():
        assert ast.get_docstring(tree), path
        assert path.name not in ("utils.py", "helpers.py"), path


def test_hooks_of_the_framework_never_take_a_thread() -> None:
    """A plain function as view or hook would cost every request a thread."""
    hooks = {"before_request", "after_request", "teardown_request", "errorhandler", "route", "get"}
    hooks |= {"post", "websocket", "while_serving", "before_serving", "after_serving"}
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and path.is_relative_to(PACKAGE / "web"):
                for decorator in node.decorator_list:
                    called = decorator.func if isinstance(decorator, ast.Call) else decorator
                    name = called.attr if isinstance(called, ast.Attribute) else ""
                    assert name not in hooks, f"{path}:{node.lineno}"


def test_imports_go_down_the_stairs_only() -> None:
    """The contracts of the project file, kept by the tool that reads them."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


IMPORT_ALL = """
import importlib, os, pkgutil, sys

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = set(mode or "") & set("wax+") or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and path != os.devnull:
            opened.append(f"open {path} {mode} {flags}")
    elif event in ("socket.__new__", "sqlite3.connect", "subprocess.Popen", "os.mkdir"):
        opened.append(f"{event} {arguments}")

opened = []
sys.addaudithook(watch)
import microblog
for module in pkgutil.walk_packages(microblog.__path__, "microblog."):
    # The engine's library tries a socket, to know of IPv6: read only where there is an engine.
    engine = module.name.startswith("microblog.adapters.search_engine.")
    if module.name != "microblog.__main__" and not engine:
        importlib.import_module(module.name)
sys.exit("\\n".join(opened) or 0)
"""


def test_importing_opens_nothing(tmp_path: Path) -> None:
    """M-135: no file for writing, no socket, no database, no folder."""
    result = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT_ALL],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert list(tmp_path.iterdir()) == []


async def test_two_services_live_in_one_process(
    environment: dict[str, str], sqlite_url: str, tmp_path: Path
) -> None:
    """Each with its own settings, secret and cookies; they share nothing but the code."""
    other = {
        **environment,
        "SECRET_KEY": "another secret, as long as the first one",
        "POSTS_PER_PAGE": "3",
        "BASE_URL": "https://second.example",
        "MICROBLOG_SERVER_INSTANCE": str(tmp_path / "second"),
    }
    one, two = create_app(load(NO_FILE, environment)), create_app(load(NO_FILE, other))
    async with one.test_app(), two.test_app():
        first, second = await asyncio.gather(
            one.test_client().get("/auth/login", headers=HTML),
            two.test_client().get("/auth/login", headers={**HTML, "Host": "second.example"}),
        )
        assert first.headers["Set-Cookie"].startswith("microblog_visit=")
        assert second.headers["Set-Cookie"].startswith("__Host-microblog_visit=")
        assert "Strict-Transport-Security" not in first.headers
        assert (await two.test_client().get("/auth/login")).status_code == 421
        assert one.extensions["microblog"].settings.posts.per_page == 25
        assert two.extensions["microblog"].settings.posts.per_page == 3
