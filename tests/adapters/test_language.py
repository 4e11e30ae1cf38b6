"""The language of a post: right or unknown, hardly ever wrong; and nobody waits for it."""

import asyncio
import threading
import time
import tomllib
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path

import pytest

from microblog.adapters import language
from microblog.adapters.language import KNOWN, Detector, Score
from microblog.i18n import autonym, base

POSTS: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("short_posts.toml").read_text("utf-8")
)
SPEAKING = {code: posts for code, posts in POSTS.items() if code}


@pytest.fixture
async def detector() -> AsyncIterator[Detector]:
    detector = Detector()
    await detector.open()
    yield detector
    detector.close()


async def measured(detector: Detector, leaning: tuple[str, ...] = ()) -> tuple[float, float]:
    """Which shares of the table get a wrong language, and none."""
    answers = [
        (code, await detector.detect(post, leaning=leaning))
        for code, posts in SPEAKING.items()
        for post in posts
    ]
    wrong = sum(1 for code, answer in answers if answer and answer != code)
    unknown = sum(1 for _, answer in answers if not answer)
    return wrong / len(answers), unknown / len(answers)


async def test_short_posts(detector: Detector) -> None:
    """LANG-01: at least 200 posts in 12 languages; under 2 % wrong."""
    assert len(SPEAKING) >= 12
    assert sum(map(len, SPEAKING.values())) >= 200
    wrong, unknown = await measured(detector)
    print(f"wrong {wrong:.1%}, unknown {unknown:.1%}")
    assert wrong < 0.005
    assert unknown < 0.06


async def test_what_a_writer_is_known_by_weighs_in(detector: Detector) -> None:
    """It settles close calls, and does not make a language of what is none."""
    close = "C'est trop bon"
    assert await detector.detect(close) == ""
    assert await detector.detect(close, leaning=("en", "fr_CA")) == "fr"
    for code in SPEAKING:
        wrong, _ = await measured(detector, (code,))
        assert wrong < 0.01, code
        for post in POSTS[""]:
            assert await detector.detect(post, leaning=(code,)) == "", (post, code)


async def test_what_has_no_language(detector: Detector) -> None:
    """LANG-02: empty is unknown."""
    for post in POSTS[""]:
        assert await detector.detect(post) == "", post


async def test_links_mentions_and_signs_have_no_say(detector: Detector) -> None:
    for post in POSTS["de"]:
        foreign = f"@the_weather {post} https://example.org/this/is/all/english #thoughts 🙂 2026"
        assert await detector.detect(foreign) in ("de", "")
    mixed = f"{POSTS['de'][0]} https://example.org/les/petits/chats"
    assert await detector.detect(mixed) == "de"


async def test_a_long_answer_is_none() -> None:
    """LANG-03: a code of more than 5 characters."""
    for code, stored in (("pt-BR", "pt-BR"), ("zh-Hant", "")):
        detector = Detector(lambda _, code=code: {code: 0.0, "en": -100.0})  # type: ignore[misc]
        assert await detector.detect("whatever") == stored
        detector.close()


class Held:
    """A score that is held back until it is released."""

    def __init__(self) -> None:
        self.looked_at, self.enough = threading.Event(), threading.Event()
        self.in_time: list[bool] = []

    def __call__(self, words: str) -> dict[str, float]:
        self.looked_at.set()
        self.in_time.append(self.enough.wait(60))
        return {"en": 0.0, "es": -100.0}


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.enough.set()


async def test_a_slow_detector_stops_nobody(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANG-05: while a text is being looked at, the loop goes on."""
    monkeypatch.setattr(language, "_PATIENCE", 60.0)
    detector = Detector(held)
    detecting = asyncio.create_task(detector.detect("a post"))
    assert await asyncio.to_thread(held.looked_at.wait, 60)
    others = [asyncio.create_task(asyncio.sleep(0.01, name)) for name in ("susan", "john")]
    assert await asyncio.gather(*others) == ["susan", "john"]
    assert held.in_time == []
    held.enough.set()
    assert await detecting == "en"
    assert held.in_time == [True]
    detector.close()


async def test_a_post_does_not_wait_for_ever(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANG-05: it goes without a language before the detector has said anything."""
    monkeypatch.setattr(language, "_PATIENCE", 0.05)
    detector = Detector(held)
    assert await detector.detect("a post") == ""
    assert held.in_time == []
    detector.close()


def slowly_loaded(seconds: float) -> Detector:
    @cache
    def load() -> Score:
        time.sleep(seconds)
        return lambda words: {"en": 0.0, "es": -100.0}

    return Detector(load=load)


async def test_a_slow_start_is_no_slow_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first posts wait for the model; their patience begins when it is there."""
    monkeypatch.setattr(language, "_PATIENCE", 0.5)
    detector = slowly_loaded(1.0)
    opening = asyncio.create_task(detector.open())
    assert await detector.detect("a post") == "en"
    assert opening.done()
    detector.close()


async def test_a_start_does_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(language, "LOADING_SECONDS", 0.2)
    detector = slowly_loaded(1.0)
    began = time.perf_counter()
    await detector.open()
    assert time.perf_counter() - began < 0.9
    assert "the model of languages takes more than 0.2 s to load" in caplog.text
    detector.close()


async def test_a_model_that_cannot_be_loaded(caplog: pytest.LogCaptureFixture) -> None:
    def load() -> Score:
        raise FileNotFoundError

    detector = Detector(load=load)
    await detector.open()
    assert await detector.detect("a post") == ""
    assert "the language of a text was not detected: FileNotFoundError" in caplog.text
    detector.close()


@pytest.mark.parametrize("is_broken", [False, True])
async def test_a_short_text_needs_no_thread_once_the_model_is_there(
    monkeypatch: pytest.MonkeyPatch, *, is_broken: bool
) -> None:
    """The loop reads what takes it no time; it never loads anything."""
    loaded, read = [], []

    def load() -> Score:
        loaded.append(threading.get_ident())
        if is_broken:
            raise FileNotFoundError

        def score(_words: str) -> dict[str, float]:
            read.append(threading.get_ident())
            return {"en": 0.0, "es": -100.0}

        return score

    monkeypatch.setattr(language, "_model", load)
    detector, here = Detector(), threading.get_ident()
    await detector.open()
    for text in ("a post", "a long post " * 40):
        assert await detector.detect(text) == ("" if is_broken else "en")
    assert here not in loaded
    assert [thread == here for thread in read] == ([] if is_broken else [True, False])
    detector.close()


async def test_a_broken_detector_is_no_broken_post() -> None:
    def broken(words: str) -> dict[str, float]:
        raise MemoryError

    detector = Detector(broken)
    assert await detector.detect("a post") == ""
    detector.close()


def test_regions_are_one_language() -> None:
    assert base("pt_BR") == base("pt-PT") == base("PT") == "pt"
    assert base("nb") == base("nn-NO") == "no"
    assert {base(code) for code in KNOWN} == set(KNOWN)


def test_languages_have_the_names_that_they_give_themselves() -> None:
    assert {code: autonym(code) for code in KNOWN} == KNOWN
