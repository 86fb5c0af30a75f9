"""Cases of every kind: for another, for a child, from a chat, seen on patrol; answered, done or refused on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.rules.answers import TOLD, told_of_refusal
from services.intake.rules.cases import fold
from services.intake.rules.kept import ConsentRecorded
from shared.database import Database
from shared.directory import Directory
from shared.event import Event
from shared.events.intake import CaseAnswered, CaseClosed, CaseNotAccepted, CaseRegistered
from shared.service import Service
from shared.things import DutyList, Name, Person, PolicyUse, Snippet, Unit, WordList
from shared.vocabulary import EmergencyService, NotAcceptedReason, Role, Urgency
from tests.intake.test_following import CONTENT, case_of, link_of
from tests.intake.world import OPERATOR, START, Others, a_call, count, headers, hear, journal_of, set_clock

Person_ = tuple[str, Role, str]
CLERK = ("p-community-a-w1", Role.SOCIAL_WORKER, "community-a")


@pytest.fixture(autouse=True)
def known_things(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Words, answers, a department, and the duty list of one community."""
    lists = [
        WordList(id="danger", words=("触电", "collapse"), urgency=Urgency.EMERGENCY),
        WordList(id="fire", words=("着火", "浓烟"), service=EmergencyService.FIRE),
        WordList(id="ill", words=("昏迷",), service=EmergencyService.MEDICAL),
    ]
    for one in lists:
        monkeypatch.setitem(directory.word_lists, one.id, one)
    text = Name(zh="办理居住证请带身份证到窗口。", en="Bring your identity card to the window.")
    snippet = Snippet(id="residence", title=Name(zh="居住证", en="Residence permit"), text=text)
    monkeypatch.setitem(directory.snippets, snippet.id, snippet)
    market = Unit(
        id="market-regulation",
        kind="department",
        name=Name(zh="市场监管所", en="Market regulation"),
        parent_id="street",
    )
    monkeypatch.setitem(directory.units, market.id, market)
    person = Person(id="p-grid-a1-a", name=Name(zh="甲", en="A"))
    monkeypatch.setitem(directory.people, person.id, person)
    directory._forget()
    yield
    monkeypatch.undo()
    directory._forget()


async def register(
    client: httpx.AsyncClient, person: Person_ = OPERATOR, key: str | None = None, **change: Any
) -> httpx.Response:
    more = {"Idempotency-Key": key} if key else {}
    return await client.post("/cases", json=a_call(**change), headers=headers(*person) | more)


async def story_of(database: Database, answer: httpx.Response) -> list[Event]:
    """The case's story, which its rows follow."""
    assert answer.status_code == 201, answer.text
    case_id = UUID(answer.json()["case_id"])
    story = await journal_of(database, case_id)
    assert fold(story) == await case_of(database, case_id)
    return story


async def registration_of(database: Database, answer: httpx.Response) -> CaseRegistered:
    first = (await story_of(database, answer))[0]
    assert isinstance(first, CaseRegistered)
    return first


# ── who asks, and how ─────────────────────────────────────────────────────────────────────────────────────────────

FATHER = {"name": "王大明", "phone": "138 0000 1111", "relation": "父亲"}


@pytest.mark.parametrize("kind", ["proxy", "guardian"])
async def test_somebody_asks_for_somebody_else(
    client: httpx.AsyncClient, database: Database, kind: str
) -> None:
    requester = {"name": "王小明", "phone": "13812345678", "kind": kind, "on_behalf_of": FATHER}
    answer = await register(client, requester=requester)
    event = await registration_of(database, answer)
    assert event.requester_kind == kind
    assert "王大明" not in event.model_dump_json()
    case_id = answer.json()["case_id"]
    shown = (await client.get(f"/cases/{case_id}", headers=headers(*OPERATOR))).json()
    assert shown["requester"]["on_behalf_of"] == "王*"
    revealed = await client.post(
        f"/cases/{case_id}/reveal", json={"purpose": "visit"}, headers=headers(*OPERATOR)
    )
    assert revealed.json()["on_behalf_of"] == {"name": "王大明", "phone": "13800001111", "relation": "父亲"}


@pytest.mark.parametrize(
    "requester",
    [
        {"kind": "proxy", "name": "王小明"},
        {"kind": "self", "on_behalf_of": FATHER},
        {"kind": "guardian", "name": "王小明", "on_behalf_of": FATHER},
        {"kind": "anonymous", "phone": "13812345678"},
        {"anonymous": True, "kind": "self"},
        {"anonymous": True, "on_behalf_of": FATHER},
    ],
)
async def test_each_kind_of_requester_says_what_it_needs(
    client: httpx.AsyncClient, requester: dict[str, Any]
) -> None:
    assert (await register(client, requester=requester)).status_code == 422


@pytest.mark.parametrize("requester", [{"anonymous": True}, {"kind": "anonymous"}])
async def test_anonymous_is_said_either_way(
    client: httpx.AsyncClient, database: Database, requester: dict[str, Any]
) -> None:
    event = await registration_of(database, await register(client, requester=requester))
    assert (event.requester_kind, event.requester_can_be_asked) == ("anonymous", False)


async def test_who_does_not_agree_to_be_contacted_is_not_asked(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await register(client, requester={"phone": "13812345678", "consent": []})
    first, *recorded = await story_of(database, answer)
    assert isinstance(first, CaseRegistered)
    assert not first.requester_can_be_asked
    assert [(one.purpose, one.given) for one in recorded if isinstance(one, ConsentRecorded)] == [
        ("contact", False),
        ("share_with_handler", False),
    ]
    assert await count(database, "outbox") == 1


@pytest.mark.parametrize(
    ("pasted", "text", "author", "said_at"),
    [
        ("张三 2026/3/1 21:05\n三号楼漏水", "三号楼漏水", "张三", datetime(2026, 3, 1, 13, 5, tzinfo=UTC)),
        ("Li Si 2026-03-01 9:05:30\n漏水", "漏水", "Li Si", datetime(2026, 3, 1, 1, 5, tzinfo=UTC)),
        ("王五 2026年3月1日 21:05:\n漏水", "漏水", "王五", datetime(2026, 3, 1, 13, 5, tzinfo=UTC)),
        ("赵六：\n漏水", "漏水", "赵六", None),
        ("张三 2026/2/31 21:05\n漏水", "漏水", "张三", None),
        ("三号楼漏水", "三号楼漏水", None, None),
        ("大家好：\n三号楼漏水", "大家好：\n三号楼漏水", None, None),
        ("各位邻居:\n三号楼漏水", "各位邻居:\n三号楼漏水", None, None),
        ("@所有人：\n三号楼漏水", "@所有人：\n三号楼漏水", None, None),
        ("Dear neighbours:\nleaking", "Dear neighbours:\nleaking", None, None),
        ("Hilda:\nleaking", "leaking", "Hilda", None),
    ],
)
async def test_a_text_from_a_chat_becomes_a_case_with_its_author_and_time(
    client: httpx.AsyncClient,
    database: Database,
    pasted: str,
    text: str,
    author: str | None,
    said_at: datetime | None,
) -> None:
    await set_clock(database, START)
    answer = await register(client, channel="chat_forward", description=pasted, requester={})
    event = await registration_of(database, answer)
    assert (event.reported_at, event.requester_can_be_asked) == (said_at, False)
    revealed = await client.post(
        f"/cases/{answer.json()['case_id']}/reveal",
        json={"purpose": "handling"},
        headers=headers(*OPERATOR),
    )
    assert (revealed.json()["description"], revealed.json()["author"]) == (text, author)


async def test_what_is_filled_in_counts_more_than_what_was_pasted(
    client: httpx.AsyncClient, database: Database
) -> None:
    await set_clock(database, START)
    forwarded = {"author": "李老师", "said_at": (START - timedelta(hours=2)).isoformat()}
    answer = await register(
        client, channel="chat_forward", description="张三 2026/3/1 21:05\n漏水", forwarded=forwarded
    )
    assert (await registration_of(database, answer)).reported_at == START - timedelta(hours=2)
    assert (await register(client, forwarded=forwarded)).status_code == 422  # the hotline forwards no chats


async def test_nothing_was_reported_later_than_it_is_registered(
    client: httpx.AsyncClient, database: Database
) -> None:
    await set_clock(database, START)
    ahead = (START + timedelta(minutes=5)).isoformat()
    answer = await register(client, channel="patrol", requester={}, reported_at=ahead)
    assert (await registration_of(database, answer)).reported_at == START


# ── how urgent ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_words_for_danger_raise_the_urgency_and_its_clocks(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await register(client, category_code="road-damage", description="有人差点触电")
    event = await registration_of(database, answer)
    assert (event.urgency, event.policy.urgency) == ("emergency", "emergency")
    assert answer.json()["transfer"] is None


async def test_no_word_and_nobody_lowers_it_at_registration(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await register(client, urgency="appointment")
    assert (await registration_of(database, answer)).urgency == "emergency"
    raised = await register(client, category_code="road-damage", urgency="emergency")
    assert (await registration_of(database, raised)).policy.urgency == "emergency"


async def test_the_operator_sees_likely_categories_and_answers(
    client: httpx.AsyncClient, directory: Directory
) -> None:
    asked = {"text": "居住证怎么办？路面有个坑，井盖也不见了"}
    answer = await client.post("/triage", json=asked, headers=headers(*OPERATOR))
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert {"road-damage", "manhole-cover"} <= {one["code"] for one in found["categories"]}
    assert [one["id"] for one in found["snippets"]] == ["residence"]
    crisis = await client.post("/triage", json={"text": "Collapse! 昏迷"}, headers=headers(*OPERATOR))
    assert (crisis.json()["transfer"]["number"], crisis.json()["urgency"]) == ("120", "emergency")
    assert (
        await client.post("/triage", json=asked, headers=headers("p-r", Role.READER, "street"))
    ).status_code == 403
    in_the_address = await client.get("/triage", params=asked, headers=headers(*OPERATOR))
    assert in_the_address.status_code == 405, "what a caller says stands in no address"


async def test_a_policy_of_the_place_and_time_holds(
    client: httpx.AsyncClient, database: Database, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_clock(database, START)
    own = directory.policies["emergency"].model_copy(update={"id": "quicker"})
    monkeypatch.setitem(directory.policies, own.id, own)
    use = PolicyUse(id="u", policy_id=own.id, unit_id="community-a", valid_from=START)
    monkeypatch.setitem(directory.policy_uses, use.id, use)
    directory._forget()
    assert (await registration_of(database, await register(client))).policy.id == "quicker"
    await set_clock(database, START - timedelta(seconds=1))
    assert (await registration_of(database, await register(client))).policy.id == "emergency"


async def test_care_and_people_who_may_not_be_sent_are_told(
    client: httpx.AsyncClient, database: Database
) -> None:
    event = await registration_of(database, await register(client, care=True, excluded=["p-grid-a1-a"]))
    assert (event.care, event.excluded) == (True, ("p-grid-a1-a",))
    refused = await register(client, excluded=["p-nobody"])
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown-person")


# ── whose it is ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rightful", "listed", "ladder"),
    [
        (None, ("manhole-cover",), ["grid-a1", "community-a", "street", "civil-affairs"]),
        (None, ("road-damage",), ["street", "civil-affairs"]),
        ("market-regulation", ("road-damage",), ["market-regulation", "civil-affairs"]),
        ("civil-affairs", ("road-damage",), ["civil-affairs"]),
        ("no-such-unit", ("road-damage",), ["street", "civil-affairs"]),
    ],
)
async def test_nothing_outside_its_duty_list_reaches_a_community(
    client: httpx.AsyncClient,
    database: Database,
    directory: Directory,
    monkeypatch: pytest.MonkeyPatch,
    rightful: str | None,
    listed: tuple[str, ...],
    ladder: list[str],
) -> None:
    category = directory.categories["manhole-cover"].model_copy(update={"rightful_unit_id": rightful})
    monkeypatch.setitem(directory.categories, category.code, category)
    duties = DutyList(id="d", unit_id="community-a", category_codes=listed)
    monkeypatch.setitem(directory.duty_lists, duties.id, duties)
    directory._forget()
    answer = await register(client)
    event = await registration_of(database, answer)
    assert [rung.unit_id for rung in event.ladder] == ladder
    assert event.unit_path[-1] == "grid-a1"
    assert answer.json()["rightful_unit_id"] == (rightful if len(ladder) < 4 else None)


async def test_what_nobody_above_may_take_is_refused_naming_whose_it_is(
    client: httpx.AsyncClient, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    category = directory.categories["manhole-cover"].model_copy(update={"rightful_unit_id": "the-railway"})
    monkeypatch.setitem(directory.categories, category.code, category)
    for unit_id in ("community-a", "street", "civil-affairs"):
        monkeypatch.setitem(
            directory.duty_lists, unit_id, DutyList(id=unit_id, unit_id=unit_id, category_codes=())
        )
    directory._forget()
    refused = await register(client)
    assert (refused.status_code, refused.json()["code"]) == (422, "outside-duty-list")
    assert refused.json()["rightful_unit_id"] == "the-railway"


# ── ended at once ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_question_is_answered_from_the_knowledge_and_closes(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    said = {"snippet_id": "residence", "text": "周一至周五 9 点到 17 点"}
    answer = await register(client, key="call-1", category_code="road-damage", answer=said)
    told = answer.json()
    assert told["outcome"] == "answered"
    assert told["told"]["zh"] == "办理居住证请带身份证到窗口。\n周一至周五 9 点到 17 点"
    story = await story_of(database, answer)
    assert [type(event) for event in story] == [CaseRegistered, CaseAnswered, CaseClosed]
    assert (story[0].ends_at_once, story[2].closed_by) == ("answered", "answer")  # type: ignore[attr-defined]
    assert "周一" not in str([event.model_dump_json() for event in story])
    assert await count(database, "outbox") == 3
    again = await register(client, key="call-1", category_code="road-damage", answer=said)
    assert (again.json(), again.headers["idempotency-replayed"]) == (told, "true")
    shown = await client.get(f"/track/{told['number']}", params={"code": told["pickup_code"]})
    assert (shown.json()["state"], shown.json()["told"]) == ("closed", told["told"])
    token = service.settings.internal_tokens[0].value.hex()
    message = await client.get(
        f"/internal/contacts/{told['case_id']}",
        params={"purpose": "case_answered"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert message.json()["text"] == told["told"]["zh"]


async def test_a_walk_in_post_does_the_business_on_the_spot(
    client: httpx.AsyncClient, database: Database
) -> None:
    done = {"text": "已代为缴费"}
    answer = await register(client, CLERK, channel="walk_in_post", answer=done, category_code="road-damage")
    assert (answer.status_code, answer.json()["outcome"]) == (201, "answered")


async def test_a_walk_in_says_at_which_post_it_was_taken_in(
    client: httpx.AsyncClient, database: Database, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Unit(id="post-a1", kind="post", name=Name(zh="驿站", en="Post"), parent_id="community-a")
    shut = post.model_copy(update={"id": "post-a2", "retired_at": START})
    for unit in (post, shut):
        monkeypatch.setitem(directory.units, unit.id, unit)
    answer = await register(client, CLERK, channel="walk_in_post", taken_at="post-a1")
    assert (await registration_of(database, answer)).taken_at == "post-a1"
    shown = await client.get(f"/cases/{answer.json()['case_id']}", headers=headers(*OPERATOR))
    assert shown.json()["taken_at"] == "post-a1"
    at_the_window = await register(client, CLERK, channel="window", taken_at="community-a")
    assert (await registration_of(database, at_the_window)).taken_at == "community-a"
    for unit_id in ("post-a2", "post-z"):
        refused = await register(client, CLERK, channel="walk_in_post", taken_at=unit_id)
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown-unit")
    assert (await register(client, taken_at="post-a1")).status_code == 422, "a hotline is at no post"


@pytest.mark.parametrize("reason", list(NotAcceptedReason))
async def test_each_of_the_six_refusals_says_what_the_caller_is_told(
    client: httpx.AsyncClient, database: Database, reason: NotAcceptedReason
) -> None:
    refusal: dict[str, Any] = {"reason": reason, "rightful_unit_id": "market-regulation"}
    if reason is NotAcceptedReason.EMERGENCY_SERVICE:
        refusal["service"] = "traffic"
    answer = await register(client, key="once", not_accepted=refusal)
    told = answer.json()["told"]
    assert told["zh"]
    assert told["en"]
    assert "30 日" in told["zh"]
    if reason is NotAcceptedReason.BEYOND_DUTY:
        assert "市场监管所" in told["zh"]
        assert "Market regulation" in told["en"]
    if reason is NotAcceptedReason.EMERGENCY_SERVICE:
        assert "122" in told["zh"]
        assert answer.json()["transfer"]["number"] == "122"
    story = await story_of(database, answer)
    assert [type(event) for event in story] == [CaseRegistered, CaseNotAccepted, CaseClosed]
    assert (await register(client, key="once", not_accepted=refusal)).json() == answer.json()


def test_every_refusal_has_its_own_sentence() -> None:
    assert set(TOLD) == set(NotAcceptedReason)
    sentences = {told_of_refusal(reason, EmergencyService.POLICE, None).zh for reason in NotAcceptedReason}
    assert len(sentences) == 6


@pytest.mark.parametrize(
    "change",
    [
        {"not_accepted": {"reason": "emergency_service"}},
        {"not_accepted": {"reason": "unlawful", "service": "police"}},
        {"not_accepted": {"reason": "beyond_duty", "rightful_unit_id": "nobody"}},
        {"not_accepted": {"reason": "bored"}},
        {"answer": {}},
        {"answer": {"snippet_id": "nothing"}},
        {"answer": {"text": "好"}, "not_accepted": {"reason": "unlawful"}},
    ],
)
async def test_an_end_at_once_is_complete(
    client: httpx.AsyncClient, database: Database, change: dict[str, Any]
) -> None:
    assert (await register(client, **change)).status_code == 422
    assert await count(database, "cases") == 0


@pytest.mark.parametrize(
    ("person", "answers", "refuses"),
    [
        (OPERATOR, 201, 201),
        (("p-s", Role.SUPERVISOR, "community-a"), 201, 201),
        (CLERK, 201, 403),
        (("p-o", Role.UNIT_OFFICER, "community-b"), 403, 403),
        (("p-w", Role.GRID_WORKER, "grid-a1"), 403, 403),
    ],
)
async def test_who_may_end_a_case_at_once(
    client: httpx.AsyncClient, person: Person_, answers: int, refuses: int
) -> None:
    assert (await register(client, person, answer={"text": "好"})).status_code == answers
    refused = await register(client, person, not_accepted={"reason": "unlawful"})
    assert refused.status_code == refuses


async def test_residents_answer_and_refuse_nothing_themselves(client: httpx.AsyncClient) -> None:
    changes: list[dict[str, Any]] = [
        {"answer": {"text": "x"}},
        {"care": True},
        {"excluded": []},
        {"urgency": "emergency"},
    ]
    for change in changes:
        assert (await client.post("/reports", json=a_call(channel="web", **change))).status_code == 422


async def test_an_answer_that_is_contested_becomes_a_case(
    client: httpx.AsyncClient, database: Database, service: Service
) -> None:
    told = (await register(client, answer={"text": "请自行联系"})).json()
    contested = await client.post(f"/track/{told['number']}/contest", json={"code": told["pickup_code"]})
    assert contested.json()["state"] == "reopened", contested.text
    case_id = UUID(told["case_id"])
    await hear(database, *Others(case_id, round=2).work())
    token = await link_of(client, service, case_id)
    assert (await client.post(f"/follow-up-links/{token}", json=CONTENT)).json()["outcome"] == "solved"
