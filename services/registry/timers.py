"""What time starts in registry."""

from __future__ import annotations

from services.registry.handlers.imports import steps
from services.registry.handlers.plans import BECOMES_VALID, apply_plan
from shared.timers import TimerHandlers

TIMERS: TimerHandlers = {
    BECOMES_VALID: apply_plan,
    steps.NEXT_STEP: steps.next_step,
    steps.FORGOTTEN: steps.forget,
}
