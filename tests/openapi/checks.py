"""What is asked of every answer beside schemathesis' own checks, and where two of those ask for too much."""

from __future__ import annotations

import re
from typing import Any

from schemathesis import Case
from schemathesis.checks import CheckContext, CheckFunction
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    positive_data_acceptance,
    unsupported_method,
)

from shared.problems import MEDIA_TYPE

BY_A_RULE = {"value_error"}
"""A fault found by a rule over several fields, which no schema can tell."""


class NoProblem(Failure):
    """A refusal that is no problem document in Chinese and English."""


def refusal_is_a_problem(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Every refusal, of methods too, is RFC 9457 and speaks both languages to who names none."""
    if response.status_code < 400:
        return None
    [kind] = response.headers["content-type"]
    told: dict[str, Any] = response.json() if kind == MEDIA_TYPE else {}
    asks = "accept-language" in {name.lower() for name in response.request.headers}
    in_both = asks or " / " in told.get("title", "")
    if told.get("status") != response.status_code or not in_both:
        raise NoProblem(
            operation=case.operation.label, title="A refusal that is no problem", message=response.text[:500]
        )
    return None


def takes_what_it_describes(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """What fits the description is refused by a rule at most, never by the shapes the description is made of."""
    if not by_a_rule(response):
        positive_data_acceptance(ctx, response, case)
    return None


def by_a_rule(response: Response) -> bool:
    if response.status_code == 415:
        return True  # a file is known by its content, which a description calls binary and no more
    if response.status_code != 422:
        return False
    told = response.json()
    return told["code"] != "invalid" or all(
        fault["code"] in BY_A_RULE or of_time(fault) for fault in told["errors"]
    )


def of_time(fault: dict[str, str]) -> bool:
    """JSON Schema knows no earliest and no latest time."""
    return fault["code"] in ("greater_than_equal", "less_than_equal") and "T00:00:00Z" in fault["detail"]


def refuses_other_methods(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """405, except where `/cases/by-phone` is also `/cases/{case_id}` for GET: that answers, and Allow names it."""
    if not fits_another_path(response, case):
        unsupported_method(ctx, response, case)
        allow_header_conformance(ctx, response, case)
    return None


def fits_another_path(response: Response, case: Case[Any]) -> bool:
    path = case.operation.path
    others = set(case.operation.schema.raw_schema["paths"]) - {path}
    return any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", other), path) for other in others)


INSTEAD_OF: list[CheckFunction] = [positive_data_acceptance, unsupported_method, allow_header_conformance]
CHECKS: list[CheckFunction] = [refusal_is_a_problem, takes_what_it_describes, refuses_other_methods]
