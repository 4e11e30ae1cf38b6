"""Letters on the wire: plain, encrypted, logged in, refused, cut off; and letters in a folder."""

import asyncio
import email
import email.policy
import logging
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from microblog.adapters import mailer
from microblog.adapters.mailer import FolderMailer, Refused, SMTPMailer, Unreachable
from microblog.settings import NO_FILE, Mail, load
from tests import fakes
from tests.fakes import STAGES, MailServer, mail_server


def letter(recipient: str = "susan@example.com", body: str = "Hello!") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "no-reply@example.com"
    message["To"] = recipient
    message["Subject"] = "A letter"
    message["Message-ID"] = "<20260101120000.abc@example.com>"
    message.set_content(body)
    return message


@asynccontextmanager
async def mailing(server: MailServer, **options: object) -> AsyncIterator[SMTPMailer]:
    settings = {
        k: options.pop(k) for k in ("use_tls", "use_ssl", "username", "password") if k in options
    }
    found = SMTPMailer(Mail(server="127.0.0.1", port=server.port, **settings), **options)  # type: ignore[arg-type]
    yield found
    await found.close()


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return fakes.certificate(tmp_path_factory.mktemp("tls"))


async def test_a_letter_arrives_as_it_was_written(server: MailServer) -> None:
    async with mailing(server) as post:
        await post.send(letter(body=".a line with a dot\nGrüße, 日本\n" + "x" * 3000))
    (received,) = server.letters
    assert received.get_content().splitlines() == [".a line with a dot", "Grüße, 日本", "x" * 3000]
    assert server.envelopes == [("no-reply@example.com", ["susan@example.com"])]
    assert (server.encrypted, server.logins) == (0, [])


async def test_five_megabytes_arrive_whole(server: MailServer) -> None:
    """JOB-11: an archive goes with its letter."""
    posts, message = b"0123456789" * 500_000, letter()
    message.add_attachment(posts, maintype="application", subtype="json", filename="posts.json")
    async with mailing(server) as post:
        await post.send(message)
    (received,) = server.letters
    (attachment,) = received.iter_attachments()
    assert attachment.get_content() == posts


async def test_a_slow_line_gets_the_time_that_a_large_letter_takes(server: MailServer) -> None:
    """The patience of a stage is for words, and grows with what is handed over."""
    message = letter(body="x\n" * 50_000)
    go_on = server.stall("end")
    async with mailing(server, stage_seconds=0.3) as post:
        sending = asyncio.create_task(post.send(message))
        await server.reached("end")
        asyncio.get_running_loop().call_later(0.6, go_on.set)
        await sending
    assert len(server.letters) == 1


async def test_two_hundred_letters_use_few_connections(server: MailServer) -> None:
    async with mailing(server) as post:
        await asyncio.gather(*(post.send(letter(f"u{n}@example.com")) for n in range(200)))
    assert len(server.letters) == 200
    assert server.connections <= 4


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "end"])
async def test_a_lasting_refusal_is_the_end_and_harms_no_other_letter(
    server: MailServer, stage: fakes.Stage
) -> None:
    async with mailing(server) as post:
        server.answer(stage, "550 5.1.1 not here")
        with pytest.raises(Refused, match=r"550 5\.1\.1 not here"):
            await post.send(letter())
        server.answer(stage, None)
        await post.send(letter("john@example.com"))
    assert [to for _, to in server.envelopes] == [["john@example.com"]]
    assert server.connections == 1


@pytest.mark.parametrize("stage", STAGES)
async def test_a_passing_refusal_is_for_later(server: MailServer, stage: fakes.Stage) -> None:
    # To another answer than 421 at EHLO, the older HELO is the right reply.
    server.answer(stage, "421 come again" if stage in {"greeting", "EHLO"} else "450 come again")
    async with mailing(server) as post:
        with pytest.raises(Unreachable):
            await post.send(letter())
        server.answer(stage, None)
        await post.send(letter())
    assert len(server.letters) == 1


async def test_a_refusal_of_ourselves_is_for_later(server: MailServer) -> None:
    """A wrong password is the operator's to mend; the letter is not at fault."""
    server.answer("greeting", "554 go away")
    async with mailing(server) as post:
        with pytest.raises(Unreachable, match="554 go away"):
            await post.send(letter())
    server.answer("greeting", None)
    server.answer("MAIL", "530 authentication required")
    async with mailing(server) as post:
        with pytest.raises(Unreachable, match="530"):
            await post.send(letter())


@pytest.mark.parametrize("stage", STAGES)
async def test_a_silent_server_costs_the_time_of_one_stage(
    server: MailServer, stage: fakes.Stage
) -> None:
    go_on = server.stall(stage)
    async with mailing(server, stage_seconds=0.2) as post:
        with pytest.raises(Unreachable):
            async with asyncio.timeout(3):
                await post.send(letter())
    go_on.set()


async def test_no_server_is_for_later(server: MailServer) -> None:
    await server.go_away()
    async with mailing(server) as post:
        with pytest.raises(Unreachable):
            await post.send(letter())
        await server.come_back()
        await post.send(letter())
    assert len(server.letters) == 1


async def test_a_kept_connection_that_died_is_replaced(server: MailServer) -> None:
    async with mailing(server) as post:
        await post.send(letter())
        server.hang_up()
        await post.send(letter())
    assert (len(server.letters), server.connections) == (2, 2)


async def test_a_kept_connection_is_closed_when_it_is_idle(server: MailServer) -> None:
    async with mailing(server, idle_seconds=0.05) as post:
        await post.send(letter())
        async with asyncio.timeout(5):
            while server._open:
                await asyncio.sleep(0.01)


async def test_a_server_that_drops_after_acceptance_is_for_later(server: MailServer) -> None:
    """Nobody can know; the same Message-ID lets the recipient's side drop the second copy."""
    server.drop_after_acceptance()
    async with mailing(server) as post:
        with pytest.raises(Unreachable):
            await post.send(letter())
        await post.send(letter())
    assert len({str(found["Message-ID"]) for found in server.letters}) == 1
    assert len(server.letters) == 2


async def test_cancelled_in_the_middle_of_the_content_it_ends_well(server: MailServer) -> None:
    go_on = server.stall("end")
    async with mailing(server) as post:
        sending = asyncio.create_task(post.send(letter()))
        await server.reached("end")
        sending.cancel()
        asyncio.get_running_loop().call_later(0.1, go_on.set)
        await sending
    assert len(server.letters) == 1


async def test_cancelled_before_the_content_it_stops_at_once(server: MailServer) -> None:
    go_on = server.stall("RCPT")
    async with mailing(server) as post:
        sending = asyncio.create_task(post.send(letter()))
        await server.reached("RCPT")
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(0.5):
                await sending
        go_on.set()
    assert server.letters == []


async def test_starttls_and_login(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """M-081: credentials and STARTTLS are used exactly when configured."""
    theirs, ours = contexts
    async with mail_server(starttls=theirs, login=True) as server:
        async with mailing(
            server, use_tls=True, username="clerk", password="right", tls=ours
        ) as post:
            await post.send(letter())
            await post.send(letter())
        assert (len(server.letters), server.encrypted) == (2, 1)
        assert server.logins == [("clerk", "right")]
        async with mailing(
            server, use_tls=True, username="clerk", password="wrong", tls=ours
        ) as post:
            with pytest.raises(Unreachable, match="535"):
                await post.send(letter())


async def test_tls_from_the_first_byte(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    theirs, ours = contexts
    async with mail_server(tls=theirs) as server, mailing(server, use_ssl=True, tls=ours) as post:
        await post.send(letter())
        assert (len(server.letters), server.encrypted) == (1, 1)


@pytest.mark.parametrize("how", ["use_tls", "use_ssl"])
async def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], how: str
) -> None:
    theirs, _ = contexts
    starttls, tls = (theirs, None) if how == "use_tls" else (None, theirs)
    async with (
        mail_server(starttls=starttls, tls=tls) as server,
        mailing(server, **{how: True}) as post,
    ):
        with pytest.raises(Unreachable, match=r"(?i)certificate"):
            await post.send(letter())
        assert server.letters == []


async def test_without_starttls_on_offer_nothing_is_said_in_the_clear(server: MailServer) -> None:
    async with mailing(server, use_tls=True, username="clerk", password="right") as post:
        with pytest.raises(Unreachable, match="STARTTLS"):
            await post.send(letter())
    assert (server.letters, server.logins) == ([], [])


@pytest.mark.parametrize("recipient", ["a@example.com, b@example.com", ""])
async def test_one_recipient_or_none_at_all(server: MailServer, recipient: str) -> None:
    async with mailing(server) as post:
        with pytest.raises(Refused):
            await post.send(letter(recipient))
        copied = letter()
        copied["Bcc"] = "mallory@example.com"
        with pytest.raises(Refused):
            await post.send(copied)
    assert server.connections == 0


async def test_an_international_address(server: MailServer) -> None:
    message = EmailMessage(policy=email.policy.SMTPUTF8)
    message["From"], message["To"] = "no-reply@example.com", "jürgen@example.com"
    message.set_content("Hallo!")
    async with mailing(server) as post:
        await post.send(message)
    assert server.envelopes == [("no-reply@example.com", ["jürgen@example.com"])]


async def test_without_a_mail_server_letters_are_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load(NO_FILE, {"MICROBLOG_SERVER_INSTANCE": str(tmp_path / "instance")})
    post = mailer.build(settings)
    with caplog.at_level(logging.INFO, logger="microblog"):
        await post.send(letter())
        await post.send(letter())  # the same one: still one file
    (file,) = (tmp_path / "instance" / "mail").iterdir()
    assert file.suffix == ".eml"
    assert str(file) in caplog.text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    read = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert (read["To"], read.get_content()) == ("susan@example.com", "Hello!\n")


async def test_a_folder_that_cannot_be_written_is_for_later(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("no folder")
    with pytest.raises(Unreachable):
        await FolderMailer(tmp_path / "mail").send(letter())


def test_the_settings_choose(tmp_path: Path) -> None:
    environment = {"MICROBLOG_SERVER_INSTANCE": str(tmp_path), "MAIL_SERVER": "127.0.0.1"}
    assert isinstance(mailer.build(load(NO_FILE, environment)), SMTPMailer)
