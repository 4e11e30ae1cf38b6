"""The guard over all logs of the run sees what it is there to see."""

import pytest

from tests import secrecy
from tests.cast import PASSWORD


@pytest.mark.parametrize(
    "line",
    [
        f"login with {PASSWORD}",
        "GET /auth/reset_password/eyJhbGciOiJIUzI1NiJ9.eyJyZXNldCI6MX0.x",
        "hash $argon2id$v=19$m=19456",
        "Cookie: microblog_login=abcdefghijklmnop.q",
        "csrf_token=abcdefghijkl.mnop",
        f"Authorization: Bearer mb_{'x' * 43}",
    ],
)
def test_a_secret_is_found(line: str) -> None:
    assert secrecy.betrayed(line.encode())


def test_an_honest_line_is_left_alone() -> None:
    assert not secrecy.betrayed(b"INFO: GET main.index 200 9.6 ms request=b78954d1d8b2 user=1")
