"""Every route of every service, tried with what its description allows and forbids: nothing breaks, and every answer
is one that was described. First the edges of each value, then random cases, the same in every run."""

from __future__ import annotations

from typing import Any

import pytest
from schemathesis import Case
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.openapi.checks import CHECKS, INSTEAD_OF
from tests.openapi.serving import Served, operations_of

ANSWERS_WITHIN_SECONDS = 30


class EveryRoute:
    """A class for each service, so that workers share them out. The cases are built by the function schemathesis' own
    decorators call: they themselves set a name on pytest's nodes that pytest 9.2 has not."""

    def test_answers_as_described(
        self, described: OpenApiSchema, served: Served, subtests: pytest.Subtests
    ) -> None:
        def answers(case: Case[Any]) -> None:
            served.point(case)
            headers = served.headers(case)
            answer = case.call(session=served.session, headers=headers, timeout=ANSWERS_WITHIN_SECONDS)
            case.validate_response(
                answer,
                additional_checks=CHECKS,
                excluded_checks=INSTEAD_OF,
                headers=headers,
                transport_kwargs={"session": served.session, "headers": headers},
            )

        for operation in operations_of(described):
            with subtests.test(operation.label):
                build_operation_test(
                    config=described.config,
                    operation=operation,
                    test_func=answers,
                    given_kwargs={},
                    feedback=FeedbackSources(),
                )()


class TestRegistry(EveryRoute):
    name = "registry"


class TestIntake(EveryRoute):
    name = "intake"


class TestDispatch(EveryRoute):
    name = "dispatch"


class TestEscalation(EveryRoute):
    name = "escalation"


class TestNotify(EveryRoute):
    name = "notify"


class TestInsight(EveryRoute):
    name = "insight"
