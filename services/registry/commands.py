"""What people may ask of registry. A field nobody knows is refused, so that a typing error is not lost in silence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from shared.things import (
    Calendar,
    Category,
    DutyList,
    Grant,
    JobRole,
    Person,
    Policy,
    PolicyUse,
    Shift,
    Skill,
    Snippet,
    Unit,
    Value,
    WordList,
)
from shared.vocabulary import ActingPurpose

PASSWORD_CHARACTERS_MIN = 10
PASSWORD_CHARACTERS_MAX = 200


Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC)),
]
"""A time with its zone; further away nothing of a city's is planned, and arithmetic ends."""


class Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PutUnit(Unit, extra="forbid"):
    pass


class PutRole(JobRole, extra="forbid"):
    pass


class Given(Value):
    """A role given in a unit, by the role's id. What a person is read with may be sent back as it is: there `held_as`
    is the role, and the powers are no request."""

    role: str
    unit_id: str
    held_as: str | None = None


class PutPerson(Person, extra="forbid"):
    grants: tuple[Given, ...] = ()  # type: ignore[assignment]  # asked for by role, held by power


class PutShift(Shift, extra="forbid"):
    pass


class PutCategory(Category, extra="forbid"):
    pass


class PutPolicy(Policy, extra="forbid"):
    pass


class PutCalendar(Calendar, extra="forbid"):
    pass


class PutPolicyUse(PolicyUse, extra="forbid"):
    pass


class PutDutyList(DutyList, extra="forbid"):
    pass


class PutWordList(WordList, extra="forbid"):
    pass


class PutSnippet(Snippet, extra="forbid"):
    pass


class PutSkill(Skill, extra="forbid"):
    pass


class ChangeThings(Command):
    """Many changes at once: all of them, or none. They may refer to each other."""

    calendars: tuple[PutCalendar, ...] = ()
    policies: tuple[PutPolicy, ...] = ()
    units: tuple[PutUnit, ...] = ()
    skills: tuple[PutSkill, ...] = ()
    roles: tuple[PutRole, ...] = ()
    people: tuple[PutPerson, ...] = ()
    categories: tuple[PutCategory, ...] = ()
    shifts: tuple[PutShift, ...] = ()
    policy_uses: tuple[PutPolicyUse, ...] = ()
    duty_lists: tuple[PutDutyList, ...] = ()
    word_lists: tuple[PutWordList, ...] = ()
    snippets: tuple[PutSnippet, ...] = ()

    def things(self) -> tuple[Any, ...]:
        """All of them; the fields stand in the order in which kinds may refer to each other."""
        return tuple(thing for name in ChangeThings.model_fields for thing in getattr(self, name))


class PlanChange(ChangeThings):
    """What changes together at `valid_from`; only what differs from now is kept."""

    valid_from: Moment


class ChangeDays(Command):
    """Single days of a calendar: off, worked (调休), or ordinary again."""

    holidays: tuple[date, ...] = Field(default=(), max_length=400)
    workdays: tuple[date, ...] = Field(default=(), max_length=400)
    ordinary: tuple[date, ...] = Field(default=(), max_length=400)
    known_until: date | None = None


class EnterAbsence(Command):
    """Leave or absence; no reason is asked for. `substitute_id`: who stands in, instead of the counterpart and
    whoever is on call."""

    person_id: str
    starts_at: Moment
    ends_at: Moment
    substitute_id: str | None = None


class EndAbsence(Command):
    """Back from `at` on; from now on without it."""

    at: Moment | None = None


class HandOver(Command):
    """`at`: when; at once without it. `to_person_id`: to whom; the counterpart of an AB post without it."""

    to_person_id: str | None = None
    at: Moment | None = None


class CallIn(Command):
    until: Moment | None = None


PUTS: dict[type[BaseModel], type[BaseModel]] = {
    Calendar: PutCalendar,
    Policy: PutPolicy,
    Unit: PutUnit,
    Skill: PutSkill,
    JobRole: PutRole,
    Person: PutPerson,
    Category: PutCategory,
    Shift: PutShift,
    PolicyUse: PutPolicyUse,
    DutyList: PutDutyList,
    WordList: PutWordList,
    Snippet: PutSnippet,
}


class GoOnDuty(Command):
    until: Moment


class PutAccount(Command):
    """Give a person a way to sign in, or a new password; a new password ends every session of the account."""

    person_id: str
    password: SecretStr = Field(min_length=PASSWORD_CHARACTERS_MIN, max_length=PASSWORD_CHARACTERS_MAX)
    disabled: bool = False


class MakeAccount(Command):
    """A way to sign in for a person; the answer has a password that is good once."""

    account: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,59}$")
    person_id: str


class SignIn(Command):
    """`code` or `recovery_code` where the account has a second step; `new_password` with a one-time password."""

    account: str = Field(max_length=200, pattern=r"^[^\x00]*$", description="PostgreSQL stores no NUL")
    password: SecretStr = Field(max_length=PASSWORD_CHARACTERS_MAX)
    code: str | None = Field(default=None, pattern=r"^[0-9]{6}$")
    recovery_code: str | None = Field(default=None, max_length=60)
    new_password: SecretStr | None = Field(
        default=None, min_length=PASSWORD_CHARACTERS_MIN, max_length=PASSWORD_CHARACTERS_MAX
    )


class Refresh(Command):
    refresh_token: SecretStr = Field(max_length=200)


class SignOut(Command):
    """With `everywhere` every device of the account is signed out."""

    refresh_token: SecretStr = Field(max_length=200)
    everywhere: bool = False


class ProveOneself(Command):
    """The password again, before what is delicate. `account` where somebody has several."""

    password: SecretStr = Field(max_length=PASSWORD_CHARACTERS_MAX)
    account: str | None = Field(default=None, max_length=200)


class ChangePassword(ProveOneself):
    new_password: SecretStr = Field(min_length=PASSWORD_CHARACTERS_MIN, max_length=PASSWORD_CHARACTERS_MAX)


class ConfirmCodes(Command):
    """The first code of the authenticator app."""

    code: str = Field(pattern=r"^[0-9]{6}$")
    account: str | None = Field(default=None, max_length=200)


class Delegate(Command):
    """Lend these roles in these units from `starts_at` to `ends_at` (exclusive)."""

    to_person_id: str
    grants: tuple[Grant, ...] = Field(max_length=20)
    starts_at: datetime
    ends_at: datetime


class ActForSomebody(Command):
    """Act for a person of one's own units; journalled with the purpose, and with everything that is done."""

    person_id: str
    purpose: ActingPurpose
