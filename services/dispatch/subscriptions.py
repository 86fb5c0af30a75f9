"""What dispatch listens to."""

from services.dispatch.handlers import heard
from shared.events.escalation import CaseEscalated
from shared.events.intake import CaseClosed, CaseRegistered, CaseReopened
from shared.inbox import Subscriptions

SUBSCRIPTIONS: Subscriptions = {
    CaseRegistered: heard.take_up_case,
    CaseEscalated: heard.pass_up_case,
    CaseReopened: heard.reopen_case,
    CaseClosed: heard.end_case,
}
