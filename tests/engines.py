"""Search engines of the tests: one that speaks Elasticsearch's language over HTTP, one in memory.

The first is faithful as far as this project goes: names and aliases, the bulk format with an answer
per item, the few kinds of questions that are asked of it, refreshing, the product header, the media
types of version 9. What it does not know it refuses, as the real one does.
"""

import base64
import json
import re
import socket
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from microblog.adapters.search_engine import Hits
from microblog.domain.search.analysis import document
from microblog.domain.search.entries import Entry, Question
from microblog.domain.search.query import Phrase

JSON = "application/vnd.elasticsearch+json;compatible-with=9"
NDJSON = "application/vnd.elasticsearch+x-ndjson;compatible-with=9"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


class Refusal(Exception):
    def __init__(self, status: int, kind: str, reason: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.content = {
            "error": {
                "type": kind,
                "reason": reason,
                "root_cause": [{"type": kind, "reason": reason}],
            },
            "status": status,
        }


@dataclass
class Index:
    mappings: dict[str, Any]
    settings: dict[str, Any]
    docs: dict[str, dict[str, Any]] = field(default_factory=dict)
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    """As of the last refresh."""
    versions: dict[str, int] = field(default_factory=dict)
    """Of documents that are gone, too."""


class ElasticServer:
    """The wire is real; what is behind it is as small as it can be."""

    def __init__(self) -> None:
        self.indexes: dict[str, Index] = {}
        self.aliases: dict[str, set[str]] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.changed = threading.Condition()
        # What the test may tell.
        self.product = "Elasticsearch"
        self.status = 200
        self.slowness = 0.0
        self.refreshes_at_once = True
        self.canned: list[object] | None = None
        self.total: int | None = None
        self.not_taken: dict[str, int] = {}
        self.password = ""
        self.port = 0
        self._lock = threading.RLock()
        self._server: ThreadingHTTPServer | None = None
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        login = f"elastic:{self.password}@" if self.password else ""
        return f"http://{login}127.0.0.1:{self.port}"

    @property
    def posts(self) -> dict[int, str]:
        """What the index ``post`` says of each post."""
        with self._lock:
            names = self.aliases.get("post", set())
            return {
                int(number): doc["body"]
                for name in names
                for number, doc in self.indexes[name].docs.items()
            }

    def asked(self, method: str, path: str) -> list[Any]:
        """The bodies of all requests of that kind, the path being the beginning of one."""
        with self._lock:
            return [b for m, p, b in self.requests if m == method and p.startswith(path)]

    def start(self) -> None:
        server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        server.daemon_threads = True
        self._server, self.port = server, server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Away: nobody listens, and whoever was connected is cut off."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        engine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                engine._open.add(self.connection)

            def finish(self) -> None:
                engine._open.discard(self.connection)
                with suppress(OSError):
                    super().finish()

            def handle(self) -> None:
                with suppress(OSError):
                    super().handle()

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, content = engine._answer(self.command, self.path, self.headers, body)
                raw = b"" if content is None else json.dumps(content).encode()
                self.send_response(status)
                if engine.product:
                    self.send_header("X-Elastic-Product", engine.product)
                self.send_header("Content-Type", JSON)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw if self.command != "HEAD" else b"")

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _answer(self, method: str, target: str, headers: Any, raw: bytes) -> tuple[int, Any]:
        parts = urlsplit(target)
        lines = [json.loads(line) for line in raw.splitlines()] if raw else []
        body: Any = lines if parts.path == "/_bulk" else lines[0] if lines else None
        with self._lock:
            self.requests.append((method, parts.path, body))
        time.sleep(self.slowness)
        try:
            self._check(headers, parts.path, raw)
            with self._lock:
                return 200, self._do(method, unquote(parts.path), parse_qs(parts.query), body)
        except Refusal as refusal:
            return refusal.status, refusal.content
        finally:
            with self.changed:
                self.changed.notify_all()

    def _check(self, headers: Any, path: str, raw: bytes) -> None:
        login = base64.b64encode(f"elastic:{self.password}".encode()).decode()
        if self.password and headers["Authorization"] != f"Basic {login}":
            raise Refusal(401, "security_exception", "missing authentication credentials")
        if self.status != 200:
            raise Refusal(self.status, "unavailable_shards_exception", "not now")
        accepted = {headers["Accept"].replace(" ", "")}
        sent = headers["Content-Type"] or ""
        if raw and sent.replace(" ", "") != (NDJSON if path == "/_bulk" else JSON):
            raise Refusal(406, "media_type_header_exception", sent)
        if accepted != {JSON}:
            raise Refusal(400, "media_type_header_exception", headers["Accept"])

    def _do(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        match [method, *path.strip("/").split("/")]:
            case ["POST" | "PUT", "_bulk"]:
                return self._bulk(body)
            case ["POST" | "GET", name, "_search"]:
                return self._search(name, body)
            case ["POST", "_aliases"]:
                return self._alias(body["actions"])
            case ["GET", "_alias", name]:
                if not self.aliases.get(name):
                    raise Refusal(404, "aliases_not_found_exception", name)
                return {i: {"aliases": {name: {}}} for i in self.aliases[name]}
            case ["GET", pattern, "_alias"]:
                return {name: {"aliases": self._aliases_of(name)} for name in self._like(pattern)}
            case ["POST" | "GET", name, "_refresh"]:
                for each in self._resolved(name):
                    each.shown = dict(each.docs)
                return {"_shards": {"failed": 0}}
            case ["PUT", name]:
                self._create(name, body or {})
                return {"acknowledged": True, "shards_acknowledged": True, "index": name}
            case ["HEAD", name]:
                self._resolved(name)
                return None
            case ["DELETE", name]:
                if name not in self.indexes and "ignore_unavailable" not in query:
                    raise Refusal(404, "index_not_found_exception", name)
                self._delete(name)
                return {"acknowledged": True}
            case ["PUT" | "POST", name, "_doc", number]:
                return self._write({"index": {"_index": name, "_id": number}}, body)["index"]
            case ["GET", name, "_doc", number]:
                (index,) = self._resolved(name)
                if number not in index.docs:
                    raise Refusal(404, "not_found", number)
                return {"_id": number, "found": True, "_source": index.docs[number]}
        raise Refusal(400, "illegal_argument_exception", f"no handler for {method} {path}")

    # Indexes and aliases

    def _create(self, name: str, body: dict[str, Any]) -> None:
        if name in self.indexes or name in self.aliases:
            raise Refusal(400, "resource_already_exists_exception", name)
        if not _NAME.fullmatch(name):
            raise Refusal(400, "invalid_index_name_exception", name)
        self.indexes[name] = Index(body.get("mappings", {}), body.get("settings", {}))

    def _delete(self, name: str) -> None:
        self.indexes.pop(name, None)
        for alias in list(self.aliases):
            self.aliases[alias].discard(name)
            if not self.aliases[alias]:
                del self.aliases[alias]

    def _alias(self, actions: list[dict[str, Any]]) -> Any:
        """All of them or none."""
        removed = {a["remove_index"]["index"] for a in actions if "remove_index" in a}
        for action in actions:
            ((verb, told),) = action.items()
            if verb not in ("add", "remove", "remove_index"):
                raise Refusal(400, "parsing_exception", verb)
            if told["index"] not in self.indexes:
                raise Refusal(404, "index_not_found_exception", told["index"])
            if verb == "add" and told["alias"] in self.indexes.keys() - removed:
                raise Refusal(400, "invalid_alias_name_exception", told["alias"])
        for name in removed:
            self._delete(name)
        for action in actions:
            ((verb, told),) = action.items()
            if verb == "add":
                self.aliases.setdefault(told["alias"], set()).add(told["index"])
            elif verb == "remove":
                self.aliases[told["alias"]].discard(told["index"])
        return {"acknowledged": True, "errors": False}

    def _aliases_of(self, name: str) -> dict[str, Any]:
        return {alias: {} for alias, names in self.aliases.items() if name in names}

    def _like(self, pattern: str) -> list[str]:
        return [n for n in self.indexes if re.fullmatch(pattern.replace("*", ".*"), n)]

    def _resolved(self, name: str) -> list[Index]:
        names = self.aliases.get(name) or {name}
        if not names <= self.indexes.keys():
            raise Refusal(404, "index_not_found_exception", f"no such index [{name}]")
        return [self.indexes[each] for each in names]

    # Documents

    def _bulk(self, lines: list[Any]) -> Any:
        items, rest = [], list(lines)
        while rest:
            action = rest.pop(0)
            items.append(self._write(action, rest.pop(0) if "index" in action else None))
        errors = any(next(iter(item.values()))["status"] >= 400 for item in items)
        return {"took": 1, "errors": errors, "items": items}

    def _write(self, action: dict[str, Any], source: Any) -> dict[str, Any]:
        ((verb, told),) = action.items()
        name, number = told["_index"], told["_id"]
        result: dict[str, Any] = {"_index": name, "_id": number}
        if number in self.not_taken:
            status = self.not_taken[number]
            error = {"type": "document_parsing_exception", "reason": "failed to parse"}
            return {verb: result | {"status": status, "error": error}}
        if name not in self.indexes and name not in self.aliases:
            if verb == "delete":
                error = {"type": "index_not_found_exception", "reason": name}
                return {verb: result | {"status": 404, "error": error}}
            self._create(name, {})
        (index,) = self._resolved(name)
        assert told.get("version_type", "external_gte") == "external_gte"
        if index.versions.get(number, 0) > told.get("version", 0):
            error = {"type": "version_conflict_engine_exception", "reason": "current is higher"}
            return {verb: result | {"status": 409, "error": error}}
        index.versions[number] = told.get("version", 0)
        if verb == "delete":
            status = 200 if index.docs.pop(number, None) else 404
        else:
            status = 200 if number in index.docs else 201
            index.docs[number] = source
        if self.refreshes_at_once:
            index.shown = dict(index.docs)
        return {verb: result | {"status": status}}

    # Questions

    def _search(self, name: str, body: dict[str, Any]) -> Any:
        docs = {n: doc for index in self._resolved(name) for n, doc in index.shown.items()}
        start, size = body["from"], body["size"]
        if start < 0 or size < 0 or start + size > 10_000:
            raise Refusal(400, "illegal_argument_exception", "Result window is too large")
        scores = {n: score(doc, body["query"], docs) for n, doc in docs.items()}
        found = [(n, doc, scores[n]) for n, doc in docs.items() if scores[n] is not None]
        found.sort(key=lambda hit: _sort_key(body["sort"], *hit), reverse=True)
        hits: list[dict[str, Any]] = [{"_id": number} for number, _, _ in found]
        if self.canned is not None:
            hits = [{"_id": str(number)} for number in self.canned]
        else:
            hits = hits[start : start + size]
        total = len(found) if self.total is None else self.total
        return {"took": 1, "timed_out": False, "hits": {"total": {"value": total}, "hits": hits}}


def _sort_key(sort: list[dict[str, str]], _number: str, doc: Any, points: Any) -> tuple[Any, ...]:
    assert all(list(key.values()) == ["desc"] for key in sort)
    names = [next(iter(key)) for key in sort]
    return tuple(points if name == "_score" else doc[name] for name in names)


def score(doc: dict[str, Any], query: dict[str, Any], docs: dict[str, Any]) -> float | None:
    """How well a document answers; ``None`` if it does not."""
    ((kind, told),) = query.items()
    match kind:
        case "bool":
            assert told.keys() <= {"must", "must_not", "filter"}
            parts = [score(doc, part, docs) for part in told.get("must", [])]
            kept = [score(doc, part, docs) for part in told.get("filter", [])]
            out = [score(doc, part, docs) for part in told.get("must_not", [])]
            if None in parts or None in kept or any(part is not None for part in out):
                return None
            return sum(part or 0 for part in parts)
        case "multi_match":
            assert told["fields"] == ["terms"]
            return _phrase(doc["terms"].split(), told, docs)
        case "prefix":
            ((name, asked),) = told.items()
            return 1.0 if any(t.startswith(asked["value"]) for t in doc[name].split()) else None
        case "terms":
            ((name, values),) = told.items()
            return 0.0 if doc[name] in values else None
        case "range":
            ((name, span),) = told.items()
            above = "gte" not in span or doc[name] >= span["gte"]
            return 0.0 if above and ("lt" not in span or doc[name] < span["lt"]) else None
    raise Refusal(400, "parsing_exception", f"unknown query [{kind}]")


def _phrase(terms: list[str], told: dict[str, Any], docs: dict[str, Any]) -> float | None:
    asked = told["query"].split()
    last = {asked[-1]}
    if told["type"] == "phrase_prefix":
        known = {
            t for doc in docs.values() for t in doc["terms"].split() if t.startswith(asked[-1])
        }
        last = set(sorted(known)[: told["max_expansions"]])
    else:
        assert told["type"] == "phrase"
    times = sum(
        terms[place : place + len(asked) - 1] == asked[:-1] and term in last
        for place, term in enumerate(terms[len(asked) - 1 :])
    )
    return times / len(terms) if times else None


@contextmanager
def elasticsearch() -> Iterator[ElasticServer]:
    server = ElasticServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


class MemoryEngine:
    """Keeps :class:`microblog.adapters.search_engine.SearchEngine`'s promise, and nothing else."""

    name = "memory"

    def __init__(self) -> None:
        self.indexes: dict[str, dict[int, Entry]] = {}
        self.answering: str | None = None
        self._told: dict[tuple[str, int], int] = {}

    @property
    def posts(self) -> dict[int, str]:
        entries = self.indexes.get(self.answering or "", {})
        return {number: entry.body for number, entry in entries.items()}

    async def find(self, question: Question) -> Hits:
        found = [e for e in self.indexes[self.answering or ""].values() if _answers(e, question)]
        found.sort(key=lambda entry: (entry.created_at, entry.post_id), reverse=True)
        part = found[question.offset : question.offset + question.size]
        return Hits(tuple(entry.post_id for entry in part), len(found))

    async def write(
        self, indexes: Sequence[str], entries: Sequence[Entry], gone: Collection[int], *, as_of: int
    ) -> None:
        found = {entry.post_id: entry for entry in entries}
        for index in indexes:
            for post_id in (*found, *gone):
                if self._told.get((index, post_id), 0) > as_of:
                    continue
                self._told[index, post_id] = as_of
                self.indexes[index].pop(post_id, None)
                if post_id in found:
                    self.indexes[index][post_id] = found[post_id]

    async def current(self) -> str | None:
        return self.answering

    async def begin(self) -> str:
        name = f"index {len(self.indexes)}"
        self.indexes[name] = {}
        return name

    async def switch(self, index: str) -> None:
        self.answering = index

    async def close(self) -> None:
        pass


def _answers(entry: Entry, question: Question) -> bool:
    query, spaced = question.query, f" {document(entry.body).replace(' ', '  ')} "

    def said(phrase: Phrase) -> bool:
        return f" {'  '.join(phrase.terms)}{'' if phrase.is_beginning else ' '}" in spaced

    return (
        all(map(said, query.phrases))
        and not any(map(said, query.excluded))
        and entry.author_id in (question.author_ids or (entry.author_id,))
        and entry.language in (query.languages or (entry.language,))
        and (query.before is None or entry.created_at < query.before)
        and (query.after is None or entry.created_at >= query.after)
    )
