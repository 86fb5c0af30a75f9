"""A read side that does not agree with the topic is a fault of the books, with what its program said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy.demo import read_side
from deploy.local.stack import Stack


class OfInsight(Stack):
    """Nothing runs; only the environment is asked for."""

    def environment_of(self, service: str) -> dict[str, str]:
        assert service == "insight"
        return {"PYTHONPATH": str(self.folder)}


@pytest.fixture
def stack(tmp_path: Path) -> OfInsight:
    (tmp_path / "agrees.py").write_text("print('the same')")
    (tmp_path / "differs.py").write_text("print('cases differs for 1 cases'); raise SystemExit(1)")
    (tmp_path / "hangs.py").write_text("import threading; threading.Event().wait()")
    return OfInsight(tmp_path)


async def test_only_what_does_not_agree_is_a_fault(stack: OfInsight) -> None:
    faults = await read_side.check_read_side(stack, {"agrees": "counted again", "differs": "folded again"})
    assert faults == ["the read side folded again is not what stands: cases differs for 1 cases"]


async def test_a_program_that_does_not_end_is_a_fault(
    stack: OfInsight, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_side, "SECONDS_MAX", 0.5)
    [fault] = await read_side.check_read_side(stack, {"hangs": "folded again"})
    assert "not ended" in fault
    assert sys.executable not in fault
