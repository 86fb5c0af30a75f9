"""One's own password, second step and devices; nothing secret in the journal."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx
import pyotp
import pytest

from services.registry.demo.accounts import password_of
from shared.database import Database
from tests.registry.accounts import WRONG, bearer, is_what_its_story_says, kinds_told, tried
from tests.registry.conftest import headers_of, session_of

NEW = "a much better password"
ME = "grid-a1-a"


def shows(password: str | None = None, **more: str) -> dict[str, str]:
    return {"password": password or password_of(ME), **more}


# ── password ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_changed_password_ends_every_other_device(client: httpx.AsyncClient, demo: Database) -> None:
    here, there = await session_of(client, ME), await session_of(client, ME)

    changed = await client.post("/me/password", json=shows(new_password=NEW), headers=bearer(here))

    assert changed.status_code == 200, changed.text
    assert changed.headers["cache-control"] == "no-store"
    for session in (here, there):
        again = await client.post("/refresh", json={"refresh_token": session["refresh_token"]})
        assert again.status_code == 401
    mine = await client.post("/refresh", json={"refresh_token": changed.json()["refresh_token"]})
    assert mine.status_code == 200
    assert (await tried(client, ME)).status_code == 401
    assert (await tried(client, ME, NEW)).status_code == 200
    assert not (await is_what_its_story_says(demo, ME)).demo


async def test_a_wrong_old_password_is_counted_and_locks(client: httpx.AsyncClient, demo: Database) -> None:
    headers = await headers_of(client, ME)
    for _ in range(5):
        wrong = await client.post("/me/password", json=shows(WRONG, new_password=NEW), headers=headers)
        assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong-password")

    locked = await client.post("/me/password", json=shows(new_password=NEW), headers=headers)
    assert (locked.status_code, locked.json()["code"]) == (429, "account-locked")
    assert (await kinds_told(demo, ME))[-1] == "AccountLocked"
    assert (await tried(client, ME)).status_code == 401


@pytest.mark.parametrize("new", ["grid-a1-a-is-me", "aaaaaaaaaaaaaa", "short"])
async def test_a_poor_password_is_refused(client: httpx.AsyncClient, new: str) -> None:
    headers = await headers_of(client, ME)

    answer = await client.post("/me/password", json=shows(new_password=new), headers=headers)
    assert answer.status_code == 422
    assert (await tried(client, ME)).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["password", "second-step", "second-step/confirm", "second-step/recovery-codes", "second-step/turn-off"],
)
async def test_nothing_of_it_without_signing_in(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(f"/me/{path}", json={})).status_code == 401


# ── second step ───────────────────────────────────────────────────────────────────────────────────────────────────


async def with_codes(client: httpx.AsyncClient) -> tuple[pyotp.TOTP, list[str], dict[str, str]]:
    """An authenticator app that was taken up with the code before the present one, so that the next two are new."""
    headers = await headers_of(client, ME)
    begun = await client.post("/me/second-step", json=shows(), headers=headers)
    assert begun.status_code == 200, begun.text
    assert begun.json()["address"].startswith("otpauth://totp/")
    app = pyotp.TOTP(begun.json()["secret"])
    confirmed = await client.post("/me/second-step/confirm", json={"code": code(app, -1)}, headers=headers)
    assert confirmed.status_code == 200, confirmed.text
    return app, confirmed.json()["recovery_codes"], headers


def code(app: pyotp.TOTP, steps: int = 0) -> str:
    return app.generate_otp(app.timecode(datetime.now(UTC)) + steps)


async def test_with_a_second_step_the_password_alone_is_not_enough(
    client: httpx.AsyncClient, demo: Database
) -> None:
    app, _, _ = await with_codes(client)

    assert (await tried(client, ME)).json()["code"] == "code-needed"
    assert (await tried(client, ME, WRONG, code=code(app))).json()["code"] == "wrong-account-or-password"
    assert (await tried(client, ME, code="000000")).json()["code"] == "wrong-code"
    good = code(app)
    assert (await tried(client, ME, code=good)).status_code == 200
    assert (await tried(client, ME, code=good)).json()["code"] == "wrong-code", "each is good once"
    assert (await is_what_its_story_says(demo, ME)).codes


async def test_of_two_at_once_with_one_code_one_gets_in(client: httpx.AsyncClient) -> None:
    app, _, _ = await with_codes(client)
    good = code(app)

    answers = await asyncio.gather(*(tried(client, ME, code=good) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]


async def test_wrong_codes_lock_as_wrong_passwords_do(client: httpx.AsyncClient) -> None:
    app, _, _ = await with_codes(client)
    for _ in range(5):
        await tried(client, ME, code="000000")

    assert (await tried(client, ME, code=code(app))).json()["code"] == "wrong-account-or-password"


async def test_a_recovery_code_is_good_once(client: httpx.AsyncClient, demo: Database) -> None:
    _, recovery, headers = await with_codes(client)

    assert (await tried(client, ME, recovery_code=recovery[0].upper())).status_code == 200
    assert (await tried(client, ME, recovery_code=recovery[0])).json()["code"] == "wrong-code"
    assert (await is_what_its_story_says(demo, ME)).recovery_codes_left == 9
    renewed = await client.post("/me/second-step/recovery-codes", json=shows(), headers=headers)
    assert len(renewed.json()["recovery_codes"]) == 10
    assert (await tried(client, ME, recovery_code=recovery[1])).status_code == 401
    assert (await is_what_its_story_says(demo, ME)).recovery_codes_left == 10


async def test_it_is_not_on_before_a_code_was_shown(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client, ME)
    await client.post("/me/second-step", json=shows(), headers=headers)

    wrong = await client.post("/me/second-step/confirm", json={"code": "000000"}, headers=headers)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong-code")
    assert (await tried(client, ME)).status_code == 200


async def test_turning_it_on_or_off_takes_the_password(client: httpx.AsyncClient) -> None:
    _, _, headers = await with_codes(client)

    async def asked(path: str, password: str) -> tuple[int, str]:
        answer = await client.post(f"/me/{path}", json=shows(password), headers=headers)
        return answer.status_code, answer.json()["code"] if answer.content else ""

    assert await asked("second-step", password_of(ME)) == (409, "codes-are-on")
    assert await asked("second-step/turn-off", WRONG) == (403, "wrong-password")
    assert await asked("second-step/recovery-codes", WRONG) == (403, "wrong-password")
    assert await asked("second-step/turn-off", password_of(ME)) == (204, "")
    assert await asked("second-step/turn-off", password_of(ME)) == (409, "codes-are-off")
    assert (await tried(client, ME)).status_code == 200


async def test_nothing_secret_is_kept_in_the_clear(client: httpx.AsyncClient, demo: Database) -> None:
    app, recovery, headers = await with_codes(client)
    await client.post("/me/password", json=shows(new_password=NEW), headers=headers)

    async with demo.transaction() as tx:
        journal = "".join(row["data"] for row in await tx.rows("SELECT data FROM journal"))
        outbox = "".join(row["body"] for row in await tx.rows("SELECT body FROM outbox"))
        [row] = await tx.rows(
            "SELECT codes_key, codes_sealed, password_hash FROM accounts WHERE account = 'grid-a1-a'"
        )
        kept = await tx.rows("SELECT code_hash FROM recovery_codes")
        answers = await tx.rows("SELECT CAST(idempotency_keys AS text) AS line FROM idempotency_keys")
    secrets = (app.secret, NEW, password_of(ME), *recovery, row["password_hash"])
    text = journal + outbox + "".join(answer["line"] for answer in answers)
    assert not any(secret in text for secret in secrets)
    assert app.secret.encode() not in row["codes_key"] + row["codes_sealed"]
    assert {len(each["code_hash"]) for each in kept} == {32}


# ── devices ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_list_of_devices_names_them_and_ends_one(client: httpx.AsyncClient, demo: Database) -> None:
    phone = await tried(client, ME)
    desk = (
        await client.post(
            "/sign-in", json={"account": ME, "password": password_of(ME)}, headers={"User-Agent": "desk"}
        )
    ).json()
    headers = bearer(desk)

    found = (await client.get("/me/sessions", headers=headers)).json()["items"]
    assert {session["device"] for session in found} == {"desk", client.headers["user-agent"]}
    [other] = [session for session in found if session["device"] != "desk"]
    assert (await client.post(f"/me/sessions/{other['id']}/end", headers=headers)).status_code == 204
    again = await client.post("/refresh", json={"refresh_token": phone.json()["refresh_token"]})
    assert again.status_code == 401
    assert len((await client.get("/me/sessions", headers=headers)).json()["items"]) == 1
    assert (await kinds_told(demo, ME))[-1] == "SessionsEnded"


async def test_somebody_elses_device_is_unknown(client: httpx.AsyncClient) -> None:
    headers = await headers_of(client, ME)
    [session] = (await client.get("/me/sessions", headers=headers)).json()["items"]

    other = await headers_of(client, "grid-a1-b")
    assert (await client.post(f"/me/sessions/{session['id']}/end", headers=other)).status_code == 404
    assert len((await client.get("/me/sessions", headers=headers)).json()["items"]) == 1
    assert (await client.get("/me/sessions")).status_code == 401


async def test_signing_out_everywhere_ends_every_device(client: httpx.AsyncClient) -> None:
    here, there = await session_of(client, ME), await session_of(client, ME)
    other = await session_of(client, "grid-a1-b")

    assert (await client.post("/me/sign-out-everywhere", headers=bearer(here))).status_code == 204
    codes = [
        (await client.post("/refresh", json={"refresh_token": session["refresh_token"]})).status_code
        for session in (here, there, other)
    ]
    assert codes == [401, 401, 200]
    assert (await client.post("/me/sign-out-everywhere")).status_code == 401
