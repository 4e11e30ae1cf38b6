"""What letters say, in whose language, to whom, and what cannot be smuggled into them."""

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from microblog.domain import letters
from microblog.domain.letters import Letter, Pointless
from microblog.letterpress import Attachment, Letterpress, site
from microblog.settings import Server
from tests.jobs import offices

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def promised(kind: str = letters.RESET_PASSWORD, **changes: object) -> Letter:
    letter = Letter(
        id="7",
        kind=kind,
        user_id=1,
        recipient="susan@example.com",
        language="en",
        details={"username": "susan", "text": "Traceback: oops", "attached": True, "days": 7},
        grant_id=3,
        message_id="20260102030405.abc",
        completes=None,
        created_at=AT,
    )
    return replace(letter, **changes)  # type: ignore[arg-type]


async def composed(letter: Letter, press: Letterpress | None = None) -> EmailMessage:
    """The letter as its recipient's mail program reads it."""
    message = await (press or offices.press()).compose(letter)
    return email.message_from_bytes(message.as_bytes(), policy=email.policy.default)


def bodies(message: EmailMessage) -> tuple[str, str]:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    found = text.get_content(), html.get_content() if html is not None else ""
    return found[0].replace("\r\n", "\n"), found[1].replace("\r\n", "\n")


async def test_the_reset_letter() -> None:
    """M-117: subject, sender, both bodies, username, absolute address in both."""
    message = await composed(promised())
    text, html = bodies(message)
    link = "https://microblog.test/auth/reset_password/token-of-7"
    assert message["Subject"] == "[Microblog] Reset Your Password"
    assert message["From"] == "Microblog <no-reply@microblog.test>"
    assert message["To"] == "susan@example.com"
    assert message["Message-ID"] == "<20260102030405.abc@microblog.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == AT
    assert text.startswith("Dear susan,\n")
    assert f"\n{link}\n" in text
    assert "simply ignore this message" in text
    assert text.endswith("The Microblog Team\n")
    assert f'<a href="{link}">click here</a>' in html
    assert html.count(link) == 2
    assert '<html lang="en" dir="ltr">' in html


@pytest.mark.parametrize("kind", sorted(letters.KINDS))
async def test_every_kind_can_be_written(kind: str) -> None:
    message = await composed(promised(kind))
    text, html = bodies(message)
    assert message["Subject"]
    assert text.strip()
    if kind == letters.ERROR_REPORT:
        assert (message["Subject"], html) == ("Microblog Failure", "")
        assert text == "Traceback: oops\n"
    else:
        assert "susan" in text
        assert "susan" in html
        assert "https://microblog.test/" in text


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (letters.RESET_PASSWORD, "/auth/reset_password/"),
        (letters.CONFIRM_ADDRESS, "/auth/confirm/"),
        (letters.CONFIRM_NEW_ADDRESS, "/auth/confirm/"),
        (letters.ADDRESS_CHANGED, "/auth/restore_address/"),
    ],
)
async def test_links_lead_to_the_service(kind: str, path: str) -> None:
    text, html = bodies(await composed(promised(kind)))
    assert f"https://microblog.test{path}token-of-7" in text
    assert f"https://microblog.test{path}token-of-7" in html


@pytest.mark.parametrize("attached", [True, False])
async def test_the_letter_about_an_export(attached: bool) -> None:
    """JOB-10, JOB-11, JOB-13: sender, subject, both bodies; the posts go with it, or wait."""
    posts = '{"posts": ["\u4f60\u597d, ñandú"]}\n'.encode() * 1000
    asked = []

    async def attachments(letter: Letter) -> list[Attachment]:
        asked.append(letter.details["archive"])
        if not letter.details["attached"]:
            return []
        return [Attachment("posts.json", "application/json", posts)]

    details = {"username": "susan", "archive": "a1b2", "attached": attached, "days": 7}
    press = Letterpress(
        "Admin <admin@example.com>",
        lambda: "https://microblog.test",
        offices.token,
        attachments,
    )
    message = await composed(promised(letters.EXPORT_POSTS, details=details), press)
    assert message["Subject"] == "[Microblog] Your blog posts"
    assert message["From"] == "Admin <admin@example.com>"
    assert asked == ["a1b2"]
    for said in bodies(message):
        assert "Dear susan," in said
        assert ("find attached the archive" in said) == attached
        assert ("too large to be attached" in said) != attached
        assert "for 7 days" in said
        assert "https://microblog.test/account" in said
        assert "The Microblog Team" in said
    files = [
        (part.get_filename(), part.get_content_type(), part.get_content())
        for part in message.iter_attachments()
    ]
    assert files == ([("posts.json", "application/json", posts)] if attached else [])


async def test_a_long_link_stays_in_one_piece_in_the_source() -> None:
    async def token(_letter: Letter) -> str:
        return "x" * 300

    press = Letterpress("no-reply@microblog.test", lambda: "http://127.0.0.1:5000/", token)
    message = await press.compose(promised())
    assert b"http://127.0.0.1:5000/auth/reset_password/" + b"x" * 300 in message.as_bytes()
    assert message["Message-ID"] == "<20260102030405.abc@127.0.0.1>"


async def test_a_link_that_is_void_makes_no_letter() -> None:
    async def token(_letter: Letter) -> None:
        return None

    press = Letterpress("no-reply@microblog.test", lambda: "https://microblog.test", token)
    with pytest.raises(Pointless):
        await press.compose(promised())


@pytest.mark.parametrize(
    "username", ["susan\r\nBcc: mallory@example.com", "<b>&amp;</b>", "x" * 10_000, "名前"]
)
async def test_a_name_is_only_a_name(username: str) -> None:
    message = await composed(promised(details={"username": username}))
    text, html = bodies(message)
    assert message.get_all("To") == ["susan@example.com"]
    assert (message["Bcc"], message["Cc"]) == (None, None)
    assert len(message.get_all("Subject", [])) == 1
    assert "Dear" in text
    assert "<b>" not in html


@pytest.mark.parametrize(
    "recipient",
    [
        "a@example.com, b@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com\n",
        '"a@example.com, b"@example.com',
        "a@b@example.com",
        "a(comment)@example.com",
        "<a@example.com>",
        "A <a@example.com>",
        "a@[127.0.0.1]",
        "a b@example.com",
        "a\0@example.com",
        "a..b@example.com",
        "a@example..com",
        "a\u202eb@example.com",
        "@example.com",
        "susan",
        "",
    ],
)
async def test_one_plain_mailbox_or_nobody(recipient: str) -> None:
    with pytest.raises(Pointless):
        await offices.press().compose(promised(recipient=recipient))


async def test_addresses_of_the_world() -> None:
    message = await offices.press().compose(promised(recipient="susan@bücher.example"))
    assert message["To"] == "susan@xn--bcher-kva.example"
    message = await offices.press().compose(promised(recipient="jürgen@example.com"))
    assert "To: jürgen@example.com" in message.as_bytes().decode()


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("a@b.example", "a@b.example"),
        ("Some Name <a@b.example>", "Some Name <a@b.example>"),
        ("Us, You <a@b.example>", '"Us, You" <a@b.example>'),
        ("Größe <a@b.example>", "Größe <a@b.example>"),
    ],
)
async def test_the_sender_is_one_mailbox(setting: str, shown: str) -> None:
    press = Letterpress(setting, lambda: "https://microblog.test", offices.token)
    message = await composed(promised(), press)
    assert str(message["From"]) == shown
    assert len(message["From"].addresses) == 1


async def test_a_right_to_left_language_turns_the_page_but_not_the_link() -> None:
    _, html = bodies(await composed(promised(language="ar")))
    assert '<html lang="ar" dir="rtl">' in html
    assert '<p dir="ltr"' in html


def test_where_the_service_is() -> None:
    assert site(Server(base_url="https://microblog.test")) == "https://microblog.test"
    assert site(Server(host="127.0.0.1", port=5001)) == "http://127.0.0.1:5001"
    assert site(Server(host="::1", port=5001)) == "http://[::1]:5001"
