"""What notify listens to: everything somebody must know, and what keeps its replica of a case true."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from services.notify.handlers import alarms, fieldwork, heard
from services.notify.handlers.office import Office
from shared.database import Transaction
from shared.event import Event
from shared.events import dispatch, escalation, intake
from shared.events.fieldwork import MassTaskClosed, MassTaskOpened, MassTaskSplit, PlaceAdvised
from shared.inbox import Subscriptions

Handler = Callable[[Office, Transaction, Any, datetime], Awaitable[None]]

SUBSCRIPTIONS: Mapping[type[Event], Handler] = {
    intake.CaseRegistered: heard.take_up_case,
    intake.RequesterErased: heard.erase_requester,
    dispatch.AlarmRaised: alarms.raise_alarm,
    dispatch.AlarmAnswered: alarms.follow_alarm,
    dispatch.AlarmEnded: alarms.follow_alarm,
    **dict.fromkeys((MassTaskOpened, MassTaskSplit, MassTaskClosed), fieldwork.tell_of_task),
    PlaceAdvised: fieldwork.tell_advice,
    **dict.fromkeys(
        (
            intake.CaseAmended,
            intake.CaseUrged,
            intake.CaseMerged,
            intake.CaseUnmerged,
            intake.CaseAnswered,
            intake.CaseNotAccepted,
            intake.CaseWithdrawn,
            intake.InformationAsked,
            intake.InformationGiven,
            intake.AppointmentAgreed,
            intake.AttachmentAdded,
            intake.FollowUpOpened,
            intake.CaseReopened,
            intake.CaseClosed,
            dispatch.CaseOffered,
            dispatch.OfferDeclined,
            dispatch.OfferLapsed,
            dispatch.OfferWithdrawn,
            dispatch.CaseAccepted,
            dispatch.CaseHandled,
            dispatch.PartEnded,
            dispatch.PartHandled,
            dispatch.NobodyAvailable,
            dispatch.HelpRequested,
            dispatch.HelpAnswered,
            dispatch.CaseReturned,
            dispatch.CaseHandedDown,
            dispatch.CaseReassigned,
            dispatch.CoHandlerAsked,
            dispatch.EntryFlagged,
            dispatch.EntryCorrected,
            dispatch.DeviceTimeAccepted,
            escalation.DeadlinesSet,
            escalation.DeadlineAmber,
            escalation.DeadlineMissed,
            escalation.DeadlinesCleared,
            escalation.DeadlineExtended,
            escalation.CaseEscalated,
            escalation.EscalationVoided,
            escalation.SupervisionOrdered,
            escalation.SupervisionAnswered,
            escalation.ReturnRuled,
            escalation.ExtensionAsked,
            escalation.ExtensionRefused,
            escalation.CaseParked,
            escalation.CaseUnparked,
            escalation.ReplyGiven,
            escalation.CaseListed,
        ),
        heard.follow_case,
    ),
}
"""What is heard, and the handler of each; they tell by an office, which is given when the service is put together."""


def subscriptions_of(office: Office) -> Subscriptions:
    return {event: partial(handler, office) for event, handler in SUBSCRIPTIONS.items()}
