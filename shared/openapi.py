"""What a service says of its routes: FastAPI's description, with who may ask and every refusal a route can answer.

Refusals follow from what a route is: one that asks for a sign-in refuses without it, one with an id does not find
everything, one that acts may come too late. What does not follow stands on the route: `responses=refusing(429)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from shared.idempotency import HEADER
from shared.problems import MEDIA_TYPE
from shared.routes import Rule

REFUSALS = {
    400: "无法读取 / It cannot be read",
    401: "须先登录 / Sign in first",
    403: "没有权限 / Not allowed",
    404: "没有找到 / Not found",
    406: "没有所要的格式 / Not to be had in that format",
    409: "与现状不符 / It does not go with how things stand",
    410: "已经没有了 / Gone",
    412: "已有变化 / Changed meanwhile",
    413: "内容太大 / Too large",
    415: "不支持的文件类型 / Media type not supported",
    422: "内容有误 / Not valid",
    428: "须带 If-Match / Say by If-Match what was read",
    429: "太频繁 / Too often",
    503: "暂时忙 / Busy for a moment",
}
"""Every status a refusal may have, as the description tells it."""

PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `code` is for programs; further members tell more of the one case.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
SIGN_IN = {
    "person": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "POST /api/registry/sign-in gives it",
    },
    "service": {"type": "http", "scheme": "bearer", "description": "the internal token of our own services"},
}
SCHEMES = {"allow": "person", "internal_only": "service"}

EVENTS = "text/event-stream"
EVENT = {
    "type": "object",
    "required": ["data"],
    "properties": {name: {"type": "string"} for name in ("data", "event", "id")},
}
"""One server-sent event; `data` is JSON text."""

ETAG = {
    "ETag": {
        "description": "the version, for If-Match",
        "required": True,
        "schema": {"type": "string"},
    }
}
VERSIONED: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG}}
"""`responses=VERSIONED`: the answer says in `ETag` which version it is of."""


def sending(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a route that answers with a file or a stream. A route that answers with nothing else has
    `response_class=StreamingResponse` as well, or FastAPI describes it as JSON."""
    shapes = {kind: EVENT if kind == EVENTS else {"type": "string"} for kind in media_types}
    return {200: {"content": {kind: {"schema": shape} for kind, shape in shapes.items()}}}


NAMES_NOTHING = {
    *(("query", name) for name in ("cursor", "after", "before", "limit")),
    *(("header", name) for name in (HEADER.lower(), "if-match", "if-none-match", "last-event-id")),
}
"""What a request may bring along without naming a thing that may not be there."""

FORMS = "Body_"
"""FastAPI's name for the fields of a form; those are text too."""

OWN_SCHEMAS = ("HTTPValidationError", "ValidationError")
"""FastAPI's words for a refusal, which nobody answers here."""

TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"


def refusing(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a route: the refusals that do not follow from what it is."""
    return {status: {"description": REFUSALS[status]} for status in statuses}


class Described(FastAPI):
    """An application whose description knows its refusals."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = _with_refusals(self, super().openapi())
        return self.openapi_schema


def _with_refusals(app: FastAPI, document: dict[str, Any]) -> dict[str, Any]:
    told: set[int] = set()
    for route, operation in _operations(app, document):
        rules = [rule for given in route.dependencies if isinstance(rule := given.dependency, Rule)]
        operation["security"] = [{SCHEMES[rule.name]: []} for rule in rules if rule.name in SCHEMES]
        for given in operation.get("parameters", ()):
            given["schema"] = _never_null(given["schema"])
        answers = operation["responses"]
        declared = {int(status) for status in answers if status.isdigit() and int(status) >= 400}
        for status in sorted(declared | set(_refusals(route, operation, rules))):
            answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
            told.add(status)
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    kept = {name: schema for name, schema in schemas.items() if name not in OWN_SCHEMAS}
    for form in (schema["properties"] for name, schema in kept.items() if name.startswith(FORMS)):
        form.update({name: _never_null(given) for name, given in form.items()})
    parts["schemas"] = {**_in_local_time(kept), "Problem": PROBLEM}
    parts["responses"] = {str(status): _refusal(status) for status in sorted(told)}
    parts["securitySchemes"] = SIGN_IN
    return document


def _operations(app: FastAPI, document: dict[str, Any]) -> Iterator[tuple[APIRoute, dict[str, Any]]]:
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                yield route, document["paths"][route.path_format][method.lower()]


def _refusals(route: APIRoute, operation: dict[str, Any], rules: Iterable[Rule]) -> Iterator[int]:
    """What follows from what a route is."""
    given = {(one["in"], one["name"].lower()) for one in operation.get("parameters", ())}
    acts = (route.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
    kinds = {rule.name for rule in rules}
    yield 503
    if kinds & {"allow", "internal_only"}:
        yield 401
    if "allow" in kinds:
        yield 403
    if given - NAMES_NOTHING or "requestBody" in operation:
        yield 404
    if given or "requestBody" in operation:
        yield 422
    if acts:
        yield 409
    if "open_to_everybody" in kinds and ("requestBody" in operation or any(at == "path" for at, _ in given)):
        yield 429  # whoever does not sign in may guess, or send, so often and no more
    if "requestBody" in operation:
        yield from (400, 413)
        if "multipart/form-data" in operation["requestBody"]["content"]:
            yield 415
    if ("header", HEADER.lower()) in given:
        yield 400
    if ("header", "if-match") in given:
        yield 412


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Of a parameter or a form's field: text has no null, what is not given is left out."""
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) != 1:
        return schema | {"anyOf": choices} if choices else schema
    return {**choices[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _in_local_time(schema: Any) -> Any:
    """Times of day stand in a unit's opening hours and in somebody's quiet hours: local, where `format: time` of JSON
    Schema wants a zone."""
    if isinstance(schema, list):
        return [_in_local_time(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "time":
        return {**{name: value for name, value in schema.items() if name != "format"}, "pattern": TIME_OF_DAY}
    return {name: _in_local_time(inner) for name, inner in schema.items()}


def _refusal(status: int) -> dict[str, Any]:
    return {
        "description": REFUSALS[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
