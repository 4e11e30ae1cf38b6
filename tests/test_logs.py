"""The log: its lines, its files, several processes at once, and letters about errors."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from microblog import logs
from microblog.database import Database
from microblog.logs import ErrorLetters, Journal, Report, context, courier, letters
from microblog.logs.files import FileLines
from microblog.logs.lines import JSONLines, TextLines
from microblog.logs.redaction import redacted
from microblog.settings import NO_FILE, load

log = logging.getLogger("microblog.test")
ROOT = Path(__file__).parents[1]
Begin = Callable[..., Journal]

LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR): (.*?) \[in (\S+):(\d+)\](.*)"
)


@pytest.fixture(autouse=True)
def outside_of_any_request() -> None:
    context._visit.set(None)


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "instance"


@pytest.fixture
def file(instance: Path) -> Path:
    return instance / "logs" / "microblog.log"


@pytest.fixture
def begin(instance: Path) -> Iterator[Begin]:
    begun: list[Journal] = []

    def beginning(**environ: str) -> Journal:
        settings = load(NO_FILE, {"MICROBLOG_SERVER_INSTANCE": str(instance), **environ})
        begun.append(logs.configure(settings))
        return begun[-1]

    yield beginning
    for journal in begun:
        journal.close()


def visit(number: str = "abc123", user: int | None = 7) -> logs.Visit:
    return logs.Visit(number, "GET", "main.index", "192.0.2.1", lambda: user)


def python(code: str, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class TestFile:
    def test_m075_log01_folder_and_start_line(self, begin: Begin, file: Path) -> None:
        begin().close()
        (line,) = file.read_text().splitlines()
        assert " INFO: Microblog startup [in " in line

    def test_m077_log03_line_has_time_level_message_and_place(
        self, begin: Begin, file: Path
    ) -> None:
        journal = begin()
        log.warning("it is %s", "late")
        journal.close()
        found = LINE.fullmatch(file.read_text().splitlines()[-1])
        assert found
        assert found.group(1, 2, 3, 5) == ("WARNING", "it is late", __file__, "")

    def test_request_and_user_follow(self, begin: Begin, file: Path) -> None:
        journal = begin()
        logs.begin(visit())
        log.info("hello")
        journal.close()
        line = file.read_text().splitlines()[-1]
        assert line.endswith("] request=abc123 user=7 address=192.0.2.1")

    def test_m076_rotation(self, begin: Begin, file: Path) -> None:
        journal = begin(MICROBLOG_LOGS_MAX_BYTES="2048", MICROBLOG_LOGS_BACKUPS="3")
        for number in range(200):
            log.info("line number %d", number)
        journal.close()
        kept = sorted(file.parent.iterdir())
        assert [path.name for path in kept] == [
            "microblog.log",
            *(f"microblog.log.{n}" for n in (1, 2, 3)),
        ]
        assert all(path.stat().st_size <= 2048 for path in kept)
        numbers = re.findall(r"line number (\d+) ", "".join(p.read_text() for p in reversed(kept)))
        ordered = "".join(path.read_text() for path in [*reversed(kept[1:]), kept[0]])
        found = [int(n) for n in re.findall(r"line number (\d+) ", ordered)]
        assert found == list(range(found[0], 200)), "none doubled, none missing, newest last"
        assert len(numbers) == len(found)

    def test_a_line_longer_than_a_file_is_kept(self, begin: Begin, file: Path) -> None:
        journal = begin(MICROBLOG_LOGS_MAX_BYTES="1024")
        log.info("x" * 3000)
        log.info("after")
        journal.close()
        assert "x" * 3000 in file.with_name("microblog.log.1").read_text()
        assert " after " in file.read_text()

    def test_somebody_else_rotates_or_deletes(self, tmp_path: Path) -> None:
        path = tmp_path / "logs" / "own.log"
        lines = FileLines(path, max_bytes=1024, backups=1)
        lines.write(b"one\n")
        path.rename(tmp_path / "elsewhere")
        lines.write(b"two\n")
        assert path.read_bytes() == b"two\n"
        path.unlink()
        path.parent.rmdir()
        lines.write(b"three\n")
        assert path.read_bytes() == b"three\n"
        lines.close()

    def test_a_full_disk_is_told_once_and_stops_nothing(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lines = FileLines(Path("/dev/full"), max_bytes=1024, backups=1)
        for _ in range(3):
            lines.handle(logging.makeLogRecord({"msg": "hello"}))
        lines.close()
        assert capsys.readouterr().err.count("the log cannot be written") == 1

    def test_a_folder_that_cannot_be_made_stops_the_start(
        self, begin: Begin, instance: Path
    ) -> None:
        instance.write_text("a file in its place")
        handlers = list(logging.root.handlers)
        with pytest.raises(OSError, match="logs"):
            begin()
        assert logging.root.handlers == handlers

    def test_closing_puts_everything_back(self, begin: Begin) -> None:
        before = (
            list(logging.root.handlers),
            logging.root.level,
            logging.getLogger("microblog").level,
        )
        journal = begin(MICROBLOG_LOGS_LEVEL="DEBUG")
        journal.close()
        journal.close()
        after = (
            list(logging.root.handlers),
            logging.root.level,
            logging.getLogger("microblog").level,
        )
        assert after == before

    def test_str07_importing_makes_nothing(self, tmp_path: Path) -> None:
        code = "import os,sys,logging; os.chdir(sys.argv[1]); import microblog.logs as l, microblog.app; print(os.listdir(), logging.root.handlers)"
        out, err = python(code, str(tmp_path)).communicate(timeout=60)
        assert (out, err) == ("[] []\n", "")


WRITER = """
import logging, os, sys
from microblog import logs
from microblog.settings import NO_FILE, load
journal = logs.configure(load(NO_FILE, dict(os.environ)))
print("ready", flush=True)
sys.stdin.readline()
log = logging.getLogger("microblog.test")
for number in range(1000):
    log.info("line %s-%d of many, %s.", sys.argv[1], number, "x" * (number % 60))
"""


def test_processes_that_write_and_rotate_at_once_lose_no_line(instance: Path, file: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "MICROBLOG_SERVER_INSTANCE": str(instance),
        "MICROBLOG_LOGS_MAX_BYTES": "4096",
        "MICROBLOG_LOGS_BACKUPS": "1000",
    }
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "abc"
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("\n")
        writer.stdin.flush()
    # Nobody closes its journal: an ordinary end of the process writes what is left.
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    files = list(file.parent.iterdir())
    assert len(files) > 50
    lines = [line for path in files for line in path.read_text().splitlines()]
    assert all(LINE.fullmatch(line) for line in lines)
    found = sorted(re.findall(r"line (\w-\d+) of many, x*\. \[", "\n".join(lines)))
    assert found == sorted(f"{name}-{number}" for name in "abc" for number in range(1000))


class TestStandardOutput:
    CODE = "import os\nfrom microblog import logs\nfrom microblog.settings import NO_FILE, load\nlogs.configure(load(NO_FILE, dict(os.environ)), debug='DEBUGGING' in os.environ)"

    def test_log02_start_line_on_stdout_and_no_folder(self, tmp_path: Path) -> None:
        environ = {"LOG_TO_STDOUT": "1", "MICROBLOG_SERVER_INSTANCE": str(tmp_path / "data")}
        out, err = python(self.CODE, **environ).communicate(timeout=60)
        assert LINE.fullmatch(out.strip())
        assert "Microblog startup" in out
        assert err == ""
        assert list(tmp_path.iterdir()) == []

    def test_m083_debugging_makes_no_file(self, tmp_path: Path) -> None:
        environ = {"DEBUGGING": "1", "MICROBLOG_SERVER_INSTANCE": str(tmp_path / "data")}
        out, err = python(self.CODE, **environ).communicate(timeout=60)
        assert out == ""
        assert "Microblog startup" in err
        assert list(tmp_path.iterdir()) == []

    def test_letters_of_any_language_on_a_poor_terminal(self, tmp_path: Path) -> None:
        code = self.CODE + "\nimport logging; logging.getLogger('microblog').info('日本 \\udcff')"
        environ = {"LOG_TO_STDOUT": "1", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        process = python(code, MICROBLOG_SERVER_INSTANCE=str(tmp_path / "data"), **environ)
        out, err = process.communicate(timeout=60)
        assert err == ""
        assert "INFO: 日本 \\udcff [in" in out


NASTY = {
    "line-end": "a\nb",
    "network-line-end": "a\r\nb",
    "rare-line-ends": "a\x0bb\x0cc\x1cd\x1de\x1ef\x85g",
    "separators": "a\u2028b\u2029c",
    "terminal": "\x1b[31mred\x1b[0m\x07\x9b31m",
    "turned-around": "\x00\x7f\u202egnp.exe\u2066",
    "typed": "typed \\n, not ended",
}


class TestOneLine:
    @pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY)
    @pytest.mark.parametrize("form", ["false", "true"])
    def test_whatever_it_says(self, begin: Begin, file: Path, nasty: str, form: str) -> None:
        journal = begin(MICROBLOG_LOGS_JSON=form)
        logs.begin(logs.Visit(nasty, nasty, nasty, nasty, lambda: None))
        try:
            raise ValueError(nasty)
        except ValueError:
            log.exception(nasty)
        journal.close()
        content = file.read_text()
        assert content.endswith("\n")
        assert len(content.splitlines()) == 2
        assert content.replace("\n", "").isprintable()
        if form == "true":
            assert json.loads(content.splitlines()[1])["message"] == nasty

    @pytest.mark.parametrize("form", [TextLines, JSONLines])
    def test_what_no_encoding_can_hold(self, form: type[logging.Formatter]) -> None:
        # Straight through the formatter: what captures the lines of tests cannot pass it on.
        line = form().format(logging.makeLogRecord({"msg": "\ud800 lone"}))
        assert "\\ud800 lone" in line
        assert line.isascii()

    def test_an_escaped_line_end_is_not_a_typed_one(self, begin: Begin, file: Path) -> None:
        journal = begin()
        log.info("one\ntwo\\nthree")
        journal.close()
        assert "one\\ntwo\\\\nthree" in file.read_text()

    def test_json_members(self, begin: Begin, file: Path) -> None:
        journal = begin(MICROBLOG_LOGS_JSON="true")
        logs.begin(visit())
        try:
            raise ValueError("broken")
        except ValueError:
            log.exception("it failed", extra={"fields": {"status": 500, "body": "no such field"}})
        journal.close()
        told = json.loads(file.read_text().splitlines()[1])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("time"))
        assert "ValueError: broken" in told.pop("trace")
        assert told.pop("line") > 0
        assert told == {
            "level": "ERROR",
            "logger": "microblog.test",
            "message": "it failed",
            "path": __file__,
            "request": "abc123",
            "user": 7,
            "address": "192.0.2.1",
            "method": "GET",
            "route": "main.index",
            "status": 500,
        }

    def test_wrong_arguments_are_still_a_line(self) -> None:
        record = logging.makeLogRecord({"msg": "%d posts", "args": ("many",), "levelname": "INFO"})
        assert "INFO: %d posts [in" in TextLines().format(
            courier.Courier(SimpleQueue()).prepare(record)
        )


@pytest.mark.parametrize(
    "said",
    [
        "Authorization: Bearer {}",
        "('Authorization', 'Bearer {}')",
        "[(b'authorization', b'Basic {}')]",
        '{{"Cookie": "microblog_login={}; a=b"}}',
        "Set-Cookie: microblog_login={}; HttpOnly",
        "microblog_visit={}",
        "GET /search?token={}&page=2",
        "csrf_token={}",
        "{{'password': '{}', 'password2': '{}'}}",
        "X-CSRFToken: {}",
        "api_key={}",
        "SECRET_KEY={}",
        "GET /auth/reset_password/{} HTTP/1.1",
        "https://example.com/auth/confirm/{}?x=1",
        "postgresql://susan:{}@db/microblog",
        "$argon2id$v=19$m=8,t=1,p=1${}",
        "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6MX0.{}",
        "[SQL: INSERT INTO post (body) VALUES (?)]\n[parameters: ('{}',)]\n(Background on)",
        "duplicate key\nDETAIL:  Failing row contains (1, {}).",
    ],
)
def test_secrets_are_crossed_out(said: str) -> None:
    secret = "hush-Hush1234"
    assert "Hush" not in redacted(said.replace("{}", secret).replace("{{", "{").replace("}}", "}"))


def test_other_words_stay() -> None:
    for said in (
        "the session of susan ended",
        "GET auth.login 200 3.1 ms",
        "http://[::1]:5000/a@b",
    ):
        assert redacted(said) == said


@pytest.mark.parametrize("piece", ["token", "eyJ-", "://", "basic ", "cookie", "/auth/a", "\\"])
def test_no_text_takes_long_to_look_through(piece: str) -> None:
    began = time.process_time()
    redacted((piece * 20_000)[:65_536])
    assert time.process_time() - began < 1


class TestLevels:
    def test_libraries_are_heard_from_warnings_on(self, begin: Begin, file: Path) -> None:
        journal = begin(MICROBLOG_LOGS_LEVEL="DEBUG")
        logging.getLogger("aiosqlite").debug("executing INSERT %s", ("what susan wrote",))
        logging.getLogger("sqlalchemy.engine").info("what susan wrote")
        log.debug("ours")
        journal.close()
        assert "susan" not in file.read_text()
        assert " DEBUG: ours " in file.read_text()

    def test_audit_is_kept_at_any_level(self, begin: Begin, file: Path) -> None:
        journal = begin(MICROBLOG_LOGS_LEVEL="ERROR")
        log.warning("not this")
        logs.audit("login", user_id=3, address="192.0.2.9")
        journal.close()
        (line,) = file.read_text().splitlines()
        found = LINE.fullmatch(line)
        assert found
        assert found.group(2, 3, 5) == ("audit: login", __file__, " user=3 address=192.0.2.9")

    def test_audit_knows_the_request(self, begin: Begin, file: Path) -> None:
        journal = begin(MICROBLOG_LOGS_JSON="1")
        logs.begin(visit(user=None))
        logs.audit("failed login", user_id=3)
        journal.close()
        told = json.loads(file.read_text().splitlines()[-1])
        names = ("event", "user", "address", "request", "logger")
        assert [told[name] for name in names] == [
            *("failed login", 3, "192.0.2.1", "abc123", "microblog.audit")
        ]


class Gate(logging.Handler):
    """A disk that takes nothing until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()
        self.taken: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.opened.wait(30)
        self.taken.append(record.getMessage())


def test_nobody_waits_for_a_stuck_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "MOST_WAITING", 50)
    gate = Gate()
    journal = Journal(gate)
    for number in range(200):
        log.warning("line %d", number)  # would hang here if anybody waited
    assert gate.taken == []
    gate.opened.set()
    wait_until(lambda: len(gate.taken) >= 50)
    log.warning("well again")
    journal.close()
    assert gate.taken[-1] == "well again"
    said = "log lines dropped, because too many were waiting: "
    dropped = [int(line.removeprefix(said)) for line in gate.taken if line.startswith(said)]
    kept = len(gate.taken) - len(dropped)
    assert 50 <= kept <= 53
    assert kept + sum(dropped) == 200 + 1


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_tasks_at_the_same_time_keep_their_requests_apart(begin: Begin, file: Path) -> None:
    journal = begin()

    async def serve(number: int) -> None:
        logs.begin(visit(f"r{number}", number))
        await asyncio.sleep(0)
        log.info("in the task %d", number)
        await asyncio.to_thread(log.info, "in a thread %d", number)
        assert logs.request_id() == f"r{number}"

    await asyncio.gather(*(serve(number) for number in range(20)))
    assert logs.request_id() == ""
    journal.close()
    told = re.findall(
        r"in (?:the task|a thread) (\d+) .* request=r(\d+) user=(\d+)", file.read_text()
    )
    assert len(told) == 40
    assert all(len(set(numbers)) == 1 for numbers in told)


class TestSlow:
    async def test_query_is_named_once_without_its_values(
        self, database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        for engine in (database._writer, database._reader):
            logs.watch_queries(engine, 1e-9)
        statement = text("SELECT\n  :value AS value")
        async with database.reading() as session:
            await session.execute(statement, {"value": "what susan wrote"})
        async with database.begin() as session:
            await session.execute(statement, {"value": "what susan wrote"})
        slow = [r.getMessage() for r in caplog.records if "AS value" in r.getMessage()]
        assert len(slow) == 2
        assert all(re.match(r"slow query, \d+ ms: SELECT \S+ AS value$", line) for line in slow)
        assert "susan" not in caplog.text

    async def test_query_that_fails_is_named(
        self, database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        logs.watch_queries(database._writer, 1e-9)
        with pytest.raises(DBAPIError):
            async with database.begin() as session:
                await session.execute(text("SELECT nothing FROM nowhere"))
        assert [r for r in caplog.records if "FROM nowhere" in r.getMessage()]

    async def test_quick_query_is_not_named(
        self, database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        logs.watch_queries(database._writer, 60)
        async with database.begin() as session:
            await session.execute(text("SELECT 1"))
        assert "slow query" not in caplog.text

    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
    async def test_waiting_for_another_writer_is_no_query(
        self, database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        logs.watch_queries(database._writer, 1e-9)
        async with database.begin() as session:
            await session.execute(text("SELECT 1"))
        lines = [r.getMessage() for r in caplog.records]
        assert re.fullmatch(r"waited \d+ ms for the write lock", lines[0])
        assert not any("BEGIN" in line for line in lines)

    async def test_blocked_loop(self, caplog: pytest.LogCaptureFixture) -> None:
        watching = asyncio.create_task(logs.watch_loop(every=0.01, blocked=0.1))
        await asyncio.sleep(0.02)
        assert "blocked" not in caplog.text
        time.sleep(0.3)
        async with asyncio.timeout(20):
            while "blocked" not in caplog.text:
                await asyncio.sleep(0.01)
        watching.cancel()
        (took,) = re.findall(r"the event loop was blocked for (\d+) ms", caplog.text)[:1]
        assert int(took) > 200


class Letters:
    """What was promised, a clock, and a promise that can go wrong."""

    def __init__(self) -> None:
        self.promised: list[Report] = []
        self.now = 1000.0
        self.failing: Callable[[], None] = lambda: None
        self.stuck = asyncio.Event()
        self.stuck.set()
        self.handler = ErrorLetters(self.promise, clock=lambda: self.now)

    async def promise(self, report: Report) -> None:
        await self.stuck.wait()
        self.failing()
        self.promised.append(report)

    async def settled(self) -> list[Report]:
        await asyncio.sleep(0)
        async with asyncio.timeout(20):
            await self.handler._waiting.join()
        return self.promised


@pytest.fixture
async def post() -> AsyncIterator[Letters]:
    post = Letters()
    post.handler.start()
    yield post
    post.stuck.set()
    await post.handler.stop()


def fail(error: Exception | None = None) -> None:
    try:
        raise error or ValueError("broken")
    except Exception as raised:
        log.error("unhandled error", exc_info=raised)


def kinds(number: int) -> list[Exception]:
    return [type(f"Kind{n}", (Exception,), {})("broken") for n in range(number)]


class TestErrorLetters:
    async def test_m078_log04_subject_trace_and_request(self, post: Letters) -> None:
        logs.begin(visit())
        fail(ValueError("broken, password='hush'"))
        (report,) = await post.settled()
        assert report.subject == "Microblog Failure"
        assert "Traceback (most recent call last)" in report.text
        assert "ValueError: broken" in report.text
        assert "request: abc123\nuser: 7\nmethod: GET\nroute: main.index" in report.text
        assert report.request_id == "abc123"
        assert "hush" not in report.text

    async def test_m079_nothing_below_an_unhandled_error(self, post: Letters) -> None:
        try:
            raise ValueError
        except ValueError:
            log.warning("expected", exc_info=True)
        log.info("hello")
        log.error("no exception with it")
        log.error("none either", exc_info=True)  # noqa: LOG014 - that is the point
        assert await post.settled() == []

    async def test_one_in_ten_minutes_with_the_number_held_back(self, post: Letters) -> None:
        for _ in range(51):
            fail()
        assert len(await post.settled()) == 1
        post.now += 599
        fail()
        assert len(await post.settled()) == 1
        post.now += 2
        fail()
        first, second = await post.settled()
        assert (first.held_back, second.held_back) == (0, 51)
        assert "more like this since the last letter: 51" in second.text
        assert first.key == second.key

    async def test_another_kind_or_place_is_another_error(self, post: Letters) -> None:
        fail()
        fail(KeyError("x"))
        try:
            raise ValueError
        except ValueError:
            log.exception("elsewhere")
        assert len(await post.settled()) == 3

    def test_m080_wanted_with_server_and_admins_only(self) -> None:
        def made(**environ: str) -> ErrorLetters | None:
            return logs.error_letters(load(NO_FILE, environ), lambda _report: None)

        assert made() is None
        assert made(MAIL_SERVER="localhost") is None
        assert made(ADMINS="susan@example.com") is None
        assert made(MAIL_SERVER="localhost", ADMINS="susan@example.com") is not None

    async def test_a_failing_promise_asks_for_no_letter_and_is_tried_again(
        self, post: Letters, caplog: pytest.LogCaptureFixture
    ) -> None:
        def failing() -> None:
            fail(OSError("while promising"))
            raise ConnectionError("the database is gone")

        post.failing = failing
        fail()
        assert await post.settled() == []
        assert "an error report was not promised: ConnectionError" in caplog.text
        post.failing = lambda: None
        fail()
        (report,) = await post.settled()
        assert report.held_back == 1

    async def test_log05_a_stuck_promise_holds_nobody_up(self, post: Letters) -> None:
        post.stuck.clear()
        errors = kinds(letters.MOST_WAITING + 30)
        for error in errors:
            fail(error)
        await asyncio.sleep(0)
        assert post.handler._waiting.full()
        post.stuck.set()
        assert letters.MOST_WAITING <= len(await post.settled()) <= letters.MOST_WAITING + 1
        # What found no room is not forgotten.
        fail(errors[-1])
        assert (await post.settled())[-1].held_back == 1

    async def test_from_another_thread(self, post: Letters) -> None:
        await asyncio.to_thread(fail)
        assert len(await post.settled()) == 1

    async def test_after_its_end_it_is_silent(self, post: Letters) -> None:
        await post.handler.stop()
        fail()
        await asyncio.sleep(0)
        assert post.promised == []
        assert post.handler not in logging.root.handlers

    async def test_what_waits_at_the_end_is_promised(self, post: Letters) -> None:
        fail()
        await asyncio.sleep(0)
        await post.handler.stop()
        assert len(post.promised) == 1

    def test_memory_for_kinds_is_bounded(self) -> None:
        quiet = letters.Quiet(600, lambda: 0.0)
        for number in range(10_000):
            assert quiet.ask(str(number)) == 0
        assert len(quiet._told) <= letters._MOST_KINDS
