"""Refusals as RFC 9457 problem details, in Chinese and English.

A text is written once as `中文 / English`; the reader's Accept-Language picks one side, and who states no language
gets both. Every refusal says what to do next where something can be done.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from asyncpg import (
    CharacterNotInRepertoireError,
    InterfaceError,
    NumericValueOutOfRangeError,
    UntranslatableCharacterError,
)
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.ids import uuid7
from shared.retry import is_transient

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:yike:problem:"
BUSY_RETRY_SECONDS = 1


class Problem(Exception):
    """Raise it to refuse. `code` is stable and for programs; `title` and `detail` are `中文 / English`.

    `extra` becomes members of the document, e.g. `holder="…"`; `headers` go with the answer."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        *,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{status} {code}: {title}")
        self.status, self.code, self.title, self.detail = status, code, title, detail
        self.headers, self.extra = dict(headers or {}), extra


def not_found(what: str = "没有找到 / Not found") -> Problem:
    return Problem(404, "not-found", what)


def busy() -> Problem:
    return Problem(
        503,
        "busy",
        "系统暂时忙 / Busy for a moment",
        detail="请用同一个 Idempotency-Key 重试 / Repeat it with the same Idempotency-Key",
        headers={"Retry-After": str(BUSY_RETRY_SECONDS)},
    )


def document(problem: Problem, accept_language: str | None, instance: str | None = None) -> dict[str, Any]:
    """The problem as RFC 9457 writes it."""
    told: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.code,
        "title": in_language(problem.title, accept_language),
        "status": problem.status,
        "code": problem.code,
    }
    if problem.detail:
        told["detail"] = in_language(problem.detail, accept_language)
    if instance:
        told["instance"] = instance
    return {**told, **problem.extra}


def render(problem: Problem, accept_language: str | None, instance: str | None = None) -> Response:
    """The answer that carries a problem."""
    body = orjson.dumps(document(problem, accept_language, instance), default=str)
    headers = {"Vary": "Accept-Language", "Cache-Control": "no-store", **problem.headers}
    return Response(body, problem.status, headers=headers, media_type=MEDIA_TYPE)


def in_language(text: str, accept_language: str | None) -> str:
    """One side of `中文 / English`, or both for a reader who states no language."""
    chinese, slash, english = text.partition(" / ")
    if not slash or not accept_language:
        return text
    return english if _prefers_english(accept_language) else chinese


def _prefers_english(accept_language: str) -> bool:
    weights = {"zh": 0.0, "en": 0.0}
    for part in accept_language.lower().split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.split("-")[0]
        if language in weights:
            weights[language] = max(weights[language], _weight(parameter))
    return weights["en"] > weights["zh"]


def _weight(parameter: str) -> float:
    try:
        return float(parameter.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0.0


# ── what becomes a problem ────────────────────────────────────────────────────────────────────────────────────────

WORDS = {
    "missing": "必填 / is required",
    "json_invalid": "不是有效的 JSON / is not valid JSON",
    "enum": "不在可选值之内 / is none of the values allowed",
    "literal_error": "不在可选值之内 / is none of the values allowed",
    "string_too_short": "太短 / is too short",
    "string_too_long": "太长 / is too long",
    "extra_forbidden": "不认识的字段 / is not known here",
    "uuid_parsing": "不是有效的编号 / is not an id",
    "uuid_type": "不是有效的编号 / is not an id",
    "datetime_parsing": "不是有效的时间 / is not a time",
    "datetime_type": "不是有效的时间 / is not a time",
    "string_type": "须为文字 / needs to be text",
    "int_type": "须为整数 / needs to be a whole number",
    "float_type": "须为数字 / needs to be a number",
    "bool_type": "须为是或否 / needs to be true or false",
    "timezone_aware": "时间须带时区 / needs a time zone",
}
"""What people read for the commonest faults; the others keep pydantic's English words."""

PLAIN = {
    400: ("unreadable", "无法读取所提交的内容 / What was sent cannot be read"),
    401: ("unauthenticated", "请先登录 / Sign in first"),
    403: ("forbidden", "没有权限 / Not allowed"),
    404: ("not-found", "没有找到 / Not found"),
    405: ("method-not-allowed", "不支持的方法 / Method not allowed"),
    413: ("too-large", "内容太大 / Too large"),
    415: ("unsupported-media-type", "不支持的文件类型 / Media type not supported"),
}


def add_to(app: FastAPI) -> None:
    """Make `app` answer every refusal with a problem document."""
    app.add_exception_handler(Problem, _answer)
    app.add_exception_handler(RequestValidationError, _answer)
    app.add_exception_handler(HTTPException, _answer)


async def _answer(request: Request, wrong: Exception) -> Response:
    if isinstance(wrong, HTTPException) and wrong.status_code == 405:
        wrong.headers = {**(wrong.headers or {}), "Allow": ", ".join(_methods(request))}
    return answer_to(wrong, request.headers.get("accept-language"), request.url.path)


def _methods(request: Request) -> list[str]:
    """What may be done at this address: Starlette names the methods of the first route that fits, and no others."""
    fitting = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in fitting for method in getattr(route, "methods", None) or ()})


def answer_to(wrong: Exception, accept_language: str | None, path: str) -> Response:
    """Any exception as an answer."""
    return render(problem_of(wrong), accept_language, path)


def problem_of(wrong: Exception) -> Problem:
    """Any exception as a problem. The unforeseen gets a reference that is in the log beside the traceback."""
    problem = as_problem(wrong)
    if problem is not None:
        return problem
    reference = str(uuid7())
    log.error("unforeseen error, reference %s", reference, exc_info=wrong)
    return Problem(
        500,
        "unforeseen",
        "系统出错了 / Something went wrong",
        detail="什么都没有改变；请把 reference 告诉管理员 / Nothing was changed; tell an administrator",
        reference=reference,
    )


def as_problem(wrong: Exception) -> Problem | None:
    """What is foreseen; None for the rest."""
    match wrong:
        case Problem():
            return wrong
        case RequestValidationError():
            return _invalid(wrong.errors())
        case HTTPException():
            code, title = PLAIN.get(wrong.status_code, (f"http-{wrong.status_code}", str(wrong.detail)))
            return Problem(wrong.status_code, code, title, headers=wrong.headers)
        case CharacterNotInRepertoireError() | UntranslatableCharacterError():
            return not_storable()
        case InterfaceError() | NumericValueOutOfRangeError() if "out of range" in str(wrong):
            log.warning("refused: %s", wrong)
            return out_of_range()
        case Exception() if is_transient(wrong):
            log.warning("refused as busy: %s: %s", type(wrong).__name__, wrong)
            return busy()
    return None


def not_storable() -> Problem:
    """PostgreSQL's text holds every character but NUL."""
    return Problem(
        422,
        "character-not-storable",
        "内容含有无法保存的字符 / A character in it cannot be stored",
        detail="请删去不可见字符后重新提交 / Remove invisible characters and send it again",
    )


def out_of_range() -> Problem:
    """A whole number may have any length in JSON, and no column of ours holds all of them."""
    return Problem(
        422,
        "out-of-range",
        "数字或时间超出范围 / A number or a time is out of range",
        detail="请检查所填数字和时间后重新提交 / Check the numbers and times, and send it again",
    )


def _invalid(faults: Sequence[Any]) -> Problem:
    title = "提交的内容有误 / What was sent is not valid"
    return Problem(422, "invalid", title, errors=[_fault(fault) for fault in faults])


def _fault(fault: Mapping[str, Any]) -> dict[str, str]:
    """Where and what, never the value: it may be somebody's phone number."""
    place, *rest = (str(step) for step in fault["loc"])
    where = (
        {"pointer": "#/" + "/".join(map(_escaped, rest))}
        if place == "body"
        else {"parameter": "/".join(rest)}
    )
    return {"in": place, **where, "detail": WORDS.get(fault["type"], fault["msg"]), "code": fault["type"]}


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
