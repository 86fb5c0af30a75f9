"""What people may ask of registry. A field nobody knows is refused, so that a typing error is not lost in silence."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from shared.things import Calendar, Category, Person, Policy, Shift, Unit

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


class ChangeThings(Command):
    """Many changes at once: all of them, or none. They may refer to each other."""

    calendars: tuple[PutCalendar, ...] = ()
    policies: tuple[PutPolicy, ...] = ()
    categories: tuple[PutCategory, ...] = ()
    units: tuple[PutUnit, ...] = ()
    people: tuple[PutPerson, ...] = ()
    shifts: tuple[PutShift, ...] = ()


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
