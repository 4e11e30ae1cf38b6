"""What people find in their letters."""

import re
from email.message import EmailMessage

from tests import secrecy

BASE = "http://localhost"


def plain(letter: EmailMessage) -> str:
    return _body(letter, "plain")


def html(letter: EmailMessage) -> str:
    return _body(letter, "html")


def link(letter: EmailMessage) -> str:
    """The path of the secret link, which is the same in both bodies."""
    (address,) = re.findall(r"https?://\S+", plain(letter))
    assert f'href="{address}"' in html(letter)
    assert address.startswith(f"{BASE}/auth/")
    secrecy.spoken(address.rpartition("/")[2])
    return str(address.removeprefix(BASE))


def to(letter: EmailMessage) -> str:
    (recipient,) = letter["To"].addresses
    return str(recipient.addr_spec)


def _body(letter: EmailMessage, kind: str) -> str:
    part = letter.get_body((kind,))
    assert part is not None
    return str(part.get_content())
