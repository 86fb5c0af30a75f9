"""The clock may jump only when nothing is in flight, and what lies unread in the topic is in flight."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.demo.settle import Settling

Answer = tuple[list[dict[str, Any]], int, int]
END = 40


def asked(
    heard: int | None = END, *, idle: bool = True, told: int = 7, moves: int = 3, end: int = END
) -> Answer:
    """What one round of questions brings: registry listens to nothing, dispatch has passed `heard` records."""
    states = [
        {"heard": None, "idle": True, "moves": 1, "next_due_at": None, "dead_letters": 0},
        {"heard": heard, "idle": idle, "moves": moves, "next_due_at": None, "dead_letters": 0},
    ]
    return states, told, end


class Scripted(Settling):
    """Is answered what the script says, round by round."""

    def __init__(self, *script: Answer | None) -> None:
        self._readers = cast("Any", SimpleNamespace(heard=7))
        self.script: Iterator[Answer | None] = iter(script)

    async def _ask(self) -> Answer | None:
        return next(self.script)


@pytest.mark.parametrize(
    "unrest",
    [
        pytest.param(asked(END - 1), id="a record of the topic is not read yet"),
        pytest.param(asked(end=END + 1), id="one was written meanwhile"),
        pytest.param(asked(idle=False), id="a service is at work"),
        pytest.param(asked(told=6), id="somebody's feed has not brought everything"),
        pytest.param(None, id="a service is away"),
    ],
)
async def test_while_anything_is_in_flight_the_clock_stands(unrest: Answer | None) -> None:
    settling = Scripted(asked(), unrest, asked(), asked())

    await settling.rest()

    assert list(settling.script) == [], "two quiet rounds in a row are asked for"


async def test_something_that_moved_between_two_quiet_rounds_is_waited_for() -> None:
    settling = Scripted(asked(moves=3), asked(moves=4), asked(moves=4))

    await settling.rest()

    assert list(settling.script) == []
