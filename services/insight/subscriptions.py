"""Insight hears every event of a case, a batch at a time."""

from __future__ import annotations

from services.insight import handlers
from services.insight.rules.fold import FOLDS
from shared.event import CaseEvent
from shared.events.intake import CaseRegistered
from shared.inbox import Subscriptions, Together

HEARD: tuple[type[CaseEvent], ...] = (CaseRegistered, *FOLDS)
FOLD = Together(handlers.fold)

SUBSCRIPTIONS: Subscriptions = dict.fromkeys(HEARD, FOLD)
