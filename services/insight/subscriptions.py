"""Insight hears every event of the cases' topic, a batch at a time."""

from __future__ import annotations

from services.insight.handlers.hearing import fold
from services.insight.rules.alarms import ALARM_EVENTS
from services.insight.rules.fieldwork import FIELDWORK_EVENTS
from services.insight.rules.fold import FOLDS
from shared.event import Event
from shared.events.fieldwork import PlaceAdvised
from shared.events.intake import CaseRegistered
from shared.inbox import Subscriptions, Together

SHOWN_NOWHERE: tuple[type[Event], ...] = (PlaceAdvised,)
"""What was advised to somebody is theirs; it is heard so that no number of the story is missing."""
HEARD: tuple[type[Event], ...] = (CaseRegistered, *FOLDS, *ALARM_EVENTS, *FIELDWORK_EVENTS, *SHOWN_NOWHERE)
FOLD = Together(fold)

SUBSCRIPTIONS: Subscriptions = dict.fromkeys(HEARD, FOLD)
