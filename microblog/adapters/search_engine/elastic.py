"""Elasticsearch, by its own client over the HTTP library that we have anyway.

The name ``post`` is an alias: it stands for the index that answers, and moves to a new one at once.
The client talks to nothing that does not say that it is Elasticsearch.
"""

import asyncio
import logging
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from elasticsearch import NotFoundError

from microblog.adapters.search_engine import wording
from microblog.adapters.search_engine.connection import answering, connect
from microblog.adapters.search_engine.promise import EngineDown, EngineResting, Hits
from microblog.adapters.translator.breaker import Breaker
from microblog.domain.search.entries import Entry, Question

log = logging.getLogger(__name__)

ALIAS = "post"
# Only what is called so is ever deleted: others may keep indexes on the same server.
_OURS = re.compile(r"post-\d{20}")

SEARCH_SECONDS = 3.0
_WRITE_SECONDS = 15.0
# One failure is enough: the database answers as well, and nobody waits for the next one.
_REST_SECONDS = 15.0
_LARGEST_ID = 2**31 - 1
_TOO_MANY = 429
_NEWER_THERE = 409
# Entries are made of texts between two turns of the loop.
_AT_ONCE = 20
# Of all texts in one request. The server refuses more than 100 MiB, whatever the posts' length.
_MOST_CHARACTERS = 1_000_000


class Elasticsearch:
    """One server or cluster behind one address."""

    name = "elasticsearch"

    def __init__(
        self, url: str, *, seconds: float = SEARCH_SECONDS, breaker: Breaker | None = None
    ) -> None:
        """Take the address, with user and password where it wants them; nothing is opened yet."""
        self._seconds = seconds
        self._breaker = breaker or Breaker(failures=1, rest=_REST_SECONDS)
        self._client = connect(url, seconds=_WRITE_SECONDS)

    async def find(self, question: Question) -> Hits:
        """See :class:`microblog.adapters.search_engine.SearchEngine`."""
        if question.offset >= wording.WINDOW:
            return Hits()
        attempt = self._breaker.admit()
        if attempt is None:
            raise EngineResting("it is left alone for a moment")
        try:
            async with answering(self._seconds):
                answer = await self._client.search(index=ALIAS, body=wording.search(question))
                hits = _read(answer.body)
        except EngineDown:
            self._breaker.fail(attempt)
            raise
        except BaseException:
            self._breaker.abandon(attempt)
            raise
        self._breaker.succeed(attempt)
        return hits

    async def write(
        self, indexes: Sequence[str], entries: Sequence[Entry], gone: Collection[int], *, as_of: int
    ) -> None:
        """See :class:`microblog.adapters.search_engine.SearchEngine`."""
        for portion in _portions(entries):
            await self._tell(await _kept(indexes, portion, as_of))
        await self._tell(
            [{"delete": _of(index, each, as_of)} for each in gone for index in indexes]
        )

    async def _tell(self, operations: list[dict[str, Any]]) -> None:
        if not operations:
            return
        async with answering(_WRITE_SECONDS):
            answer = await self._client.bulk(operations=operations)
            if answer.body["errors"]:
                for item in answer.body["items"]:
                    _judge(item)

    async def current(self) -> str | None:
        """See :class:`microblog.adapters.search_engine.SearchEngine`."""
        return next(iter(sorted(await self._aliased())), None)

    async def begin(self) -> str:
        """See :class:`microblog.adapters.search_engine.SearchEngine`."""
        index = f"{ALIAS}-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
        async with answering(_WRITE_SECONDS):
            await self._drop_drafts()
            await self._client.indices.create(
                index=index, settings=wording.SETTINGS, mappings=wording.MAPPINGS
            )
        return index

    async def switch(self, index: str) -> None:
        """See :class:`microblog.adapters.search_engine.SearchEngine`."""
        replaced = sorted(await self._aliased() - {index})
        actions: list[dict[str, Any]] = [{"add": {"index": index, "alias": ALIAS}}]
        for name in replaced:
            if _OURS.fullmatch(name):
                actions.append({"remove_index": {"index": name}})
            else:
                actions.append({"remove": {"index": name, "alias": ALIAS}})
        async with answering(_WRITE_SECONDS):
            await self._client.indices.refresh(index=index)
            if not replaced and await self._client.indices.exists(index=ALIAS):
                # An index of that very name, as older services make it, gives way.
                actions.append({"remove_index": {"index": ALIAS}})
            await self._client.indices.update_aliases(actions=actions)

    async def close(self) -> None:
        """See :class:`microblog.adapters.search_engine.SearchEngine`."""
        await self._client.close()

    async def _aliased(self) -> set[str]:
        """The indexes that the alias stands for: one, unless somebody else has been at it."""
        async with answering(_WRITE_SECONDS):
            try:
                return set((await self._client.indices.get_alias(name=ALIAS)).body)
            except NotFoundError:
                return set()

    async def _drop_drafts(self) -> None:
        found = (await self._client.indices.get_alias(index=f"{ALIAS}-*")).body
        for name, index in found.items():
            if _OURS.fullmatch(name) and not index["aliases"]:
                await self._client.indices.delete(index=name, ignore_unavailable=True)


def _portions(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    portion: list[Entry] = []
    characters = 0
    for told in entries:
        characters += len(told.body)
        if portion and characters > _MOST_CHARACTERS:
            yield portion
            portion, characters = [], len(told.body)
        portion.append(told)
    yield portion


def _of(index: str, post_id: int, as_of: int) -> dict[str, Any]:
    # What was looked up earlier and comes later, from somebody who was held up, is not taken.
    version = {"version": as_of, "version_type": "external_gte"}
    return {"_index": index, "_id": str(post_id), **version}


async def _kept(
    indexes: Sequence[str], entries: Sequence[Entry], as_of: int
) -> list[dict[str, Any]]:
    operations: list[dict[str, Any]] = []
    for number, told in enumerate(entries, start=1):
        document = wording.entry(told)
        for index in indexes:
            operations += [{"index": _of(index, told.post_id, as_of)}, document]
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return operations


def _judge(item: dict[str, Any]) -> None:
    """Let pass what was done, and name what never will be. Raises :class:`EngineDown`."""
    ((verb, result),) = item.items()
    status = result["status"]
    if status < 300 or status == _NEWER_THERE or (verb == "delete" and status == 404):
        return
    if status == _TOO_MANY or status >= 500:
        raise EngineDown(f"it took only a part, and answered {status} for the rest")
    log.error("the search engine does not take post %s: %s", result["_id"], result["error"])


def _read(answer: Any) -> Hits:
    found = answer["hits"]
    # What is no id of ours cannot be the id of a post.
    ids = [int(hit["_id"]) for hit in found["hits"] if str(hit["_id"]).isdecimal()]
    total = int(found["total"]["value"])
    return Hits(tuple(i for i in ids if 0 < i <= _LARGEST_ID), min(total, wording.WINDOW))
