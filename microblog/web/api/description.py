"""The description of the API (OpenAPI 3.1), made from what the operations declare."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter
from quart_schema import HttpSecurityScheme, Info, OpenAPIProvider, Tag
from quart_schema.validation import DataSource
from werkzeug.routing import Rule, UUIDConverter

import microblog
from microblog.domain.paging import LARGEST_ID
from microblog.web import problems
from microblog.web.api import repeating, responses
from microblog.web.api.operations import ANYBODY, BASIC, BEARER, Operation
from microblog.web.api.shapes import Problem

_JSON = "application/json"

_ABOUT = """\
What the pages can do, for programs.

A program opens a token for an hour with name and password, or carries one that a person has made
on the page *Account*; it is sent as `Authorization: Bearer …` and nowhere else. Members of a
request that are not described are refused, and so is a member that is there twice; only
`PUT /api/users/{user_id}` passes over those that it does not know, as it has always done. Errors
are problems (RFC 9457), in English; `type` tells which kind:

"""

INFO = Info(
    title="Microblog",
    version=microblog.__version__,
    description=_ABOUT
    + "\n".join(f"- `{kind.type}` ({kind.status}): {kind.meaning}" for kind in problems.KINDS),
)
TAGS = [
    Tag("tokens", description="Who is asking."),
    Tag("users", description="People, and who reads whom."),
    Tag("following", description="Reading somebody's posts, or no longer."),
    Tag("posts", description="What people write."),
    Tag("search", description="Posts by their words."),
    Tag("messages", description="Private messages."),
    Tag("notifications", description="What a person is told."),
    Tag("translation", description="Posts in other languages."),
    Tag("exports", description="All that a person has here, as a file."),
]
SECURITY_SCHEMES = {
    BASIC: HttpSecurityScheme(scheme="basic"),
    BEARER: HttpSecurityScheme(scheme="bearer"),
}
_HOW = {
    BASIC: "Name or e-mail address of an account, and its password. Only to open a token.",
    BEARER: (
        "A token that `POST /api/tokens` has opened with a password, which permits everything for"
        " an hour, or one that a person has made on the page *Account*, which permits what was"
        " chosen: `read`, `write`, `messages`. What an operation needs is listed beside it."
    ),
}


class Description(OpenAPIProvider):
    """Tells what an :class:`Operation` declares; what is no operation is not described."""

    def schema(self) -> dict[str, Any]:
        """The whole description."""
        whole = super().schema()
        whole["paths"] = dict(whole["paths"])
        definitions, _ = _referable(Problem, "serialization")
        components = whole["components"]
        components["schemas"] |= definitions
        components |= responses.components()
        for name, text in _HOW.items():
            components["securitySchemes"][name]["description"] = text
        # Wherever the description was fetched from.
        whole["servers"] = [{"url": "/"}]
        whole["externalDocs"] = {"url": problems.DOCUMENTATION, "description": "To be read."}
        return whole

    def generate_rules(self) -> Iterable[Rule]:
        """The rules of operations, by path."""
        described = (rule for rule in super().generate_rules() if self._find_operation(rule))
        return sorted(described, key=lambda rule: (rule.rule, sorted(rule.methods or ())))

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        """One rule: what its types say, and what its operation declares besides."""
        paths, components = super().build_paths(rule)
        operation = self._find_operation(rule)
        if operation is None:
            return paths, components
        for methods in paths.values():
            for method, told in methods.items():
                _complete(told, operation, method)
                told["operationId"] = rule.endpoint.rpartition(".")[2]
                if not told["parameters"]:
                    del told["parameters"]
                if not told["description"]:
                    del told["description"]
        return paths, components

    def build_querystring_parameters(self, model: Any) -> tuple[list[Any], dict[str, Any]]:
        """What must be there is said to be."""
        told, definitions = super().build_querystring_parameters(model)
        needed = model.model_json_schema().get("required", ())
        for parameter in told:
            if parameter["name"] in needed:
                parameter["required"] = True
        return told, definitions

    def build_path_parameter(self, name: str, converter: Any) -> dict[str, Any]:
        """An id has a range."""
        told = super().build_path_parameter(name, converter)
        if isinstance(converter, UUIDConverter):
            told["schema"] = {"type": "string", "format": "uuid"}
            told["example"] = "0b54f2c6-6d8e-4b6e-9a35-9c5d1f0d7a11"
        elif name.endswith("_id"):
            told["schema"] = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
            told["example"] = 42
        return told

    def build_request_body(
        self,
        model: Any,
        source: DataSource,  # noqa: ARG002 (all bodies are JSON)
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A body is not left out, unless the operation says so."""
        definitions, reference = _referable(model, "validation")
        body = {"required": True, "content": {_JSON: {"schema": reference}}}
        return body, definitions

    def build_response_object(
        self,
        model: Any,
        headers_model: Any,  # noqa: ARG002 (told by name)
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """An answer by the name of its shape."""
        definitions, reference = _referable(model, "serialization")
        text = (model.__doc__ or "").partition("\n")[0]
        return {"description": text, "content": {_JSON: {"schema": reference}}}, definitions

    def _find_operation(self, rule: Rule) -> Operation | None:
        view = self._app.view_functions[rule.endpoint]
        return getattr(view, "operation", None)


def _complete(told: dict[str, Any], operation: Operation, method: str) -> None:
    answers = responses.successes(told["responses"], operation, method)
    for status in operation.refuses:
        answers[str(status)] = responses.refusal(status, operation.headers.get(status, ()))
    told["responses"] = dict(sorted(answers.items()))
    told["tags"] = [operation.group]
    if operation.is_repeatable:
        told["parameters"] = [*told["parameters"], repeating.PARAMETER]
    if operation.is_body_optional:
        told["requestBody"]["required"] = False
    if operation.is_deprecated:
        told["deprecated"] = True
    if operation.security != ANYBODY:
        told["security"] = [{operation.security: (operation.scope or "").split()}]
    if operation.scope is not None:
        needed = " and ".join(f"`{scope}`" for scope in operation.scope.split())
        scope = f"The token must permit {needed}."
        told["description"] = f"{told.get('description', '')}\n\n{scope}".strip()
    told["description"] = told.get("description", "").strip()


def _referable(model: type[BaseModel], mode: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The definitions of a shape and of all in it, and how to refer to it."""
    schema = TypeAdapter(model).json_schema(ref_template="#/components/schemas/{model}", mode=mode)
    definitions = schema.pop("$defs", {})
    definitions[model.__name__] = schema
    return definitions, {"$ref": f"#/components/schemas/{model.__name__}"}
