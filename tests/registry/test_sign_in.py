"""Signing in, going on, and signing out; what a stolen token is worth."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Literal

import httpx
import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters
from joserfc import jwt
from joserfc.jwk import KeySet

from services.registry.demo.accounts import password_of
from services.registry.handlers import passwords
from services.registry.handlers.passwords import Passwords
from services.registry.handlers.sign_in import refuse_demo_accounts
from services.registry.settings import Settings
from shared.database import Database
from shared.keys import new_secret, new_signing_keys
from shared.problems import Problem
from tests.registry.conftest import headers_of, session_of


async def refreshed(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/refresh", json={"refresh_token": token})


async def test_signing_in_gives_a_token_that_the_published_keys_confirm(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    session = await session_of(client, "grid-a1-a")

    keys = KeySet.import_key_set((await client.get("/jwks.json")).json())
    claims = jwt.decode(session["access_token"], keys, algorithms=["ES256"]).claims
    assert claims["iss"] == settings.oidc_issuer
    assert claims["sub"] == "p-grid-a1-a"
    assert claims["grants"] == [{"role": "grid_worker", "unit_id": "grid-a1"}]
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert abs(claims["iat"] - time.time()) < 60


async def test_the_published_keys_hold_no_private_half(client: httpx.AsyncClient) -> None:
    [key] = (await client.get("/jwks.json")).json()["keys"]

    assert "d" not in key
    assert {key["kty"], key["crv"], key["alg"], key["use"]} == {"EC", "P-256", "ES256", "sig"}


async def test_discovery_names_the_issuer_and_its_keys(client: httpx.AsyncClient, settings: Settings) -> None:
    document = (await client.get("/.well-known/openid-configuration")).json()

    assert document["issuer"] == settings.oidc_issuer
    assert document["jwks_uri"] == f"{settings.oidc_issuer}/jwks.json"


async def test_business_time_does_not_move_tokens(client: httpx.AsyncClient, demo: Database) -> None:
    async with demo.transaction() as tx:
        await tx.rows(
            "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (now() - interval '1 hour', '2020-04-01Z', 0)"
        )

    session = await session_of(client, "grid-a1-a")

    assert (await client.get("/me", headers=bearer(session))).status_code == 200
    assert (await refreshed(client, session["refresh_token"])).status_code == 200


def bearer(session: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


async def test_a_wrong_password_and_an_unknown_account_read_the_same(client: httpx.AsyncClient) -> None:
    wrong = await client.post("/sign-in", json={"account": "grid-a1-a", "password": "not this one"})
    unknown = await client.post("/sign-in", json={"account": "nobody", "password": "not this one"})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["code"] == "wrong-account-or-password"


async def test_an_unknown_account_costs_the_same_work_as_a_wrong_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that nobody can tell them apart by how long it takes."""
    guard, work = Passwords(at_once=1, waiting_max=1), list[Parameters]()
    stored = await guard.hash("the right one")

    class Counted(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            work.append(extract_parameters(str(hash)))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "HASHER", Counted())
    for hash in (stored, None):
        assert not await guard.fits("the wrong one", hash)
    assert work == [extract_parameters(stored)] * 2


async def test_a_crowd_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Passwords(at_once=1, waiting_max=2)

    answers = await asyncio.gather(*(guard.fits("x", None) for _ in range(5)), return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, Problem)]
    assert [problem.code for problem in refused] == ["busy", "busy"]
    assert answers.count(False) == 3
    assert await guard.fits("x", None) is False


async def test_the_loop_turns_while_a_password_is_checked() -> None:
    guard = Passwords(at_once=1, waiting_max=1)
    turns = 0
    check = asyncio.ensure_future(guard.fits("x", None))
    while not check.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns > 10


async def test_a_refresh_token_is_good_once_and_gives_the_next(client: httpx.AsyncClient) -> None:
    first = await session_of(client, "grid-a1-a")
    second = (await refreshed(client, first["refresh_token"])).json()
    third = await refreshed(client, second["refresh_token"])

    assert third.status_code == 200
    assert len({first["refresh_token"], second["refresh_token"], third.json()["refresh_token"]}) == 3
    assert third.headers["cache-control"] == "no-store"


async def test_an_old_token_shown_again_ends_the_whole_session(client: httpx.AsyncClient) -> None:
    stolen = (await session_of(client, "grid-a1-a"))["refresh_token"]
    second = (await refreshed(client, stolen)).json()["refresh_token"]
    third = (await refreshed(client, second)).json()["refresh_token"]

    assert (await refreshed(client, stolen)).status_code == 401
    assert (await refreshed(client, third)).status_code == 401


async def test_an_old_token_shown_late_ends_the_session_too(
    client: httpx.AsyncClient, demo: Database
) -> None:
    first = (await session_of(client, "grid-a1-a"))["refresh_token"]
    second = (await refreshed(client, first)).json()["refresh_token"]
    async with demo.transaction() as tx:
        await tx.rows(
            "UPDATE refresh_tokens SET used_at = used_at - interval '2 minutes',"
            " made_at = made_at - interval '2 minutes'"
        )

    assert (await refreshed(client, first)).status_code == 401
    assert (await refreshed(client, second)).status_code == 401


async def test_another_device_is_not_signed_out_with_it(client: httpx.AsyncClient) -> None:
    other = (await session_of(client, "grid-a1-a"))["refresh_token"]
    await test_an_old_token_shown_again_ends_the_whole_session(client)

    assert (await refreshed(client, other)).status_code == 200


async def test_a_phone_that_lost_the_answer_may_ask_again(client: httpx.AsyncClient) -> None:
    first = (await session_of(client, "grid-a1-a"))["refresh_token"]
    lost = (await refreshed(client, first)).json()["refresh_token"]
    again = await refreshed(client, first)

    assert again.status_code == 200
    assert (await refreshed(client, lost)).status_code == 401
    assert (await refreshed(client, again.json()["refresh_token"])).status_code == 200


async def test_of_two_at_once_only_the_last_goes_on(client: httpx.AsyncClient) -> None:
    first = (await session_of(client, "grid-a1-a"))["refresh_token"]

    answers = await asyncio.gather(*(refreshed(client, first) for _ in range(4)))

    tokens = [answer.json()["refresh_token"] for answer in answers]
    good = [(await refreshed(client, token)).status_code for token in tokens]
    assert sorted(good) == [200, 401, 401, 401]


async def test_signing_out_ends_the_session(client: httpx.AsyncClient) -> None:
    session = await session_of(client, "grid-a1-a")
    gone = await client.post("/sign-out", json={"refresh_token": session["refresh_token"]})

    assert gone.status_code == 204
    assert (await refreshed(client, session["refresh_token"])).status_code == 401
    assert (await client.post("/sign-out", json={"refresh_token": "nobody's"})).status_code == 204


async def test_signing_out_everywhere_ends_every_device(client: httpx.AsyncClient) -> None:
    here, there = [(await session_of(client, "grid-a1-a"))["refresh_token"] for _ in range(2)]
    await client.post("/sign-out", json={"refresh_token": here, "everywhere": True})

    assert (await refreshed(client, there)).status_code == 401


async def test_an_expired_session_is_over(client: httpx.AsyncClient, demo: Database) -> None:
    token = (await session_of(client, "grid-a1-a"))["refresh_token"]
    async with demo.transaction() as tx:
        await tx.rows("UPDATE sessions SET expires_at = clock_timestamp()")

    assert (await refreshed(client, token)).status_code == 401


async def test_whoever_leaves_cannot_go_on(client: httpx.AsyncClient) -> None:
    token = (await session_of(client, "caller-2"))["refresh_token"]
    administrator = await headers_of(client, "administrator-1")
    person = (await client.get("/people/p-caller-2", headers=administrator)).json()
    gone = await client.put(
        "/people/p-caller-2",
        json={**person, "retired_at": "2026-01-01T00:00:00Z"},
        headers=administrator | {"If-Match": "*"},
    )

    assert gone.status_code == 200, gone.text
    assert (await refreshed(client, token)).status_code == 401
    again = {"account": "caller-2", "password": password_of("caller-2")}
    assert (await client.post("/sign-in", json=again)).status_code == 401


async def test_no_refresh_token_is_kept_in_the_clear(client: httpx.AsyncClient, demo: Database) -> None:
    token = (await session_of(client, "grid-a1-a"))["refresh_token"]
    async with demo.transaction() as tx:
        [row] = await tx.rows("SELECT token_hash FROM refresh_tokens")

    assert len(row["token_hash"]) == 32
    assert token.encode() not in row["token_hash"]


async def test_an_administrator_gives_a_new_password_and_old_sessions_end(client: httpx.AsyncClient) -> None:
    token = (await session_of(client, "grid-a1-a"))["refresh_token"]
    body = {"person_id": "p-grid-a1-a", "password": "a better password"}
    headers = {**await headers_of(client, "administrator-1"), "If-Match": "*"}
    answer = await client.put("/accounts/grid-a1-a", json=body, headers=headers)

    assert answer.status_code == 204
    assert (await refreshed(client, token)).status_code == 401
    signed_in = await client.post("/sign-in", json={"account": "grid-a1-a", "password": "a better password"})
    assert signed_in.status_code == 200


async def test_nobody_else_gives_passwords(client: httpx.AsyncClient) -> None:
    body = {"person_id": "p-grid-a1-a", "password": "a better password"}
    answer = await client.put("/accounts/grid-a1-a", json=body, headers=await headers_of(client, "street-s1"))

    assert answer.status_code == 403


async def test_a_disabled_account_cannot_sign_in(client: httpx.AsyncClient) -> None:
    body = {"person_id": "p-grid-a1-a", "password": "a better password", "disabled": True}
    headers = {**await headers_of(client, "administrator-1"), "If-Match": "*"}
    assert (await client.put("/accounts/grid-a1-a", json=body, headers=headers)).status_code == 204

    answer = await client.post("/sign-in", json={"account": "grid-a1-a", "password": "a better password"})
    assert answer.status_code == 401


def in_production(settings: Settings, folder: Path) -> Settings:
    (folder / "real.jwks").write_text(new_signing_keys())
    (folder / "real.token").write_text(new_secret())
    (folder / "real.key").write_text(new_secret())
    return Settings(
        yike_env="production",
        database_url=settings.database_url,
        kafka_bootstrap=settings.kafka_bootstrap,
        signing_key_file=folder / "real.jwks",
        internal_token_file=folder / "real.token",
        master_key_file=folder / "real.key",
    )


async def test_production_does_not_start_beside_demo_accounts(settings: Settings, tmp_path: Path) -> None:
    await refuse_demo_accounts(settings)

    with pytest.raises(SystemExit, match="demo accounts"):
        await refuse_demo_accounts(in_production(settings, tmp_path))


def test_real_passwords_are_hashed_slowly_and_demo_ones_quickly() -> None:
    assert passwords.HASHER.memory_cost >= 65_536
    assert passwords.DEMO_HASHER.memory_cost < 1024


async def test_fifteen_minutes_is_the_longest_a_revoked_person_goes_on(settings: Settings) -> None:
    assert timedelta(minutes=settings.access_token_minutes) == timedelta(minutes=15)
