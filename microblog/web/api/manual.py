"""The manual: the description of the API as people read it, in the order of a page."""

import json
import shlex
from collections.abc import Iterator

from microblog.web.api.chapters import Answer, Entry, Group, Manual, Member, Shape
from microblog.web.api.samples import Samples, Schema, type_of

_TOKEN = "$MICROBLOG_TOKEN"  # noqa: S105 (a variable of a shell)
_WHERE = {"path": "in the path", "query": "in the query", "header": "as a header"}


class Writer:
    """Writes the manual of one description, for the service at ``address``."""

    def __init__(self, described: Schema, address: str) -> None:
        """Take the description as it is served."""
        self._described = described
        self._samples = Samples(described)
        self._address = address.rstrip("/")

    def write(self) -> Manual:
        """The whole manual."""
        entries = list(self._entries())
        groups = [
            Group(
                tag["name"],
                tag.get("description", ""),
                [entry for group, entry in entries if group == tag["name"]],
            )
            for tag in self._described["tags"]
        ]
        schemas = self._described["components"]["schemas"]
        shapes = [self._shape(name, schema) for name, schema in sorted(schemas.items())]
        version = self._described["info"]["version"]
        return Manual(version, [group for group in groups if group.entries], shapes)

    def _entries(self) -> Iterator[tuple[str, Entry]]:
        for path, methods in self._described["paths"].items():
            for method, told in sorted(methods.items(), key=_by_method):
                yield told["tags"][0], self._entry(method.upper(), path, told)

    def _entry(self, method: str, path: str, told: Schema) -> Entry:
        content = told.get("requestBody", {}).get("content", {})
        body = next((part["schema"] for part in content.values()), None)
        return Entry(
            name=told["operationId"],
            method=method,
            path=path,
            summary=told["summary"].rstrip("."),
            text=_paragraphs(told.get("description", "")),
            security="".join(name for one in told.get("security", ()) for name in one),
            parameters=[self._parameter(one) for one in told.get("parameters", ())],
            body=self._shape(type_of(body), self._samples.resolved(body)) if body else None,
            request=self._request(method, path, told, body),
            answer=self._answer(told["responses"]),
            answers=[self._told(*answer) for answer in told["responses"].items()],
            is_deprecated=told.get("deprecated", False),
        )

    def _parameter(self, told: Schema) -> Member:
        text = told.get("description") or told["schema"].get("description", "")
        needed = told.get("required", False)
        return self._member(
            told["name"], {**told["schema"], "description": text}, needed, _WHERE[told["in"]]
        )

    def _shape(self, name: str, schema: Schema) -> Shape:
        needed = schema.get("required", ())
        members = schema.get("properties", {})
        text = " ".join(_paragraphs(schema.get("description", "")))
        return Shape(
            name,
            text,
            [self._member(one, member, one in needed) for one, member in members.items()],
        )

    def _member(self, name: str, schema: Schema, needed: bool, where: str = "") -> Member:
        text = " ".join(_paragraphs(schema.get("description", "")))
        return Member(name, type_of(schema), text, needed, where, _reference(schema))

    def _told(self, status: str, answer: Schema) -> Answer:
        whole = self._samples.resolved(answer)
        content: Schema = next(iter(whole.get("content", {}).values()), {})
        kind = content.get("example", {}).get("type", "").partition("#")[2]
        return Answer(
            status,
            whole["description"],
            sorted(name for name in whole.get("headers", ()) if not name.startswith("RateLimit")),
            kind,
            "" if status >= "400" else _reference(content.get("schema", {})),
        )

    def _answer(self, answers: dict[str, Schema]) -> str:
        """The first success as it looks."""
        first = next(iter(answers.values()))
        content = next(iter(first.get("content", {}).items()), None)
        if content is None or "schema" not in content[1]:
            return ""
        return json.dumps(self._samples.of(content[1]["schema"]), ensure_ascii=False, indent=2)

    def _request(self, method: str, path: str, told: Schema, body: Schema | None) -> str:
        """A line for a shell."""
        query = []
        for one in told.get("parameters", ()):
            value = one.get("example", self._samples.of(one["schema"]))
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", str(value))
            elif one["in"] == "query" and one.get("required"):
                query.append(f"{one['name']}={value}")
        address = self._address + path + ("?" + "&".join(query) if query else "")
        words = ["curl"] + ([] if method == "GET" else ["-X", method])
        words += _identity(told)
        if body is not None:
            sent = json.dumps(self._samples.of(body), ensure_ascii=False)
            words += ["-H", shlex.quote("Content-Type: application/json"), "-d", shlex.quote(sent)]
        return " ".join([*words, shlex.quote(address)])


def _by_method(item: tuple[str, Schema]) -> int:
    return ("get", "post", "put", "delete").index(item[0])


def _identity(told: Schema) -> list[str]:
    schemes = [name for one in told.get("security", ()) for name in one]
    if "basic" in schemes:
        return ["-u", "susan"]
    return ["-H", f'"Authorization: Bearer {_TOKEN}"'] if "bearer" in schemes else []


def _reference(schema: Schema) -> str:
    """The name of the shape that a schema is, or is a list or a choice of."""
    for one in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
        if "$ref" in one:
            return str(one["$ref"]).rpartition("/")[2]
    return ""


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
