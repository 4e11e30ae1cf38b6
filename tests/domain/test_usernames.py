"""Which names an account may have."""

import pytest

from microblog.domain import usernames
from microblog.domain.errors import Invalid, UsernameTaken
from microblog.models.user import fold


@pytest.mark.parametrize(
    "name", ["a", "7", "Susan", "a.b", "a_b", "a-b", "0-.", "x" * 64, "1984", "susan.admin"]
)
def test_good_names(name: str) -> None:
    usernames.check(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            " ",
            ".a",
            "_a",
            "-a",
            "a b",
            "a\n",
            "a/b",
            "a@b",
            "a%",
            "ä",
            "аdmin",
            "Ａ",
            "\u212a",
        ),
        *("ﬁ", "a\u200b", "a\u202e", "\ufeffa", "a\x00", "😀", "x" * 65, "a\u0301", "١"),
    ],
)
def test_names_of_another_shape(name: str) -> None:
    """T-41, T-42: told apart from names that are taken."""
    with pytest.raises(Invalid) as refusal:
        usernames.check(name)
    assert refusal.value.field == "username"
    assert not isinstance(refusal.value, UsernameTaken)


@pytest.mark.parametrize(
    "name", ["admin", "ADMIN", "Api", "static", "explore", "live", "livez", "user", "root"]
)
def test_words_of_the_service(name: str) -> None:
    """T-18."""
    with pytest.raises(UsernameTaken):
        usernames.check(name)


def test_reserved_words_are_written_as_they_are_compared() -> None:
    assert {fold(word) for word in usernames.RESERVED} == usernames.RESERVED
