"""The description: complete, by the rules of OpenAPI 3.1, and true."""

import json
import re
from collections.abc import Iterator
from typing import Any

from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from quart import Quart

from microblog.web import problems
from microblog.web.access import ANY_TOKEN, Access
from microblog.web.api.samples import Samples
from tests.web.api.programs import Program

# The description itself, for machines and for people.
PAGES = ("api.openapi", "api.docs")


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "$ref":
                yield member
            else:
                yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


async def test_it_is_there_for_everybody(app: Quart) -> None:
    response = await app.test_client().get("/api/openapi.json")
    assert response.status_code == 200
    assert response.content_type == "application/json"
    whole = json.loads(await response.get_data())
    assert whole["openapi"].startswith("3.1.")
    schemes = whole["components"]["securitySchemes"]
    assert {name: (one["type"], one["scheme"]) for name, one in schemes.items()} == {
        "basic": ("http", "basic"),
        "bearer": ("http", "bearer"),
    }
    assert "/api/tokens" in schemes["bearer"]["description"]
    assert whole["externalDocs"]["url"] == "/api/docs"
    for kind in problems.KINDS:
        assert kind.type in whole["info"]["description"]
    for path in ("/openapi.json", "/docs", "/redocs", "/scalar"):
        assert (await app.test_client().get(path)).status_code == 404


async def test_every_operation_is_described(app: Quart, anybody: Program) -> None:
    """And nothing else; what guards a route is what the description says."""
    whole = anybody.described
    operations = {
        (path, method): operation
        for path, methods in whole["paths"].items()
        for method, operation in methods.items()
    }
    built = {}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/") and rule.endpoint not in PAGES:
            path = re.sub(r"<\w+:(\w+)>", r"{\1}", rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                built[path, method.lower()] = app.view_functions[rule.endpoint]
    assert operations.keys() == built.keys()
    identifiers = [operation["operationId"] for operation in operations.values()]
    assert len(identifiers) == len(set(identifiers))
    tags = {tag["name"] for tag in whole["tags"]}
    for key, operation in operations.items():
        guarded = built[key].access is Access.PROGRAMS  # type: ignore[attr-defined]
        needed = getattr(built[key], "token_scope", "").split()
        scopes = [scope for scope in needed if scope != ANY_TOKEN]
        assert (operation.get("security") == [{"bearer": scopes}]) is guarded
        assert ("401" in operation["responses"]) is bool(operation.get("security"))
        assert set(operation["tags"]) <= tags
        assert operation["summary"]
        named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", key[0]))
        for parameter in operation.get("parameters", ()):
            if parameter["schema"]["type"] == "integer":
                assert parameter["schema"]["minimum"] == 1
                most = 100 if parameter["name"] == "limit" else 2**31 - 1
                assert parameter["schema"]["maximum"] == most


async def test_every_reference_leads_somewhere(anybody: Program) -> None:
    found = set(references(anybody.described))
    assert found
    for reference in found:
        place: Any = anybody.described
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    schemas = anybody.described["components"]["schemas"]
    objects = {name for name, schema in schemas.items() if schema["type"] == "object"}
    closed = {name for name in objects if not schemas[name].get("additionalProperties", True)}
    assert objects - closed == {"ChangedUser"}


def examples(schema: dict[str, Any]) -> bool:
    """Whether a member shows what it may be: by itself, or by the object that it refers to."""
    choices = (schema, schema.get("items", {}), *schema.get("anyOf", ()))
    return bool(schema.get("examples")) or any("$ref" in choice for choice in choices)


async def test_every_member_has_an_example(anybody: Program) -> None:
    schemas = anybody.described["components"]["schemas"]
    members = [
        (f"{name}.{member}", told)
        for name, schema in schemas.items()
        for member, told in schema.get("properties", {}).items()
    ]
    assert len(members) > 80
    assert [name for name, told in members if not examples(told)] == []


async def test_every_kind_of_problem_is_somebody_s(anybody: Program) -> None:
    """All but one: an operation is an address with its method."""
    whole = anybody.described
    told: set[str] = set()
    for methods in whole["paths"].values():
        for operation in methods.values():
            statuses = operation["responses"].keys()
            assert {"400", "408", "413", "429", "500", "503"} <= statuses
            told |= {problems.of_status(int(status)).name for status in statuses if status >= "400"}
    assert {kind.name for kind in problems.KINDS} - told == {"method-not-allowed"}


async def test_it_is_one_by_the_rules(app: Quart, anybody: Program) -> None:
    """Of OpenAPI 3.1; every example is one, and every answer can be made up from them."""
    whole = anybody.described
    OpenAPIV31SpecValidator(whole).validate()
    samples = Samples(whole)

    def fits(value: Any, schema: dict[str, Any]) -> None:
        validator = OAS31Validator({**schema, "components": whole["components"]})
        assert not [error.message for error in validator.iter_errors(value)], (value, schema)

    for schema in whole["components"]["schemas"].values():
        fits(samples.of(schema), schema)
        for member in schema.get("properties", {}).values():
            for example in member.get("examples", ()):
                fits(example, member)
    for name, answer in whole["components"]["responses"].items():
        (content,) = answer["content"].values()
        fits(content["example"], content["schema"])
        assert content["example"]["type"] == f"/api/docs#{name}"
    for methods in whole["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                example = parameter.get("example", samples.of(parameter["schema"]))
                fits(example, parameter["schema"])
