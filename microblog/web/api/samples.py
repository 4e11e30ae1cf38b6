"""Examples: a value that a schema of the description allows, made of the examples in it."""

from typing import Any

from microblog.domain.paging import LARGEST_ID

Schema = dict[str, Any]

# Where a schema gives no example.
_BY_FORMAT = {
    "date-time": "2026-11-21T12:00:00.000Z",
    "uuid": "b7f1a7f4-3f0b-4c80-bf5e-0d9a64f3a1a5",
    "email": "susan@example.com",
}
_DEEPEST = 8


class Samples:
    """Makes examples for the schemas of one description."""

    def __init__(self, described: Schema) -> None:
        """Take the whole description, into which references lead."""
        self._described = described

    def resolved(self, schema: Schema) -> Schema:
        """What a schema refers to, or the schema itself."""
        while reference := schema.get("$ref"):
            found: Any = self._described
            for step in reference.removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema

    def of(self, schema: Schema, depth: int = 0) -> Any:
        """A value as the schema allows it, with every member that it knows."""
        schema = self.resolved(schema)
        for name in ("example", "const", "default"):
            if name in schema:
                return schema[name]
        for name in ("examples", "enum"):
            if schema.get(name):
                return schema[name][0]
        for name in ("anyOf", "oneOf", "allOf"):
            if schema.get(name):
                return self.of(schema[name][0], depth)
        return self._made(schema, depth)

    def _made(self, schema: Schema, depth: int) -> Any:
        kind = schema.get("type")
        if kind == "object":
            members = schema.get("properties", {}) if depth < _DEEPEST else {}
            return {name: self.of(member, depth + 1) for name, member in members.items()}
        if kind == "array":
            items = schema.get("items")
            return [self.of(items, depth + 1)] if items and depth < _DEEPEST else []
        if kind in ("integer", "number"):
            return schema.get("minimum", 1)
        plain = {"boolean": True, "null": None}
        return plain.get(str(kind), _BY_FORMAT.get(schema.get("format", ""), "…"))


def type_of(schema: Schema) -> str:
    """What a value may be, in a few words; what is referred to is told by its name."""
    if reference := schema.get("$ref"):
        return str(reference).rpartition("/")[2]
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(type_of(choice) for choice in choices)
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return " ".join(filter(None, (schema.get("format") or kind, _bounds(schema))))


def _bounds(schema: Schema) -> str:
    if "const" in schema:
        return f"({schema['const']})"
    if "enum" in schema:
        return "" if len(schema["enum"]) > 6 else f"({', '.join(map(str, schema['enum']))})"
    for low, high, unit in (("minimum", "maximum", ""), ("minLength", "maxLength", " characters")):
        least, most = schema.get(low), schema.get(high)
        if most is not None and most < LARGEST_ID:
            return f"({least or 0} to {most}{unit})" if least else f"(up to {most}{unit})"
        if least is not None:
            return f"({least}{unit} or more)"
    return ""
