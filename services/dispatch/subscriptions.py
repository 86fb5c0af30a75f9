"""What dispatch listens to."""

from services.dispatch.handlers import heard
from shared.events import CaseClosed, CaseEscalated, CaseRegistered, CaseReopened
from shared.inbox import Subscriptions

SUBSCRIPTIONS: Subscriptions = {
    CaseRegistered: heard.take_up_case,
    CaseEscalated: heard.pass_up_case,
    CaseReopened: heard.reopen_case,
    CaseClosed: heard.end_case,
}
