"""Settings: defaults, the three layers, and every refusal by name."""

import tomllib
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest

from microblog.settings import (
    KEYS,
    NO_FILE,
    Mail,
    Server,
    Settings,
    SettingsError,
    inspect,
    load,
    load_or_exit,
)

CHECKED_IN = Path(__file__).parents[1] / "settings.toml"


def given(**environ: str) -> Settings:
    return load(NO_FILE, environ)


def refusals(path: Path = NO_FILE, /, **environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(path, environ)
    return [str(problem) for problem in caught.value.problems]


def refusal(path: Path = NO_FILE, /, **environ: str) -> str:
    (line,) = refusals(path, **environ)
    return line


def toml(folder: Path, text: str) -> Path:
    file = folder / "own.toml"
    file.write_text(text, "utf-8")
    return file


class TestCheckedInFile:
    def test_equals_the_defaults(self) -> None:
        assert load(CHECKED_IN, {}) == Settings()

    def test_names_every_key_and_no_other(self) -> None:
        tables = tomllib.loads(CHECKED_IN.read_text("utf-8"))
        in_file = [f"{section}.{name}" for section, table in tables.items() for name in table]
        assert in_file == [key.name for key in KEYS]

    def test_writes_each_default_out(self) -> None:
        tables = tomllib.loads(CHECKED_IN.read_text("utf-8"))
        for section in fields(Settings):
            if section.name == "sources":
                continue
            for field in fields(section.default_factory):  # type: ignore[arg-type]
                expected = field.default
                written = tables[section.name][field.name]
                if isinstance(expected, tuple):
                    expected = list(expected)
                elif isinstance(expected, Path):
                    expected = str(expected)
                assert (type(written), written) == (type(expected), expected), field.name

    def test_explains_each_key_in_one_line(self) -> None:
        lines = CHECKED_IN.read_text("utf-8").splitlines()
        for number, line in enumerate(lines):
            if line and line[0].isalpha():
                assert lines[number - 1].startswith("# "), line
                assert not lines[number - 2].startswith("#"), line

    def test_tells_the_alias_of_each_key(self) -> None:
        text = CHECKED_IN.read_text("utf-8")
        for key in KEYS:
            if key.alias:
                assert f"({key.alias})" in text, key.name

    def test_holds_no_secret(self) -> None:
        tables = tomllib.loads(CHECKED_IN.read_text("utf-8"))
        assert not any(tables[key.section][key.field] for key in KEYS if key.secret)


class TestLayers:
    def test_file_is_weaker_than_prefixed_name_is_weaker_than_alias(self, tmp_path: Path) -> None:
        file = toml(tmp_path, "[server]\nport = 1001\n")
        prefixed = {"MICROBLOG_SERVER_PORT": "1002"}
        assert load(file, {}).server.port == 1001
        assert load(file, prefixed).server.port == 1002
        assert load(file, prefixed | {"PORT": "1003"}).server.port == 1003

    def test_source_is_remembered_for_every_key(self, tmp_path: Path) -> None:
        file = toml(tmp_path, "[posts]\nmax_length = 300\n")
        settings = load(file, {"PORT": "80", "MICROBLOG_LIVE_HEARTBEAT": "1"})
        assert settings.sources["posts.max_length"] == f"file {file}"
        assert settings.sources["server.port"] == "environment PORT"
        assert settings.sources["live.heartbeat"] == "environment MICROBLOG_LIVE_HEARTBEAT"
        assert settings.sources["server.host"] == "default"
        assert list(settings.sources) == [key.name for key in KEYS]

    def test_every_key_has_its_own_name(self) -> None:
        assert len({key.variable for key in KEYS}) == len(KEYS)

    def test_aliases(self) -> None:
        assert {key.alias: key.name for key in KEYS if key.alias} == {
            "PORT": "server.port",
            "WEB_CONCURRENCY": "server.workers",
            "BASE_URL": "server.base_url",
            "SECRET_KEY": "server.secret_key",
            "DATABASE_URL": "database.url",
            "REDIS_URL": "redis.url",
            "POSTS_PER_PAGE": "posts.per_page",
            "MAIL_SERVER": "mail.server",
            "MAIL_PORT": "mail.port",
            "MAIL_USE_TLS": "mail.use_tls",
            "MAIL_USE_SSL": "mail.use_ssl",
            "MAIL_USERNAME": "mail.username",
            "MAIL_PASSWORD": "mail.password",
            "MAIL_DEFAULT_SENDER": "mail.default_sender",
            "ADMINS": "mail.admins",
            "LANGUAGES": "languages.offered",
            "TRANSLATOR": "translator.provider",
            "MS_TRANSLATOR_KEY": "translator.key",
            "MS_TRANSLATOR_REGION": "translator.region",
            "TRANSLATOR_URL": "translator.url",
            "ELASTICSEARCH_URL": "search.elasticsearch_url",
            "LOG_TO_STDOUT": "logs.stdout",
        }

    def test_scale_has_the_public_name(self) -> None:
        assert given(MICROBLOG_LIMITS_SCALE="2.5").limits.scaled(10) == 25

    def test_scaled_limit_never_reaches_nothing(self) -> None:
        assert given(MICROBLOG_LIMITS_SCALE="0.001").limits.scaled(10) == 1

    def test_empty_alias_is_unset(self) -> None:
        aliases = {key.alias: "" for key in KEYS if key.alias}
        assert load(NO_FILE, aliases) == Settings()

    def test_blank_alias_leaves_the_weaker_value(self) -> None:
        assert given(MICROBLOG_SERVER_PORT="81", PORT=" ").server.port == 81

    def test_empty_alias_of_a_switch_means_off(self, tmp_path: Path) -> None:
        file = toml(tmp_path, "[mail]\nuse_tls = true\n")
        assert load(file, {}).mail.use_tls is True
        assert load(file, {"MAIL_USE_TLS": ""}).mail.use_tls is False

    def test_empty_prefixed_name_blanks_the_text_of_the_file(self, tmp_path: Path) -> None:
        file = toml(tmp_path, '[search]\nelasticsearch_url = "http://localhost:9200"\n')
        emptied = load(file, {"MICROBLOG_SEARCH_ELASTICSEARCH_URL": ""})
        assert emptied.search.elasticsearch_url == ""

    def test_empty_prefixed_number_is_refused(self) -> None:
        assert "MICROBLOG_SERVER_PORT" in refusal(MICROBLOG_SERVER_PORT="")

    def test_placeholders_are_not_expanded(self) -> None:
        secret = "${HOME}$HOME-and-more"
        assert given(SECRET_KEY=secret, HOME="/x").server.secret_key == secret


class TestWhichFile:
    def test_the_one_named_by_the_environment(self, tmp_path: Path) -> None:
        file = toml(tmp_path, "[server]\nport = 1234\n")
        assert load(environ={"MICROBLOG_SETTINGS": str(file)}).server.port == 1234

    def test_the_one_in_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert load(environ={}).server.port == 5000
        (tmp_path / "settings.toml").write_text("[server]\nport = 4321\n")
        settings = load(environ={})
        assert settings.server.port == 4321
        assert settings.sources["server.port"] == "file settings.toml"
        assert load(NO_FILE, {}).server.port == 5000

    def test_a_named_file_that_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"none\.toml"):
            load(environ={"MICROBLOG_SETTINGS": str(tmp_path / "none.toml")})

    def test_the_process_environment_is_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORT", "6543")
        assert load(NO_FILE).server.port == 6543

    @pytest.mark.parametrize("text", ["port = ", "[server\n", "a = 1\na = 2", "x = '\x00'"])
    def test_no_toml(self, tmp_path: Path, text: str) -> None:
        line = refusal(toml(tmp_path, text))
        assert "own.toml" in line
        assert "TOML" in line

    def test_no_utf_8(self, tmp_path: Path) -> None:
        file = tmp_path / "own.toml"
        file.write_bytes(b'[server]\nhost = "\xff"\n')
        assert "UTF-8" in refusal(file)


class TestUnknownNames:
    def test_in_the_environment(self) -> None:
        line = refusal(MICROBLOG_SERVER_PROT="80")
        assert line.startswith("MICROBLOG_SERVER_PROT (environment)")
        assert "MICROBLOG_SERVER_PORT" in line

    @pytest.mark.parametrize(
        "name", ["MICROBLOG_", "MICROBLOG_X", "MICROBLOG_SERVER_PORT_FILE", "MICROBLOG_PORT"]
    )
    def test_any_with_the_prefix(self, name: str) -> None:
        assert name in refusal(**{name: ""})

    def test_others_are_not_ours(self) -> None:
        assert given(MICROBLOGGER="1", PORT_FILE="x", HOME="/", microblog_x="1") == Settings()

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("[server]\nprot = 1\n", "server.prot"),
            ("[sevrer]\nport = 1\n", "sevrer"),
            ("port = 1\n", "port"),
            ("[server.more]\nport = 1\n", "server.more"),
            ("server = 1\n", "server"),
            ("[[server]]\nport = 1\n", "server"),
        ],
    )
    def test_in_the_file(self, tmp_path: Path, text: str, name: str) -> None:
        line = refusal(toml(tmp_path, text))
        assert line.startswith(f"{name} (file ")

    def test_a_name_cannot_break_the_line(self, tmp_path: Path) -> None:
        line = refusal(toml(tmp_path, '"a\\nb\\u001b[1m" = 1\n'))
        assert line.isprintable()


class TestRedis:
    @pytest.mark.parametrize(
        "address",
        [
            "redis://localhost",
            "redis://:secret@[::1]:6380/15",
            "rediss://user:secret@redis.example/",
        ],
    )
    def test_forms(self, address: str) -> None:
        assert given(REDIS_URL=address).redis.url == address

    def test_its_client_must_be_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """T-76: the start ends and says what to do, instead of going on without it for ever."""
        monkeypatch.setattr("microblog.settings.reading.find_spec", lambda _name: None)
        assert given().redis.url == ""
        line = refusal(REDIS_URL="redis://localhost")
        assert line.startswith("redis.url (environment REDIS_URL): ")
        assert "microblog[redis]" in line


class TestBadValues:
    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("PORT", "0", "1 to 65535"),
            ("PORT", "65536", "1 to 65535"),
            ("PORT", "-1", "1 to 65535"),
            ("PORT", "8_0", "whole number"),
            ("PORT", "80.0", "whole number"),
            ("PORT", "٨٠", "whole number"),
            ("PORT", "9" * 5000, "whole number"),
            ("MAIL_PORT", "smtp", "whole number"),
            ("WEB_CONCURRENCY", "0", "from 1"),
            ("MICROBLOG_SERVER_STALL_SECONDS", "0.5", "0, or a number from 1"),
            ("POSTS_PER_PAGE", "0", "from 1 to 200"),
            ("POSTS_PER_PAGE", "201", "from 1 to 200"),
            ("MICROBLOG_LIMITS_SCALE", "0", "above 0"),
            ("MICROBLOG_LIMITS_SCALE", "-1", "above 0"),
            ("MICROBLOG_LIMITS_SCALE", "nan", "number"),
            ("MICROBLOG_LIMITS_SCALE", "1e999", "number"),
            ("MICROBLOG_SERVER_GRACEFUL_SECONDS", "9.5", "to 9"),
            ("MICROBLOG_SERVER_METRICS", "maybe", "true or false"),
            ("MAIL_USE_TLS", "2", "true or false"),
            ("LOG_TO_STDOUT", "stdout", "true or false"),
            ("MICROBLOG_ACCOUNTS_REGISTRATION", "", "open, closed, invite"),
            ("MICROBLOG_ACCOUNTS_CONFIRM_EMAIL", "never", "off, ask, require"),
            ("MICROBLOG_AVATARS_PROVIDER", "libravatar", "identicon, gravatar"),
            ("MICROBLOG_DATABASE_SYNCHRONOUS", "OFF", "FULL, NORMAL, EXTRA"),
            ("MICROBLOG_LOGS_LEVEL", "LOUD", "DEBUG"),
            ("MICROBLOG_SERVER_HOST", "", "some text"),
            ("MICROBLOG_SERVER_HOST", "a\nb", "control characters"),
            ("MICROBLOG_SERVER_HOST", "\udcff", "control characters"),
            ("MICROBLOG_SERVER_INSTANCE", "", "a folder"),
            ("TRANSLATOR", "babelfish", "microsoft"),
            ("TRANSLATOR_URL", "localhost", "https://"),
            ("ELASTICSEARCH_URL", "elastic", "https://"),
            ("REDIS_URL", "localhost:6379", "redis://"),
            ("REDIS_URL", "http://localhost", "redis://"),
            ("REDIS_URL", "redis://", "redis://"),
            ("REDIS_URL", "redis://host:port", "redis://"),
            ("REDIS_URL", "redis://host:70000", "redis://"),
            ("REDIS_URL", "redis://host/first", "redis://"),
            ("REDIS_URL", "redis://host/0?db=1", "redis://"),
            ("ADMINS", "susan@example.com,john", "'john' is none"),
            ("MAIL_DEFAULT_SENDER", "Microblog", "a mail address"),
            ("MAIL_DEFAULT_SENDER", "Microblog <nobody>", "a mail address"),
            ("LANGUAGES", "en,xx", "'xx' is none"),
            ("LANGUAGES", "en,../es", "'../es' is none"),
            ("LANGUAGES", "en.UTF-8", "is none"),
            ("LANGUAGES", ",", "at least one"),
            ("SECRET_KEY", "fifteen-letters", "16 characters"),
        ],
    )
    def test_names_key_source_and_expectation(self, name: str, value: str, expected: str) -> None:
        line = refusal(**{name: value})
        key = next(key for key in KEYS if name in {key.variable, key.alias})
        assert line.startswith(f"{key.name} (environment {name}): ")
        assert expected in line.partition("expected ")[2]
        assert line.isprintable()
        assert len(line) < 250

    @pytest.mark.parametrize(
        "line",
        [
            '[server]\nport = "80"',
            "[server]\nport = 80.0",
            "[server]\nport = true",
            f"[server]\nport = {10**400}",
            f"[live]\nheartbeat = {10**400}",
            "[live]\nheartbeat = inf",
            "[live]\nheartbeat = false",
            "[server]\nmetrics = 1",
            '[server]\nmetrics = "yes"',
            "[server]\nhost = 1",
            "[server]\nport = {a = 1}",
            "[server]\ninstance = 1",
            "[server]\nsecret_key = 12345678901234567",
            '[mail]\nadmins = "susan@example.com"',
            "[mail]\nadmins = [1]",
            "[logs]\nlevel = 1979-05-27",
        ],
    )
    def test_wrong_types_in_the_file(self, tmp_path: Path, line: str) -> None:
        section, name = line[1:].partition(" = ")[0].split("]\n")
        assert refusal(toml(tmp_path, line)).startswith(f"{section}.{name} (file ")

    def test_a_whole_number_in_the_file_will_do_for_a_fraction(self, tmp_path: Path) -> None:
        heartbeat = load(toml(tmp_path, "[live]\nheartbeat = 3\n"), {}).live.heartbeat
        assert (type(heartbeat), heartbeat) == (float, 3.0)

    def test_all_at_once(self) -> None:
        lines = refusals(PORT="0", MICROBLOG_X="", LANGUAGES="xx", TRANSLATOR="deepl")
        assert [line.partition(" ")[0] for line in lines] == [
            "server.port",
            "languages.offered",
            "MICROBLOG_X",
            "translator.key",
        ]

    def test_a_bad_value_stays_wrong_under_a_good_one(self) -> None:
        assert "MICROBLOG_SERVER_PORT" in refusal(MICROBLOG_SERVER_PORT="x", PORT="80")

    def test_inspection_keeps_what_can_be_used(self) -> None:
        settings, problems = inspect(NO_FILE, {"PORT": "x", "POSTS_PER_PAGE": "3"})
        assert settings.posts.per_page == 3
        assert settings.server.port == 5000
        assert settings.sources["server.port"] == "default"
        assert [problem.key for problem in problems] == ["server.port"]


class TestSwitches:
    @pytest.mark.parametrize("text", ["1", "true", "yes", "on", "TRUE", " On "])
    def test_on(self, text: str) -> None:
        assert given(MAIL_USE_TLS=text).mail.use_tls is True

    @pytest.mark.parametrize("text", ["0", "false", "no", "off", "", "OFF"])
    @pytest.mark.parametrize("name", ["LOG_TO_STDOUT", "MICROBLOG_LOGS_STDOUT"])
    def test_off(self, name: str, text: str) -> None:
        assert load(NO_FILE, {name: text}).logs.stdout is False


class TestSecrets:
    @pytest.mark.parametrize(
        ("name", "value_of"),
        [
            ("SECRET_KEY", lambda settings: settings.server.secret_key),
            ("MICROBLOG_SERVER_SECRET_KEY", lambda settings: settings.server.secret_key),
            ("MAIL_PASSWORD", lambda settings: settings.mail.password),
            ("MS_TRANSLATOR_KEY", lambda settings: settings.translator.key),
        ],
    )
    def test_from_a_file(
        self, tmp_path: Path, name: str, value_of: Callable[[Settings], str]
    ) -> None:
        (tmp_path / "secret").write_text("12345678901234567890\r\n")
        settings = load(NO_FILE, {f"{name}_FILE": str(tmp_path / "secret")})
        assert value_of(settings) == "12345678901234567890"
        assert f"environment {name}_FILE" in settings.sources.values()

    def test_database_address_from_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "url").write_text("postgres://susan:cat@db/microblog\n")
        settings = given(DATABASE_URL_FILE=str(tmp_path / "url"))
        assert settings.database_url == "postgresql+asyncpg://susan:cat@db/microblog"

    def test_digits_stay_text(self) -> None:
        assert given(SECRET_KEY="1234567890123456").server.secret_key == "1234567890123456"
        assert given(MAIL_PASSWORD=" 007 ").mail.password == " 007 "

    def test_missing_file(self, tmp_path: Path) -> None:
        line = refusal(SECRET_KEY_FILE=str(tmp_path / "none"))
        assert line.startswith("server.secret_key (environment SECRET_KEY_FILE): ")

    def test_folder_instead_of_a_file(self, tmp_path: Path) -> None:
        assert "SECRET_KEY_FILE" in refusal(SECRET_KEY_FILE=str(tmp_path))

    def test_file_without_a_secret(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("\n")
        assert "SECRET_KEY_FILE" in refusal(SECRET_KEY_FILE=str(tmp_path / "secret"))

    def test_file_of_bytes(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(b"\xff" * 20)
        assert "SECRET_KEY_FILE" in refusal(SECRET_KEY_FILE=str(tmp_path / "secret"))

    def test_value_and_file_at_once(self, tmp_path: Path) -> None:
        line = refusal(SECRET_KEY="1234567890123456", SECRET_KEY_FILE=str(tmp_path))
        assert "only one of SECRET_KEY and SECRET_KEY_FILE" in line

    def test_empty_name_of_a_file_is_unset(self) -> None:
        assert given(SECRET_KEY_FILE="").server.secret_key == ""

    @pytest.mark.parametrize(
        "environ",
        [
            {"SECRET_KEY": "hush"},
            {"MAIL_PASSWORD": "hush\udcff"},
            {"DATABASE_URL": "mysql://susan:hush@db/microblog"},
            {"DATABASE_URL": "hush"},
            {"DATABASE_URL": "postgresql://susan:hu/hush@db:port/microblog"},
            {"DATABASE_URL": "postgresql://susan@db/microblog?passfile=hush"},
            {"ELASTICSEARCH_URL": "ftp://hush@elastic/"},
            {"REDIS_URL": "redis://susan:hush@redis/first"},
            {"REDIS_URL": "redis://redis/0?password=hush"},
        ],
    )
    def test_never_in_a_refusal(self, environ: dict[str, str]) -> None:
        assert "hush" not in refusal(**environ)

    def test_never_in_the_representation(self) -> None:
        settings = given(
            SECRET_KEY="hush-hush-hush-hush",
            MAIL_PASSWORD="hush",
            MS_TRANSLATOR_KEY="hush",
            DATABASE_URL="postgresql://susan:hush@db/microblog",
            ELASTICSEARCH_URL="http://susan:hush@elastic",
            TRANSLATOR_URL="http://hush@translator",
            REDIS_URL="rediss://:hush@redis:6380/1",
        )
        assert "hush" not in repr(settings)
        shown = [key.shown(getattr(getattr(settings, key.section), key.field)) for key in KEYS]
        assert not any("hush" in text for text in shown)
        assert "postgresql://susan:***@db/microblog" in shown


class TestServer:
    @pytest.mark.parametrize(
        ("text", "normal"),
        [
            ("https://example.com/", "https://example.com"),
            ("https://EXAMPLE.com:443", "https://example.com"),
            ("http://example.com:80", "http://example.com"),
            ("http://localhost:5000", "http://localhost:5000"),
            ("https://example.com:80", "https://example.com:80"),
            ("http://[::1]:5000/", "http://[::1]:5000"),
            (" http://my_host ", "http://my_host"),
        ],
    )
    def test_base_address_is_normalised(self, text: str, normal: str) -> None:
        server = given(BASE_URL=text).server
        assert server.base_url == normal
        assert server.https is normal.startswith("https")

    @pytest.mark.parametrize(
        "text",
        [
            "example.com",
            "//example.com",
            "ftp://example.com",
            "http://",
            "http://:80",
            "https://example.com/blog",
            "https://example.com//",
            "https://example.com?",
            "https://example.com/#top",
            "https://susan@example.com",
            "https://@example.com",
            "https://example.com:0",
            "https://example.com:65536",
            "https://example.com:port",
            "https://exa mple.com",
            "https://-example.com",
            "https://example..com",
            "https://ex%41mple.com",
            "https://bücher.example",
            "https://[::1",
            "https://[fe80::zz]",
            "https://[fe80::1%eth0]",
            "https://[v1.a:b]",
            "https://example.com.",
        ],
    )
    def test_odd_base_address(self, text: str) -> None:
        line = refusal(BASE_URL=text)
        assert line.startswith("server.base_url (environment BASE_URL)")

    def test_without_base_address(self) -> None:
        assert Server().https is False

    def test_data_folder_stays_where_it_was_at_the_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        settings = given(MICROBLOG_SERVER_INSTANCE="data")
        monkeypatch.chdir("/")
        assert settings.server.instance == tmp_path / "data"
        assert replace(Server(), instance=Path("x")).instance == Path("/x")

    def test_loading_creates_nothing(self, tmp_path: Path) -> None:
        given(MICROBLOG_SERVER_INSTANCE=str(tmp_path / "data"))
        assert list(tmp_path.iterdir()) == []


class TestDatabase:
    def test_default_is_a_file_in_the_data_folder(self, tmp_path: Path) -> None:
        settings = given(MICROBLOG_SERVER_INSTANCE=str(tmp_path))
        assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path}/microblog.db"
        assert settings.is_sqlite

    @pytest.mark.parametrize(
        ("given_url", "normal"),
        [
            ("sqlite:////srv/blog.db", "sqlite+aiosqlite:////srv/blog.db"),
            ("sqlite+aiosqlite:////srv/blog.db", "sqlite+aiosqlite:////srv/blog.db"),
            ("sqlite+pysqlite:////srv/blog.db", "sqlite+aiosqlite:////srv/blog.db"),
            ("postgres://db/blog", "postgresql+asyncpg://db/blog"),
            ("postgresql://a:b@db:5433/blog", "postgresql+asyncpg://a:b@db:5433/blog"),
            ("postgresql+psycopg2://a:b@db/blog", "postgresql+asyncpg://a:b@db/blog"),
            ("postgresql+asyncpg://a:b@db/blog", "postgresql+asyncpg://a:b@db/blog"),
            ("postgres://a:p%40%2F@db/blog", "postgresql+asyncpg://a:p%40%2F@db/blog"),
            ("postgresql://db/b?sslmode=require", "postgresql+asyncpg://db/b?ssl=require"),
        ],
    )
    def test_forms(self, given_url: str, normal: str) -> None:
        settings = given(DATABASE_URL=given_url)
        assert settings.database_url == normal
        assert settings.is_sqlite is given_url.startswith("sqlite")

    def test_relative_file_is_below_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        url = given(DATABASE_URL="sqlite:///blog.db").database_url
        assert url == f"sqlite+aiosqlite:///{tmp_path}/blog.db"

    @pytest.mark.parametrize(
        ("url", "named"),
        [
            ("mysql+pymysql://a:b@db/blog", "not mysql"),
            ("mongodb://db", "not mongodb"),
            ("blog.db", "sqlite:///path"),
            ("sqlite://", "the path of a file"),
            ("sqlite:///:memory:", "the path of a file"),
            ("sqlite://blog.db", "the path of a file"),
            ("sqlite:///blog.db?mode=ro", "option mode"),
            ("postgresql://db:port/blog", "postgresql://"),
            ("postgresql://db:70000/blog", "port from 1 to 65535"),
            ("postgresql://db/blog?passfile=x", "option passfile"),
        ],
    )
    def test_refusals(self, url: str, named: str) -> None:
        line = refusal(DATABASE_URL=url)
        assert line.startswith("database.url (environment DATABASE_URL)")
        assert named in line


class TestTranslator:
    def test_off_without_anything(self) -> None:
        assert given().translator.kind == "off"

    def test_a_key_alone_means_microsoft(self) -> None:
        assert given(MS_TRANSLATOR_KEY="x").translator.kind == "microsoft"

    def test_off_beats_a_key(self) -> None:
        assert given(MS_TRANSLATOR_KEY="x", TRANSLATOR="off").translator.kind == "off"

    @pytest.mark.parametrize("provider", ["microsoft", "deepl"])
    def test_named_without_its_key(self, provider: str) -> None:
        line = refusal(TRANSLATOR=provider)
        assert line.startswith("translator.key")
        assert provider in line

    def test_an_unreadable_key_is_told_once(self, tmp_path: Path) -> None:
        line = refusal(TRANSLATOR="deepl", MS_TRANSLATOR_KEY_FILE=str(tmp_path))
        assert "MS_TRANSLATOR_KEY_FILE" in line

    def test_libretranslate_wants_an_address_and_no_key(self) -> None:
        assert refusal(TRANSLATOR="libretranslate").startswith("translator.url")
        settings = given(TRANSLATOR="LibreTranslate", TRANSLATOR_URL="http://localhost:5001/")
        assert settings.translator.kind == "libretranslate"
        assert settings.translator.url == "http://localhost:5001"


class TestMail:
    def test_admins_and_sender(self) -> None:
        mail = given(ADMINS=" susan@example.com, ,john@localhost").mail
        assert mail.admins == ("susan@example.com", "john@localhost")
        assert mail.sender == "susan@example.com"

    def test_default_sender_comes_first(self) -> None:
        named = "Microblog <hello@example.com>"
        assert given(ADMINS="a@b", MAIL_DEFAULT_SENDER=named).mail.sender == named

    def test_there_is_always_a_sender(self) -> None:
        assert Mail().sender == "no-reply@localhost"
        assert Mail(server="mail.example.com").sender == "no-reply@mail.example.com"

    def test_two_ways_of_tls(self) -> None:
        assert refusal(MAIL_USE_TLS="1", MAIL_USE_SSL="1").startswith("mail.use_ssl")

    def test_login_without_its_password(self) -> None:
        line = refusal(MAIL_SERVER="localhost", MAIL_USERNAME="susan")
        assert line.startswith("mail.password")


class TestLanguages:
    def test_order_case_and_doubles(self) -> None:
        languages = given(LANGUAGES="es, EN,pt-br,es,zh_CN").languages
        assert languages.offered == ("es", "en", "pt_BR", "zh_CN")
        assert languages.default == "es"


class TestWords:
    def test_case_does_not_matter(self) -> None:
        assert given(MICROBLOG_LOGS_LEVEL="debug").logs.level == "DEBUG"
        assert given(MICROBLOG_DATABASE_SYNCHRONOUS="normal").database.synchronous == "NORMAL"


def test_idle_time_fits_into_the_longest_session() -> None:
    line = refusal(MICROBLOG_ACCOUNTS_SESSION_MAX_DAYS="3")
    assert line.startswith("accounts.session_idle_days")


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().server.port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        given().sources["server.port"] = "x"  # type: ignore[index]


def test_a_folder_instead_of_a_settings_file(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"settings file (file {tmp_path}): ")


def test_exit_prints_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        load_or_exit(NO_FILE, {"PORT": "0", "MICROBLOG_X": "\n"})
    assert caught.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    port, unknown = printed.err.splitlines()
    assert port.startswith("microblog: server.port (environment PORT): ")
    assert unknown.startswith("microblog: MICROBLOG_X (environment): ")


def test_exit_lets_good_settings_through() -> None:
    assert load_or_exit(NO_FILE, {"PORT": "80"}).server.port == 80
