"""Chance in the city: the same question has the same answer, alone or in an array, whatever else is asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.city.draws import Draw, Draws, Stream

keys = st.lists(st.integers(0, 10_000), min_size=1, max_size=3)


@given(st.integers(0, 10_000), st.sampled_from(Draw), keys)
def test_a_draw_alone_is_the_same_as_in_an_array(seed: int, what: Draw, about: list[int]) -> None:
    draws = Draws.of(seed)

    alone, among = draws.uniform(what, *about), draws.uniforms(what, *(np.array([key, 7]) for key in about))

    assert alone == among[0]
    assert 0.0 < alone < 1.0


def test_draws_are_what_they_were() -> None:
    """Whoever drives the real services with these draws must meet the same city: the hash never changes."""
    draws = Draws.of(100)

    assert draws.uniform(Draw.WAY, 3, 5) == 0.7478223896634102
    assert draws.uniform(Draw.ACCEPTS, 3, 5, 0) == 0.14359101377039224


def test_a_grid_of_draws_is_even_and_unrelated() -> None:
    draws = Draws.of(1).uniforms(Draw.WAY, np.arange(400)[:, None], np.arange(200)[None, :])

    assert draws.mean() == pytest.approx(0.5, abs=0.005)
    assert draws.var() == pytest.approx(1 / 12, abs=0.001)
    for along in (
        np.corrcoef(draws[1:].ravel(), draws[:-1].ravel()),
        np.corrcoef(draws[:, 1:].ravel(), draws[:, :-1].ravel()),
    ):
        assert abs(along[0, 1]) < 0.015


@pytest.mark.parametrize("stream", Stream)
def test_one_stream_can_be_drawn_anew_and_nothing_else_moves(stream: Stream) -> None:
    draws, other = Draws.of(1), Draws.of(1).changed(stream, 2)

    moved = {what for what in Draw if draws.uniform(what, 1, 2, 3) != other.uniform(what, 1, 2, 3)}

    assert moved == {what for what in Draw if what // 100 == stream}


def test_keys_in_another_order_are_about_something_else() -> None:
    draws = Draws.of(1)

    assert draws.uniform(Draw.WAY, 1, 2) != draws.uniform(Draw.WAY, 2, 1)
    assert draws.uniform(Draw.WAY, 1) != draws.uniform(Draw.WAY, 1, 0)
