"""What dispatch listens to."""

from services.dispatch.handlers import heard
from shared.events.escalation import (
    CaseEscalated,
    CaseParked,
    CaseUnparked,
    DeadlineExtended,
    EscalationVoided,
    ExtensionAsked,
    ExtensionRefused,
    ReturnRuled,
)
from shared.events.intake import (
    AppointmentAgreed,
    CaseAmended,
    CaseClosed,
    CaseMerged,
    CaseRegistered,
    CaseReopened,
    CaseUnmerged,
    CaseWithdrawn,
    InformationAsked,
    InformationGiven,
    RequesterErased,
)
from shared.inbox import Subscriptions

SUBSCRIPTIONS: Subscriptions = {
    CaseRegistered: heard.take_up_case,
    CaseAmended: heard.amend_case,
    CaseMerged: heard.merge_case,
    CaseUnmerged: heard.take_case_out,
    CaseWithdrawn: heard.call_off_case,
    CaseReopened: heard.reopen_case,
    CaseClosed: heard.end_case,
    InformationAsked: heard.keep_informed,
    InformationGiven: heard.keep_informed,
    AppointmentAgreed: heard.keep_informed,
    RequesterErased: heard.erase_requester,
    CaseEscalated: heard.pass_up_case,
    EscalationVoided: heard.take_back_raise,
    ReturnRuled: heard.obey_ruling,
    CaseParked: heard.keep_informed,
    CaseUnparked: heard.keep_informed,
    ExtensionAsked: heard.keep_informed,
    DeadlineExtended: heard.keep_informed,
    ExtensionRefused: heard.keep_informed,
}
