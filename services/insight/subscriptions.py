"""Insight hears every event of a case."""

from __future__ import annotations

from services.insight import handlers
from services.insight.rules.fold import FOLDS
from shared.events import CaseRegistered
from shared.inbox import Subscriptions

SUBSCRIPTIONS: Subscriptions = dict.fromkeys((CaseRegistered, *FOLDS), handlers.fold_one)
