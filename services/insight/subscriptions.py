"""Insight hears every event of a case, a batch at a time."""

from __future__ import annotations

from services.insight import handlers
from services.insight.rules.fold import FOLDS
from shared.events import CaseRegistered
from shared.inbox import Subscriptions, Together

FOLD = Together(handlers.fold)

SUBSCRIPTIONS: Subscriptions = {event_type: FOLD for event_type in (CaseRegistered, *FOLDS)}
