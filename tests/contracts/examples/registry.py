"""Examples of what registry tells."""

from __future__ import annotations

from datetime import date, time, timedelta

from shared import going as g
from shared import things as t
from shared import vocabulary as v
from shared.events import things as e
from tests.contracts.examples.world import AT, COMMUNITY, GRID, OFFICER, POLICY, WORKER, of_registry

REGISTRY = (
    e.UnitChanged(
        **of_registry(1),
        unit=t.Unit(
            id=GRID,
            kind="grid",
            name=t.Name(zh="武江北第三网格", en="Wujiang North, grid 3"),
            parent_id=COMMUNITY,
            level=v.Level.GRID,
            polygon=(
                t.Point(lon=113.5, lat=24.8),
                t.Point(lon=113.6, lat=24.8),
                t.Point(lon=113.6, lat=24.9),
            ),
            centre=t.Point(lon=113.57, lat=24.83),
            opening_hours=(t.OpeningHours(weekday=1, opens=time(8, 30), closes=time(12, 0)),),
            calendar_id="cn",
            households=600,
            shows_posted_names=True,
            matching_policy=g.MatchingPolicy.ENGINE,
            shadow_policy=g.MatchingPolicy.FASTEST_FREE,
            advises=True,
            retired_at=AT,
        ),
    ),
    e.PersonChanged(
        **of_registry(2),
        person=t.Person(
            id=WORKER,
            name=t.Name(zh="甲", en="A"),
            grants=(
                t.Grant(role=v.Role.GRID_WORKER, unit_id=GRID),
                t.Grant(role=v.Role.VOLUNTEER, unit_id=GRID, held_as="corridor-keeper"),
            ),
            posts=(t.PostHeld(post=v.Post.A, unit_id=GRID),),
            mode=g.TravelMode.E_BIKE,
            base=t.Point(lon=113.57, lat=24.83),
            language=v.Language.CHINESE,
            email="a@example.org",
            webhook_url="https://example.org/hook",
            badge="W1-3-01",
            skills=("electrician",),
            acts_for=(
                t.Delegation(
                    id="d-1",
                    person_id=OFFICER,
                    grants=(t.Grant(role=v.Role.UNIT_OFFICER, unit_id=COMMUNITY),),
                    starts_at=AT,
                    ends_at=AT + timedelta(days=7),
                ),
            ),
            retired_at=AT,
        ),
    ),
    e.ShiftChanged(
        **of_registry(3),
        shift=t.Shift(
            id="s-1",
            person_id=WORKER,
            unit_id=GRID,
            starts_at=AT,
            ends_at=AT + timedelta(hours=8),
            kind=v.ShiftKind.ON_CALL,
            retired_at=AT,
        ),
    ),
    e.CategoryChanged(
        **of_registry(4),
        category=t.Category(
            code="A01",
            name=t.Name(zh="窨井盖丢失", en="Missing manhole cover"),
            class_name=t.Name(zh="公用设施", en="Public facilities"),
            urgency=v.Urgency.EMERGENCY,
            policy_id="emergency",
            levels=(v.Level.GRID, v.Level.COMMUNITY),
            keywords=("井盖",),
            group="ground",
            script=t.Name(zh="井盖还在旁边吗？", en="Is the cover still beside it?"),
            evidence_wanted=(t.Name(zh="围挡后的照片", en="a photo of the barrier"),),
            rightful_unit_id="water-works",
            skills_wanted=("electrician",),
            retired_at=AT,
        ),
    ),
    e.SkillChanged(
        **of_registry(11),
        skill=t.Skill(id="electrician", name=t.Name(zh="电工", en="Electrician"), retired_at=AT),
    ),
    e.RoleChanged(
        **of_registry(12),
        role=t.JobRole(
            id="corridor-keeper",
            name=t.Name(zh="楼道管家", en="corridor keeper"),
            powers=(v.Role.BUILDING_HEAD, v.Role.VOLUNTEER),
            retired_at=AT,
        ),
    ),
    e.PolicyChanged(**of_registry(5), policy=POLICY),
    e.CalendarChanged(
        **of_registry(6),
        calendar=t.Calendar(
            id="cn",
            time_zone="Asia/Shanghai",
            holidays=(date(2026, 10, 1),),
            workdays=(date(2026, 10, 10),),
            known_until=date(2026, 12, 31),
            retired_at=AT,
        ),
    ),
    e.PolicyUseChanged(
        **of_registry(7),
        policy_use=t.PolicyUse(
            id="snow-2027",
            policy_id="emergency",
            category_code="A01",
            unit_id=COMMUNITY,
            valid_from=AT,
            valid_until=AT + timedelta(days=90),
            retired_at=AT,
        ),
    ),
    e.DutyListChanged(
        **of_registry(8),
        duty_list=t.DutyList(id="duties-w1", unit_id=COMMUNITY, category_codes=("A01",), retired_at=AT),
    ),
    e.WordListChanged(
        **of_registry(9),
        word_list=t.WordList(
            id="crisis",
            words=("救命",),
            urgency=v.Urgency.EMERGENCY,
            service=v.EmergencyService.POLICE,
            retired_at=AT,
        ),
    ),
    e.SnippetChanged(
        **of_registry(10),
        snippet=t.Snippet(
            id="opening-hours",
            title=t.Name(zh="开放时间", en="Opening hours"),
            text=t.Name(zh="周一至周五。", en="Monday to Friday."),
            category_code="A01",
            keywords=("几点",),
            retired_at=AT,
        ),
    ),
)
