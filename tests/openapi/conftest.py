"""A class of tests gets its service served from a thread, and schemathesis' view of its description."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
import schemathesis
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.openapi.serving import Served, serving
from tests.openapi.worlds import Ground, put_up
from tests.stack import TestStack

EXAMPLES_MAX = 10
"""Of an operation, beside those that try the edges of what it describes."""
STREAM_EVENTS_MAX = 2
STATES = ["2xx", "3xx", "401", "403", "404", "409", "410", "412", "428", "429"]
"""How a request may end that is well formed: whether it goes with how things stand is not in the description."""


@pytest.fixture(scope="class")
def served(
    request: pytest.FixtureRequest, stack: TestStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The service that the class names."""
    name: str = request.cls.name
    database = f"test_{name}_{uuid4().hex[:12]}"
    ground = Ground(
        stack.make_database(database, stack.template_for(name)), tmp_path_factory.mktemp(name), name
    )
    try:
        with serving(lambda: put_up(ground)) as given:
            yield given
    finally:
        stack.drop_database(database)


@pytest.fixture(scope="class")
def described(served: Served) -> OpenApiSchema:
    """Deterministic: the same cases in every run."""
    generation = GenerationConfig(
        max_examples=EXAMPLES_MAX, deterministic=True, no_shrink=True, with_security_parameters=False
    )
    project = ProjectConfig(base_url=served.url, max_stream_events=STREAM_EVENTS_MAX, generation=generation)
    config = SchemathesisConfig(seed=1, projects=ProjectsConfig(default=project))
    project.checks.positive_data_acceptance.expected_statuses = STATES
    project.checks.negative_data_rejection.expected_statuses = [
        *STATES[2:],
        "400",
        "405",
        "413",
        "415",
        "422",
    ]
    document = served.world.service.app.openapi()
    return schemathesis.openapi.from_dict(document, config=config)
