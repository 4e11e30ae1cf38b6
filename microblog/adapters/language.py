"""The language of a text: guessed without stopping the loop, and rather not at all than wrongly.

The model (py3langid) compares all languages that it knows and always has a favourite, also for
"123". So it is limited to the languages of :data:`KNOWN`, gets to see only words, and must like its
favourite better than the next one by a margin.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module

from microblog.i18n import base

log = logging.getLogger(__name__)

# Those of the world's most written languages that the model tells apart in a few words, and what
# they call themselves (to ask Babel for all these names takes a quarter of a second and 20 MB).
KNOWN: dict[str, str] = {
    "ar": "العربية", "bg": "Български", "ca": "Català", "cs": "Čeština", "da": "Dansk",
    "de": "Deutsch", "el": "Ελληνικά", "en": "English", "es": "Español", "fa": "فارسی",
    "fi": "Suomi", "fr": "Français", "he": "עברית", "hi": "हिन्दी", "hu": "Magyar",
    "id": "Indonesia", "it": "Italiano", "ja": "日本語", "ko": "한국어", "nl": "Nederlands",
    "no": "Norsk", "pl": "Polski", "pt": "Português", "ro": "Română", "ru": "Русский",
    "sk": "Slovenčina", "sv": "Svenska", "th": "ไทย", "tr": "Türkçe", "uk": "Українська",
    "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip

# Chosen by measuring with tests/adapters/short_posts.toml, in the model's logarithmic scores. From
# 4 on no post gets a wrong language; from 7 on no row of keys does either, whatever the leaning.
_MARGIN = 7.0
# What a language gets ahead that the writer is known by. Less than the margin, so that it settles
# close calls and makes no language out of nothing.
_LEANING = 3.0
_LONGEST_CODE = 5
# More characters than these make nothing more certain.
_ENOUGH = 1000
_PATIENCE = 2.0
# The model reads so many characters in 0.15 ms at most: to wake its thread takes longer.
_SHORT = 300
LOADING_SECONDS = 10.0
_NO_WORDS = re.compile(r"\b(?:https?://|www\.)\S+|[@#][\w.-]+|[\W\d_]+")

# Languages with their scores, for a text of at least one word.
Score = Callable[[str], Mapping[str, float]]


class Detector:
    """Guesses languages: of long texts one after the other, in a thread of its own."""

    def __init__(
        self, score: Score | None = None, *, load: Callable[[], Score] | None = None
    ) -> None:
        """Take what scores a text, or what loads that, again and again; else it is the model."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="language")
        self._load = load or (_model if score is None else lambda: score)
        # How long others take nobody knows.
        self._short = _SHORT if self._load is _model else 0
        self._loading: asyncio.Future[Score] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> "asyncio.Future[Score]":
        """Begin to load the model, in the thread: a service answers before it needs one."""
        if self._loading is None:
            loop = asyncio.get_running_loop()
            self._loading = loop.run_in_executor(self._pool, self._load)
            self._loading.add_done_callback(_look_at)
        return self._loading

    def begin_after(self, seconds: float) -> None:
        """Begin then, unless a text needs the model earlier: loading takes the loop's processor."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self.begin)

    async def open(self) -> None:
        """Load the model, so that the first text need not wait for it.

        Returns after :data:`LOADING_SECONDS` at the latest; then the first texts wait.
        """
        if not await self._is_loaded():
            log.warning("the model of languages takes more than %g s to load", LOADING_SECONDS)

    async def detect(
        self,
        text: str,
        *,
        leaning: Collection[str] = (),
        habits: Callable[[], Awaitable[Collection[str]]] | None = None,
    ) -> str:
        """The code of the text's language, at most 5 characters; empty if that is not certain.

        ``leaning`` names languages that the writer is known to use, and ``habits`` finds out more
        of them: it is called only where that could make a difference. Of the text itself nothing is
        ever raised: a post without a language is a post.
        """
        words = " ".join(_NO_WORDS.sub(" ", text[:_ENOUGH]).split())
        if not words:
            return ""
        try:
            await self._is_loaded()
            scores = await self._scored(words)
            code, lead = _favourite(scores, leaning)
        except Exception as error:  # noqa: BLE001 (whatever the model stumbles over)
            log.warning("the language of a text was not detected: %s", type(error).__name__)
            return ""
        # Somebody else may get ahead by as much, or the favourite: so far is it certain either way.
        if habits is not None and abs(lead - _MARGIN) <= _LEANING:
            code, lead = _favourite(scores, {*leaning, *await habits()})
        return code if lead >= _MARGIN and len(code) <= _LONGEST_CODE else ""

    def close(self) -> None:
        """Let the thread go."""
        if self._timer is not None:
            self._timer.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _is_loaded(self) -> bool:
        """Wait for the model as long as one does. It counts as loaded if that went wrong, too:
        whoever needs it then is told why.
        """
        loading = self.begin()
        if not loading.done():
            await asyncio.wait({loading}, timeout=LOADING_SECONDS)
        return loading.done()

    async def _scored(self, words: str) -> Mapping[str, float]:
        loading = self.begin()
        if len(words) <= self._short and _is_there(loading):
            return loading.result()(words)
        loop = asyncio.get_running_loop()
        # A slow start is no slow text: patience is counted from here.
        async with asyncio.timeout(_PATIENCE):
            return await loop.run_in_executor(self._pool, self._scores, words)

    def _scores(self, words: str) -> Mapping[str, float]:
        return self._load()(words)


def _favourite(scores: Mapping[str, float], leaning: Collection[str]) -> tuple[str, float]:
    """The language that is liked best, and by how much more than the next one."""
    bases = {base(code) for code in leaning}
    ranked = sorted(
        ((score + _LEANING * (code in bases), code) for code, score in scores.items()),
        reverse=True,
    )
    (best, code), (second, _) = ranked[:2]
    return code, best - second


def _is_there(loading: asyncio.Future[Score]) -> bool:
    return loading.done() and not loading.cancelled() and loading.exception() is None


def _look_at(loading: asyncio.Future[Score]) -> None:
    if not loading.cancelled():
        loading.exception()


@cache
def _model() -> Score:
    """The model, once for a process: it only reads itself, and takes 60 MB and half a second."""
    # With it come numbers in arrays: a fifth of all that a start would load.
    langid = import_module("py3langid.langid")
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    identifier.set_languages(list(KNOWN))
    # The scores of all other languages, which nobody asks for any more, are a third of the model.
    identifier._full_model = None  # noqa: SLF001 (there is no other way to let them go)
    return lambda words: dict(identifier.rank(words))
