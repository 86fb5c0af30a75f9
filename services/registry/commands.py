"""What people may ask of registry. A field nobody knows is refused, so that a typing error is not lost in silence."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from shared.things import (
    Calendar,
    Category,
    DutyList,
    Person,
    Policy,
    PolicyUse,
    Shift,
    Snippet,
    Unit,
    WordList,
)

PASSWORD_CHARACTERS_MIN = 10
PASSWORD_CHARACTERS_MAX = 200


class Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PutUnit(Unit, extra="forbid"):
    pass


class PutPerson(Person, extra="forbid"):
    pass


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


class ChangeThings(Command):
    """Many changes at once: all of them, or none. They may refer to each other."""

    calendars: tuple[PutCalendar, ...] = ()
    policies: tuple[PutPolicy, ...] = ()
    units: tuple[PutUnit, ...] = ()
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


PUTS: dict[type[BaseModel], type[BaseModel]] = {
    Calendar: PutCalendar,
    Policy: PutPolicy,
    Unit: PutUnit,
    Person: PutPerson,
    Category: PutCategory,
    Shift: PutShift,
    PolicyUse: PutPolicyUse,
    DutyList: PutDutyList,
    WordList: PutWordList,
    Snippet: PutSnippet,
}


class GoOnDuty(Command):
    until: datetime


class PutAccount(Command):
    """Give a person a way to sign in, or a new password; a new password ends every session of the account."""

    person_id: str
    password: SecretStr = Field(min_length=PASSWORD_CHARACTERS_MIN, max_length=PASSWORD_CHARACTERS_MAX)
    disabled: bool = False


class SignIn(Command):
    account: str = Field(max_length=200, pattern=r"^[^\x00]*$", description="PostgreSQL stores no NUL")
    password: SecretStr = Field(max_length=PASSWORD_CHARACTERS_MAX)


class Refresh(Command):
    refresh_token: SecretStr = Field(max_length=200)


class SignOut(Command):
    """With `everywhere` every device of the account is signed out."""

    refresh_token: SecretStr = Field(max_length=200)
    everywhere: bool = False
