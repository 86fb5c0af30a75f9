"""Whatever becomes of a case and of one that is part of it, in any order and however late the part hears of it: once it
has heard, the part is closed, or somebody is there to be asked, or the parent goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.intake.commands.changes import ConsentPurpose
from services.intake.rules import endings, merging
from services.intake.rules.cases import apply, fold
from services.intake.rules.changes import By, record_consent
from services.intake.rules.endings import Answers, Asked
from services.intake.rules.facts import Case
from services.intake.rules.refusals import Refused
from shared.database import Database
from shared.event import REQUESTER, CaseEvent
from shared.events.intake import CaseMerged, FollowUpOpened
from shared.ids import uuid7
from shared.vocabulary import CaseState, Channel, FollowUpKind
from tests.intake.test_follow_up_rules import CHINA, CONTENT, staff
from tests.intake.test_following import SATISFIED, attempt, follow_up_of
from tests.intake.test_merging import fire_all, folded, merge, reported
from tests.intake.world import OPERATOR, START, Others, a_registration, count, headers, hear, set_clock

NOT_CONTENT = replace(CONTENT, solved=False)


class AFamily(RuleBasedStateMachine):
    """A case, another that was merged into it, and the two timers between them, which ring when they like."""

    @initialize(asked_from_the_start=st.booleans())
    def merge_them(self, asked_from_the_start: bool) -> None:
        self.now = START
        self.parent = fold([a_registration()])
        child = fold([a_registration(requester_can_be_asked=asked_from_the_start)])
        refused = frozenset() if asked_from_the_start else frozenset({ConsentPurpose.CONTACT})
        merged = CaseMerged(
            at=self.now,
            case_id=child.case_id,
            parent_id=self.parent.case_id,
            parent_number=self.parent.number,
        )
        self.child = apply(replace(child, refused_consents=refused), merged)
        self.parent_moved = self.not_content = self.contested = False

    def tell_parent(self, *events: CaseEvent) -> None:
        before = self.parent
        for event in events:
            self.parent = apply(self.parent, event)
        opened = endings.follow_up_for(before, self.parent, uuid7(), self.now, has_phone=True)
        self.parent = apply(self.parent, opened) if opened else self.parent
        self.parent_moved |= merging.parts_hear_of(before, self.parent)

    def tell_child(self, *events: CaseEvent) -> None:
        before = self.child
        for event in events:
            asking = self.child.open_follow_up
            assert not (isinstance(event, FollowUpOpened) and asking), (
                "one is asked about one thing at a time"
            )
            self.child = apply(self.child, event)
        self.not_content |= merging.sends_parent_back(before, self.child) is not None

    @rule(minutes=st.sampled_from([5, 60, 240]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.parent.open)
    @rule()
    def the_parent_is_handled(self) -> None:
        self.tell_parent(*Others(self.parent.case_id, self.now, self.parent.round).work())

    @rule(of_child=st.booleans(), answers=st.sampled_from([None, CONTENT, NOT_CONTENT]))
    def somebody_calls(self, of_child: bool, answers: Answers | None) -> None:
        case = self.child if of_child else self.parent
        decided = endings.record_attempt(case, Asked(staff(), Channel.PHONE, answers), CHINA, self.now)
        if not isinstance(decided, Refused):
            (self.tell_child if of_child else self.tell_parent)(*decided)

    @rule(given=st.booleans())
    def the_childs_requester_agrees_or_no_longer_does(self, given: bool) -> None:
        by = By(REQUESTER, Channel.WEB)
        recorded = record_consent(
            self.child, ConsentPurpose.CONTACT, by, self.now, given=given, reachable=True
        )
        if not isinstance(recorded, Refused) and recorded is not None:
            self.tell_child(recorded)
            self.parent_moved |= self.child.state is CaseState.MERGED

    @rule()
    def the_parent_is_late(self) -> None:
        opened = merging.told_of_delay(self.child, self.parent, uuid7(), self.now)
        if opened is not None:
            self.tell_child(opened)

    @rule()
    def the_childs_requester_contests(self) -> None:
        asked = Asked(REQUESTER, Channel.WEB)
        decided = endings.contest(self.child, self.parent, asked, uuid7(), self.now)
        if not isinstance(decided, Refused):
            self.contested |= (
                merging.contests_with_parent(self.child, apply(self.child, decided[0])) is not None
            )
            self.tell_child(*decided)

    @rule()
    def the_part_hears_of_its_parent(self) -> None:
        if not self.parent_moved:
            return
        self.parent_moved = False
        for _ in range(4):
            events = merging.follow_parent(self.child, self.parent, uuid7(), self.now, has_phone=True)
            self.tell_child(*events)
        assert not events, "it comes up with its parent"

    @rule()
    def the_parent_hears_of_its_part(self) -> None:
        if self.not_content and (sent_back := merging.sent_back_by(self.child, self.parent, self.now)):
            self.tell_parent(sent_back)
        self.not_content = False

    @rule()
    def the_parent_hears_that_it_is_contested(self) -> None:
        if not self.contested:
            return
        if sent_back := merging.contested_by(self.child, self.parent, self.now):
            self.tell_parent(sent_back)
        self.parent_moved, self.contested = True, False

    @invariant()
    def once_both_have_heard_something_happens_by_itself(self) -> None:
        if self.parent_moved or self.not_content or self.contested or self.child.state is CaseState.CLOSED:
            return
        asking = self.child.open_follow_up
        if self.parent.handled_at is None:
            assert asking is None or asking.kind is FollowUpKind.PROGRESS
        elif self.child.requester_can_be_asked:
            assert asking is not None
            assert asking.kind is FollowUpKind.AFTER_HANDLED
        else:
            assert self.parent.state is CaseState.HANDLED, "it would have ended with its parent"


AFamily.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestAFamily = AFamily.TestCase


def test_what_was_asked_about_an_older_round_ends_before_it_is_asked_again() -> None:
    """The part heard nothing while its parent was sent back and handled a second time."""
    family = AFamily()
    family.merge_them(asked_from_the_start=True)
    family.the_parent_is_handled()
    family.the_part_hears_of_its_parent()
    family.somebody_calls(of_child=False, answers=NOT_CONTENT)
    family.the_parent_is_handled()
    first = family.child.follow_up
    family.the_part_hears_of_its_parent()
    assert family.child.follow_up is not None
    assert first is not None
    assert (family.child.follow_up.round, family.child.parent_round) == (first.round + 1, 2)


# ── on PostgreSQL ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def standing_clock(database: Database) -> None:
    await set_clock(database, START)


async def agree(client: httpx.AsyncClient, database: Database, case_id: UUID, given: bool) -> None:
    url = f"/cases/{case_id}/consent"
    body = {"purpose": "contact", "given": given}
    answer = await client.post(url, json=body, headers=headers(*OPERATOR))
    assert answer.status_code == 200, answer.text
    await fire_all(database)


async def a_family(client: httpx.AsyncClient, database: Database) -> tuple[UUID, UUID]:
    parent, part = [await reported(client, database, minute) for minute in (0, 1)]
    assert (await merge(client, part, parent)).status_code == 200
    return parent, part


async def close(client: httpx.AsyncClient, database: Database, case_id: UUID) -> Case:
    answer = await attempt(client, await follow_up_of(database, case_id), SATISFIED)
    assert answer.json()["state"] == "closed", answer.text
    await fire_all(database)
    return await folded(database, case_id)


@pytest.mark.usefixtures("standing_clock")
@pytest.mark.parametrize("parent_closes_first", [True, False])
async def test_a_part_whose_requester_agrees_to_nothing_any_more_ends_with_its_parent(
    client: httpx.AsyncClient, database: Database, parent_closes_first: bool
) -> None:
    parent, part = await a_family(client, database)
    await hear(database, *Others(parent).work())
    await fire_all(database)
    if parent_closes_first:
        await close(client, database, parent)
        await agree(client, database, part, False)
    else:
        await agree(client, database, part, False)
        assert (await folded(database, part)).state == "merged"
        await close(client, database, parent)
    case = await folded(database, part)
    assert (case.state, case.outcome, case.closed_by) == ("closed", "merged", "follow_up")
    assert await count(database, "follow_ups WHERE closed_at IS NULL") == 0
    assert await count(database, "timers") == 0


@pytest.mark.usefixtures("standing_clock")
async def test_a_part_whose_requester_agrees_later_is_asked_then(
    client: httpx.AsyncClient, database: Database
) -> None:
    parent, part = await a_family(client, database)
    await agree(client, database, part, False)
    await hear(database, *Others(parent).work())
    await fire_all(database)
    assert (await folded(database, part)).follow_up is None
    await agree(client, database, part, True)
    assert (await close(client, database, part)).outcome == "merged"
    assert (await close(client, database, parent)).outcome == "solved"
