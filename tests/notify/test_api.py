"""What people set for themselves, what administrators edit, and who may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from services.notify.channels.webpush import public_key
from services.notify.settings import Settings
from shared.database import Database
from shared.keys import new_signing_keys
from shared.vocabulary import Role
from tests.notify.browser import Browser, PushService, a_push_service
from tests.notify.conftest import StartReplica, a_replica
from tests.notify.story import Story, a_town
from tests.people import an_issuer

PREFERENCES = "/api/notify/me/preferences"
DEVICES = "/api/notify/me/subscriptions"
WORDS = "/api/notify/templates/staff/case_urged/en"


@asynccontextmanager
async def speaking(
    base_url: str, person_id: str, *grants: tuple[Role, str]
) -> AsyncIterator[httpx.AsyncClient]:
    held = grants or ((Role.GRID_WORKER, "grid-a1"),)
    headers = an_issuer().headers(person_id, *held) | {"Accept-Language": "en"}
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
async def base_url(start_replica: StartReplica) -> AsyncIterator[str]:
    async with start_replica() as url:
        yield url


@pytest.fixture
async def push_service() -> AsyncIterator[PushService]:
    async with a_push_service() as service:
        yield service


@pytest.fixture
async def pushing(settings: Settings, tmp_path: Any) -> AsyncIterator[str]:
    """A replica that may push to browsers on this machine."""
    keys = tmp_path / "vapid"
    keys.write_text(new_signing_keys(demo=True))
    open_ = {"vapid_key_file": keys, "webpush_hosts": "127.0.0.1", "sms_gateway_url": "http://127.0.0.1:1"}
    async with a_replica(settings, a_town(), **open_, devices_per_person_max=2) as url:
        yield url


# ── preferences ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_chose_nothing_has_what_everybody_has(base_url: str) -> None:
    async with speaking(base_url, "a") as a:
        answer = await a.get(PREFERENCES)
    said = answer.json()
    assert said["channels"] == ["feed", "webpush", "sms", "webhook", "smtp"]
    assert said["quiet"] == {"starts": "22:00:00", "ends": "07:00:00"}
    assert (said["chosen"], said["version"], answer.headers["etag"]) == (False, 0, '"0"')
    assert said["reachable"] == ["feed"]


async def test_what_i_choose_is_mine_and_versioned(base_url: str) -> None:
    mine = {
        "channels": ["smtp", "feed"],
        "quiet": None,
        "digest": "daily",
        "digest_at": "17:30",
        "language": "en",
    }
    async with speaking(base_url, "a") as a, speaking(base_url, "b") as b:
        put = await a.put(PREFERENCES, json=mine, headers={"If-Match": '"0"'})
        assert put.status_code == 200, put.text
        assert put.headers["etag"] == '"1"'
        late = await a.put(PREFERENCES, json=mine, headers={"If-Match": '"0"'})
        assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
        said = (await a.get(PREFERENCES)).json()
        assert (said["channels"], said["quiet"], said["digest_at"]) == (["smtp", "feed"], None, "17:30:00")
        assert (await b.get(PREFERENCES)).json()["chosen"] is False


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"channels": ["smtp"]}, 422, "feed-needed"),
        ({"channels": ["feed", "feed"]}, 422, "channel-twice"),
        ({"channels": []}, 422, "invalid"),
        ({"channels": ["feed", "pigeon"]}, 422, "invalid"),
        ({"channels": ["feed"], "digest": "daily"}, 422, "hour-missing"),
        ({"channels": ["feed"], "quiet": {"starts": "22:00", "ends": "22:00"}}, 422, "quiet-all-day"),
        ({"channels": ["feed"], "sms_number": "13812345678"}, 409, "no-gateway"),
        ({"channels": ["feed"], "sms_number": "call me"}, 422, "invalid"),
    ],
)
async def test_what_cannot_be_chosen(wrong: dict[str, Any], status: int, code: str, base_url: str) -> None:
    async with speaking(base_url, "a") as a:
        answer = await a.put(PREFERENCES, json=wrong)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_number_is_sealed_kept_and_taken_away(pushing: str, database: Database) -> None:
    async with speaking(pushing, "a") as a:
        said = (
            await a.put(PREFERENCES, json={"channels": ["feed", "sms"], "sms_number": "13812345678"})
        ).json()
        assert said["has_sms_number"]
        assert "sms" in said["reachable"]
        async with database.transaction() as tx:
            [row] = await tx.rows("SELECT p::text AS row FROM people AS p")
        assert "13812345678" not in row["row"]
        assert b"13812345678".hex() not in row["row"]
        kept = (await a.put(PREFERENCES, json={"channels": ["feed"]})).json()
        assert kept["has_sms_number"]
        gone = (await a.put(PREFERENCES, json={"channels": ["feed"], "sms_number": None})).json()
        assert not gone["has_sms_number"]


@pytest.mark.parametrize(
    "path", [PREFERENCES, DEVICES, f"{DEVICES}/key", "/api/notify/templates", "/api/notify/channels"]
)
async def test_nobody_asks_without_signing_in(path: str, base_url: str) -> None:
    async with httpx.AsyncClient(base_url=base_url) as nobody:
        assert (await nobody.get(path)).status_code == 401


# ── devices ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_browser_is_subscribed_rung_and_forgotten_when_it_is_gone(
    pushing: str, push_service: PushService, database: Database
) -> None:
    phone, old = Browser(), Browser(status=410)
    async with speaking(pushing, "s-community", (Role.SUPERVISOR, "community-a")) as s:
        key = (await s.get(f"{DEVICES}/key")).json()["public_key"]
        assert len(key) == len(public_key(ECKey.generate_key("P-256")))
        for browser in (phone, old):
            made = await s.post(DEVICES, json=browser.subscription(push_service.endpoint(browser)))
            assert made.status_code == 201, made.text
        assert (await s.get(PREFERENCES)).json()["reachable"] == ["feed", "webpush"]
        async with database.transaction() as tx:
            text = "\n".join(row["row"] for row in await tx.rows("SELECT d::text AS row FROM devices AS d"))
        assert push_service.url not in text
        async with database.transaction() as tx:
            await tx.rows(
                "INSERT INTO messages (notice_id, key, event_id, case_id, kind, person_id, via, body, priority)"
                " VALUES (gen_random_uuid(), 'k', gen_random_uuid(), :id, 'deadline_missed', 's-community',"
                " 'webpush', '{}', 1)",
                id=Story().case_id,
            )

        async def one_left() -> bool:
            """The push service said 410 of the other."""
            return len((await s.get(DEVICES)).json()["items"]) == 1

        async with asyncio.timeout(30):
            while not (phone.pushed and await one_left()):
                await asyncio.sleep(0.02)
        assert phone.pushed[0].payload["title"] == "红灯：已超时"


async def test_devices_are_listed_by_pages_limited_and_only_their_owner_s(
    pushing: str, push_service: PushService
) -> None:
    browsers = [Browser() for _ in range(3)]
    endpoints = [push_service.endpoint(browser) for browser in browsers]
    async with speaking(pushing, "a") as a, speaking(pushing, "b") as b:
        made = [
            await a.post(DEVICES, json=browser.subscription(endpoint))
            for browser, endpoint in zip(browsers, endpoints, strict=True)
        ]
        assert [answer.status_code for answer in made] == [201, 201, 409]
        assert made[2].json()["code"] == "too-many-devices"
        again = await a.post(DEVICES, json=browsers[0].subscription(endpoints[0], name="新手机"))
        assert again.json()["id"] == made[0].json()["id"], "the same browser again"

        first = (await a.get(DEVICES, params={"limit": 1})).json()
        second = (await a.get(DEVICES, params={"limit": 1, "after": first["next"]})).json()
        assert [page["items"][0]["name"] for page in (first, second)] == ["新手机", "手机"]

        assert (await b.delete(f"{DEVICES}/{made[0].json()['id']}")).status_code == 404
        assert (await b.get(DEVICES)).json() == {"items": [], "next": None}
        taken_over = await b.post(DEVICES, json=browsers[0].subscription(endpoints[0]))
        assert taken_over.status_code == 201
        assert len((await a.get(DEVICES)).json()["items"]) == 1, "whoever signs in on it has it"
        assert (await a.delete(f"{DEVICES}/{made[1].json()['id']}")).status_code == 204
        assert (await a.get(PREFERENCES)).json()["reachable"] == ["feed"]


async def test_what_is_no_subscription_is_refused(pushing: str, base_url: str) -> None:
    known = Browser().subscription("http://127.0.0.1:9/push/x")
    async with speaking(pushing, "a") as a:
        inside = await a.post(DEVICES, json=known | {"endpoint": "http://registry:8000/x"})
        assert (inside.status_code, inside.json()["code"]) == (422, "no-push-service")
        keys = {"p256dh": "A" * 87, "auth": known["keys"]["auth"]}
        assert (await a.post(DEVICES, json=known | {"keys": keys})).json()["code"] == "no-push-keys"
    async with speaking(base_url, "a") as a:
        assert (await a.get(f"{DEVICES}/key")).json()["code"] == "no-push"
        assert (await a.post(DEVICES, json=known)).json()["code"] == "no-push"


# ── words, and how the channels stand ─────────────────────────────────────────────────────────────────────────────

ADMINISTRATOR = (Role.ADMINISTRATOR, "civil-affairs")
EDITED = {
    "title": "Urged {{ number }}",
    "text": "{{ count }} times: {{ number }}, please hurry.",
    "version": 0,
}


@pytest.mark.parametrize(
    ("grant", "status"),
    [
        (ADMINISTRATOR, 200),
        ((Role.ADMINISTRATOR, "community-a"), 403),
        ((Role.SUPERVISOR, "civil-affairs"), 403),
        ((Role.GRID_WORKER, "grid-a1"), 403),
    ],
)
async def test_words_are_edited_by_administrators_at_the_top(
    grant: tuple[Role, str], status: int, base_url: str
) -> None:
    trial = {name: EDITED[name] for name in ("title", "text")}
    trial |= {"audience": "staff", "kind": "case_urged", "language": "en"}
    async with speaking(base_url, "admin", grant) as who:
        assert (await who.get("/api/notify/templates")).status_code == status
        assert (await who.get(f"{WORDS}/editions")).status_code == status
        assert (await who.post("/api/notify/templates/preview", json=trial)).status_code == status
        assert (await who.put(WORDS, json=EDITED)).status_code == status
        assert (await who.post(f"{WORDS}/restore", json={"version": 1})).status_code == status


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.OPERATOR, 200), (Role.SUPERVISOR, 200), (Role.ADMINISTRATOR, 200), (Role.GRID_WORKER, 403)],
)
async def test_who_sees_how_the_channels_stand(role: Role, status: int, base_url: str) -> None:
    async with speaking(base_url, "x", (role, "street")) as who:
        answer = await who.get("/api/notify/channels")
    assert answer.status_code == status
    if status == 200:
        assert {one["via"] for one in answer.json()["items"]} == {"webhook", "console"}


async def test_edited_words_are_said_versioned_and_restored(base_url: str) -> None:
    async with speaking(base_url, "admin", ADMINISTRATOR) as admin:
        put = await admin.put(WORDS, json=EDITED)
        assert (put.status_code, put.json()["version"], put.json()["edited"]) == (200, 1, True)
        late = await admin.put(WORDS, json=EDITED)
        assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
        back = await admin.post(f"{WORDS}/restore", json={"version": 1})
        assert (back.json()["version"], back.json()["edited"]) == (2, False)
        page = (await admin.get(f"{WORDS}/editions", params={"limit": 1})).json()
        older = (await admin.get(f"{WORDS}/editions", params={"limit": 1, "before": page["next"]})).json()
        assert [(one["version"], one["title"]) for one in page["items"] + older["items"]] == [
            (2, None),
            (1, EDITED["title"]),
        ]
        assert (await admin.put("/api/notify/templates/staff/registered/en", json=EDITED)).status_code == 404


async def test_words_that_cannot_be_said_are_refused_with_their_place(base_url: str) -> None:
    wrong = EDITED | {"text": "{{ number }}\n{{ nmber }}"}
    trial = {"audience": "staff", "kind": "case_urged", "language": "en", "title": "x", "text": wrong["text"]}
    async with speaking(base_url, "admin", ADMINISTRATOR) as admin:
        refused = await admin.put(WORDS, json=wrong)
        tried = await admin.post("/api/notify/templates/preview", json=trial)
        shown = await admin.post("/api/notify/templates/preview", json=trial | {"text": EDITED["text"]})
    [fault] = refused.json()["errors"]
    assert refused.status_code == 422
    assert (fault["field"], fault["line"], fault["column"], fault["code"]) == (
        "text",
        2,
        4,
        "unknown-variable",
    )
    assert [one["code"] for one in tried.json()["faults"]] == ["unknown-variable"]
    assert shown.json()["text"] == "2 times: 26030017401, please hurry."


async def test_every_template_is_listed_once_by_pages(base_url: str) -> None:
    found: list[str] = []
    async with speaking(base_url, "admin", ADMINISTRATOR) as admin:
        after: str | None = ""
        while after is not None:
            page = (await admin.get("/api/notify/templates", params={"limit": 50, "after": after})).json()
            found += [f"{one['audience']}/{one['kind']}/{one['language']}" for one in page["items"]]
            after = page["next"]
    assert found == sorted(set(found))
    assert len(found) > 100
