"""What people may ask of escalation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from shared.policies import flaws_of_policy
from shared.things import Policy
from shared.vocabulary import (
    EscalationReason,
    ExtensionReason,
    Level,
    ParkReason,
    Ruling,
    SupervisionKind,
    UnparkReason,
)

Words = Annotated[str, Field(min_length=1, max_length=2000)]
"""What somebody writes; sealed, and shown to those who may see the case."""


class Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Escalate(Command):
    """Raise a case: one level, or up to `to_level` where the next one is not the one that can help."""

    reason: EscalationReason
    text: Words | None = None
    to_level: Level | None = None


class Reply(Command):
    """答复 to whoever raised the case by hand."""

    text: Words


class RuleReturn(Command):
    """裁定. Re-dispatch names the unit the case goes to."""

    ruling: Ruling
    to_unit_id: str | None = None
    text: Words

    @model_validator(mode="after")
    def _a_redispatch_names_a_unit(self) -> RuleReturn:
        if (self.ruling is Ruling.REDISPATCH) != (self.to_unit_id is not None):
            raise ValueError("改派须写明单位，驳回则不写 / A re-dispatch names a unit, a refusal does not")
        return self


class AskExtension(Command):
    """延期 of `handle` until then."""

    until: AwareDatetime
    reason: ExtensionReason


class DecideExtension(Command):
    approved: bool


class ParkCase(Command):
    """挂账: who sees to it, by which plan, and when it is looked at again."""

    reason: ParkReason
    owner_id: str
    plan: Words
    review_at: AwareDatetime


class UnparkCase(Command):
    """`reviewed`: the review was held; `resumed`: it can go on before."""

    because: UnparkReason

    @model_validator(mode="after")
    def _by_a_person(self) -> UnparkCase:
        if self.because not in (UnparkReason.REVIEWED, UnparkReason.RESUMED):
            raise ValueError("只能是复查或恢复办理 / It is either reviewed or resumed")
        return self


class OrderSupervision(Command):
    """督办 of the unit that has the case now."""

    kind: SupervisionKind
    text: Words


class AnswerOrder(Command):
    """What the unit under supervision did."""

    text: Words


class SimulatePolicy(Command):
    """What would have been missed and raised, had `policy` held for the cases registered from `from_` up to `to` in
    `unit` under the policy `instead_of` (by default the one with the same id), of one category or of all."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    policy: Policy
    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime
    unit: str
    instead_of: str | None = None
    category_code: str | None = None

    @model_validator(mode="after")
    def _a_period(self) -> SimulatePolicy:
        if not self.from_ < self.to:
            raise ValueError("起始时间须早于结束时间 / The period ends after it begins")
        return self

    @model_validator(mode="after")
    def _a_policy_that_could_hold(self) -> SimulatePolicy:
        if flaw := next(flaws_of_policy(self.policy), None):
            raise ValueError(flaw[1])
        return self

    @property
    def period(self) -> tuple[datetime, datetime]:
        return self.from_, self.to
