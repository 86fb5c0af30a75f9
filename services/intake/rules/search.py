"""What a search asks for, what a text is found by, and which way to the answer is the shortest.

Chinese is written without blanks, so a text is found by each two characters that stand together; words and numbers
in Latin letters and digits are found whole. Whatever these pieces find is then read and compared exactly.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from unicodedata import normalize

from shared.sealing import TOKEN_BITS
from shared.vocabulary import CaseState, Urgency

RUNS = re.compile(r"[a-z0-9]+|[^\W\d_a-z]+")
BETWEEN = re.compile(r"[\W_]+")
LONGEST_DIGITS = 4
"""Longer runs of digits in what a caller said are phones and identity numbers; nothing is found by those."""
OPEN_STATES = frozenset(CaseState) - {CaseState.CLOSED}


@dataclass(frozen=True)
class Search:
    """Everything given must hold. `units` are those whose cases the person may see, `everywhere` if they are all there
    are; `phones` is what the number given may be stored as."""

    units: tuple[str, ...]
    everywhere: bool = False
    number: str | None = None
    phones: tuple[bytes, ...] = ()
    address: str | None = None
    text: str | None = None
    person_id: str | None = None
    states: tuple[CaseState, ...] = ()
    categories: tuple[str, ...] = ()
    urgencies: tuple[Urgency, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def only_open(self) -> bool:
        return bool(self.states) and OPEN_STATES.issuperset(self.states)


class Way(StrEnum):
    """What the search starts from, the most selective first."""

    NUMBER = "number"
    PHONE = "phone"
    WORDS = "words"
    PERSON = "person"
    STATE = "state"
    TOKENS = "tokens"


def choose_way(search: Search) -> Way:
    if search.number is not None:
        return Way.NUMBER
    if search.phones:
        return Way.PHONE
    if search.text is not None or search.address is not None:
        return Way.WORDS
    if search.person_id is not None:
        return Way.PERSON
    if search.only_open and not search.categories:
        return Way.STATE
    return Way.TOKENS


def written(text: str) -> str:
    """One form for what is written in several: full-width letters, capitals."""
    return normalize("NFKC", text).casefold()


def terms(text: str) -> list[str]:
    """What was asked for, between blanks and marks; each must stand in the text."""
    return BETWEEN.sub(" ", written(text)).split()


def pieces(text: str) -> set[str]:
    """What a text is found by. A single Chinese character that stands alone finds nothing."""
    found: set[str] = set()
    for run in RUNS.findall(written(text)):
        if run[0].isascii():
            found.add(run)
        else:
            found.update(run[at : at + 2] for at in range(len(run) - 1))
    return found


def pieces_of_speech(text: str) -> set[str]:
    """The pieces of what a caller said, without long numbers."""
    return {piece for piece in pieces(text) if not (piece.isdigit() and len(piece) > LONGEST_DIGITS)}


def pieces_asked(text: str) -> set[str]:
    """The pieces of every term: a text that holds them all is a candidate."""
    return {piece for term in terms(text) for piece in pieces(term)}


def says(text: str, asked: str) -> bool:
    """Whether each of the terms stands in the text. Blanks and marks do not count: `春和路 12 号` is 春和路12号,
    and who puts 「井盖」 in brackets means 井盖. What is joined so by chance was not found by its pieces."""
    haystack = BETWEEN.sub("", written(text))
    return all(term in haystack for term in terms(asked))


def public_token(kind: str, name: str) -> int:
    """A number for what is no secret: a unit, a category, an urgency. Above those that stand for text."""
    lowest, highest = 1 << TOKEN_BITS, 1 << 31
    digest = hashlib.sha256(f"{kind}:{name}".encode()).digest()
    return lowest + int.from_bytes(digest[:8], "big") % (highest - lowest)


def public_tokens(kind: str, names: Iterable[str]) -> list[int]:
    return [public_token(kind, name) for name in names]


OPEN = public_token("state", "open")


def tokens_of_case(
    unit_path: Sequence[str], category_code: str, urgency: Urgency, state: CaseState
) -> set[int]:
    """What every case is found by, whoever asked for it."""
    return {
        *public_tokens("unit", unit_path),
        public_token("category", category_code),
        public_token("urgency", urgency),
        *(() if state is CaseState.CLOSED else (OPEN,)),
    }
