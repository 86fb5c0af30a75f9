"""What this process tells people with, beside the transaction: settings, words, who wants to be told how, and which
channels are open or resting. Made once and passed down; kept up to date by a loop (timers/keeping.py)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from services.notify.channels.variables import Audience
from services.notify.channels.wording import Source, Wording, Words
from services.notify.queries import people as people_rows
from services.notify.queries.templates import Edition
from services.notify.rules.circuit import Receiver
from services.notify.rules.ways import (
    DigestMode,
    Preferences,
    QuietHours,
    Reach,
    Via,
    usable,
)
from services.notify.settings import Settings
from shared.directory import Directory
from shared.sealing import Sealer
from shared.things import Person
from shared.vocabulary import Language, NoticeKind
from shared.wake import Wake


class Office:
    """Preferences and edited words are in memory, because they are few and every notice asks for them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.zone = ZoneInfo(settings.time_zone)
        self.wording = Wording(settings.time_zone)
        self.sealer = Sealer(settings.master_keys)
        self.open = open_channels(settings)
        self.resting: frozenset[Receiver] = frozenset()
        self.changed = Wake()
        self.people: dict[str, people_rows.Person] = {}
        self.quiet = QuietHours(*settings.quiet) if settings.quiet else None

    # ── what is known of people ───────────────────────────────────────────────────────────────────────────────────

    def take_people(self, rows: Iterable[people_rows.Person]) -> None:
        self.people |= {row.person_id: row for row in rows}

    def take_editions(self, editions: Iterable[Edition]) -> None:
        """The latest of each; one without words gives way to what is shipped."""
        self.wording.take(
            (
                Source(Audience(one.audience), NoticeKind(one.kind), Language(one.language)),
                Words(one.title, one.text),
            )
            for one in editions
            if one.title is not None and one.text is not None and one.kind in set(NoticeKind)
        )

    def preferences(self, person_id: str) -> Preferences:
        return self.preferences_in(self.people.get(person_id))

    def preferences_in(self, row: people_rows.Person | None) -> Preferences:
        """What the person chose, or what holds for who never did."""
        if row is None or not row.chosen:
            return Preferences(quiet=self.quiet)
        quiet = None
        if row.quiet_from is not None and row.quiet_until is not None:
            quiet = QuietHours(row.quiet_from, row.quiet_until)
        return Preferences(
            channels=tuple(Via(via) for via in row.channels if via in set(Via)),
            quiet=quiet,
            digest=DigestMode(row.digest),
            digest_at=row.digest_at,
            language=Language(row.language) if row.language else None,
        )

    def reach(self, person: Person | None, person_id: str) -> Reach:
        """Which channels lead to this person now."""
        row = self.people.get(person_id)
        has = {
            Via.WEBPUSH: row is not None and row.devices > 0,
            Via.SMS: row is not None and row.sealed_number is not None,
            Via.WEBHOOK: person is not None and person.webhook_url is not None,
            Via.SMTP: person is not None and person.email is not None,
        }
        return usable((via for via, there in has.items() if there), self.open)

    def resting_ways(self, directory: Directory, person_id: str) -> frozenset[Via]:
        """The channels over which this person is left alone now."""
        return frozenset(
            via for via in Via if not self.resting.isdisjoint(receivers_of(directory, via, person_id))
        )

    def language(self, person: Person | None, person_id: str) -> Language:
        chosen = self.preferences(person_id).language
        return chosen or (person.language if person else Language.CHINESE)

    def number_of(self, person_id: str) -> str | None:
        """The number a person wants texts to, opened for this one message."""
        row = self.people.get(person_id)
        if row is None or row.sealed_number is None:
            return None
        key = self.sealer.unwrap(row.wrapped_key)
        return self.sealer.unseal(key, row.sealed_number, number_context(person_id))

    # ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def words(
        self,
        directory: Directory,
        audience: Audience,
        kind: NoticeKind,
        language: Language,
        body: dict[str, Any],
    ) -> Words:
        """A notice in words, with names in place of ids."""
        return self.wording.render(Source(audience, kind, language), spoken(directory, language, body))

    def rate_of(self, via: Via) -> float | None:
        """Rows a second this process may send over the channel; `None` is no limit."""
        settings = self.settings
        return {
            Via.SMTP: settings.smtp_rows_per_second,
            Via.SMS: settings.sms_rows_per_second,
            Via.WEBHOOK: settings.webhook_rows_per_second,
            Via.WEBPUSH: settings.webpush_rows_per_second,
        }.get(via)

    def requester_via(self) -> Via:
        """Over which channel requesters are told."""
        if self.settings.sms_gateway_url:
            return Via.SMS
        return Via.WEBHOOK if self.settings.resident_webhook_url else Via.CONSOLE


def receivers_of(directory: Directory, via: Via, person_id: str | None) -> tuple[Receiver, ...]:
    """Whose circuits a message goes through. Staff's webhooks are apart from the residents' gateway by their host, and
    a person's own address from everybody else's: one that is down must not rest another."""
    if person_id is None:
        return (Receiver(via),)
    host = ""
    if via is Via.WEBHOOK:
        person = directory.people.get(person_id)
        host = urlsplit((person.webhook_url if person else "") or "").netloc
    return Receiver(via, host), Receiver(via, host, person_id)


def number_context(person_id: str) -> str:
    return f"people.sealed_number:{person_id}"


def open_channels(settings: Settings) -> frozenset[Via]:
    """The channels this installation has."""
    is_open = {
        Via.FEED: True,
        Via.SMTP: settings.smtp_host is not None,
        Via.WEBHOOK: bool(settings.webhook_secrets),
        Via.SMS: settings.sms_gateway_url is not None,
        Via.WEBPUSH: settings.vapid_key is not None,
        Via.CONSOLE: True,
    }
    return frozenset(via for via, opened in is_open.items() if opened)


UNITS = ("unit", "supervising_unit", "rightful_unit")
PEOPLE = (
    "holder",
    "asker",
    "helper",
    "author",
    "lender",
    "worker",
    "answerer",
    "from_person",
    "to_person",
)


def spoken(directory: Directory, language: Language, body: dict[str, Any]) -> dict[str, Any]:
    """The body with names in place of ids; an id that is not known yet is shown as it is."""
    said = {**body, "place": (body.get("place") or {}).get("label")}
    for names, known in ((UNITS, directory.units), (PEOPLE, directory.people)):
        for name in names:
            given = body.get(f"{name}_id")
            thing = known.get(given) if isinstance(given, str) else None
            said[name] = getattr(thing.name, language) if thing is not None else given
    return said
