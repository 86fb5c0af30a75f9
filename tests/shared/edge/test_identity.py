"""Tokens of a configured issuer, checked against the keys it publishes."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from shared.directory import Directory
from shared.identity import UNKNOWN_KEY_REFETCH_SECONDS, IssuerKeys, Verifier
from shared.problems import Problem
from shared.settings import ServiceSettings, Surroundings
from shared.things import Grant, Name, Person
from shared.vocabulary import Language, Role
from tests.people import ISSUER, Issuer, an_issuer

WORKER = (Role.GRID_WORKER, "grid-1")


def settings(**more: object) -> ServiceSettings:
    given = {
        "yike_env": Surroundings.TEST,
        "database_url": "-",
        "kafka_bootstrap": "-",
        "oidc_issuer": ISSUER,
        **more,
    }
    return ServiceSettings.model_validate(given)


class Published(ThreadingHTTPServer):
    """An issuer's JWKS address, with a count of how often it was asked."""

    def __init__(self, *keys: ECKey) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.keys, self.asked, self.away = list(keys), 0, False
        self.url = f"http://127.0.0.1:{self.server_port}/jwks.json"


class _Answer(BaseHTTPRequestHandler):
    server: Published

    def do_GET(self) -> None:
        self.server.asked += 1
        body = json.dumps({"keys": [key.as_dict(private=False) for key in self.server.keys]}).encode()
        self.send_response(503 if self.server.away else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def published() -> Iterator[Published]:
    server = Published(an_issuer().key)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def code_of(verifier: Verifier, token: str, directory: Directory | None = None) -> int:
    try:
        await verifier.person_of(token, directory)
    except Problem as refused:
        return refused.status
    return 200


async def test_a_person_and_what_they_may_do(published: Published) -> None:
    verifier = Verifier(settings(jwks_url=published.url))

    who = await verifier.person_of(an_issuer().token("p-1", WORKER), None)

    assert (who.person_id, who.grants) == ("p-1", (Grant(role=Role.GRID_WORKER, unit_id="grid-1"),))
    assert who.actor(Role.GRID_WORKER).model_dump() == {
        "kind": "staff",
        "person_id": "p-1",
        "role": "grid_worker",
        "on_behalf_of": None,
    }


async def test_keys_are_fetched_once_and_tokens_checked_once(published: Published) -> None:
    verifier = Verifier(settings(jwks_url=published.url))
    token = an_issuer().token("p-1", WORKER)

    for _ in range(5):
        await verifier.person_of(token, None)

    assert published.asked == 1


async def test_an_unknown_key_is_looked_for_but_not_with_every_token(published: Published) -> None:
    clock = Clock()
    verifier = Verifier(settings(), IssuerKeys(published.url, clock))
    await verifier.person_of(an_issuer().token("p-1"), None)
    newcomer = Issuer()
    newcomer.key = ECKey.generate_key("P-256", {"kid": "test-2", "alg": "ES256"})

    clock.seconds += UNKNOWN_KEY_REFETCH_SECONDS
    for _ in range(5):
        assert await code_of(verifier, newcomer.token("p-1")) == 401
    assert published.asked == 2

    published.keys.append(newcomer.key)
    clock.seconds += UNKNOWN_KEY_REFETCH_SECONDS
    assert await code_of(verifier, newcomer.token("p-1")) == 200


async def test_a_withdrawn_key_is_noticed(published: Published) -> None:
    clock = Clock()
    verifier = Verifier(settings(), IssuerKeys(published.url, clock))
    token = an_issuer().token("p-1")
    assert await code_of(verifier, token) == 200

    published.keys[:] = [ECKey.generate_key("P-256", {"kid": "test-3"})]
    clock.seconds += 601
    assert await code_of(verifier, token) == 401


async def test_known_tokens_stay_good_while_the_issuer_is_away(published: Published) -> None:
    clock = Clock()
    verifier = Verifier(settings(), IssuerKeys(published.url, clock))
    assert await code_of(verifier, an_issuer().token("p-1")) == 200

    published.away = True
    clock.seconds += 3600
    assert await code_of(verifier, an_issuer().token("p-2")) == 200


async def test_before_the_first_keys_nobody_is_let_in_and_nobody_blamed(published: Published) -> None:
    """Twenty who ask at once wait behind one try, not behind twenty of three seconds each."""
    published.away, clock, token = True, Clock(), an_issuer().token("p-1")
    verifier = Verifier(settings(), IssuerKeys(published.url, clock))

    assert set(await asyncio.gather(*(code_of(verifier, token) for _ in range(20)))) == {503}
    assert published.asked == 1
    published.away = False
    clock.seconds += 1
    assert await code_of(verifier, token) == 200


async def test_what_is_not_to_be_believed() -> None:
    issuer = an_issuer()
    verifier = issuer.verifier(settings())
    stranger = Issuer()
    unsigned = jwt.encode({"alg": "HS256", "kid": "test-1"}, _claims(), OctKey.import_key("x" * 32))

    assert await code_of(verifier, issuer.token("p-1")) == 200
    assert await code_of(verifier, issuer.token("p-1", expires_in_seconds=-31)) == 401
    assert await code_of(verifier, issuer.token("p-1", iss="https://another.test")) == 401
    assert await code_of(verifier, stranger.token("p-1")) == 401
    assert await code_of(verifier, unsigned) == 401
    assert await code_of(verifier, issuer.token("p-1")[:-4] + "AAAA") == 401
    assert await code_of(verifier, "a.b.c") == 401


async def test_another_issuer_names_its_claims_otherwise() -> None:
    issuer = an_issuer()
    named = settings(claim_person="employee_id", claim_language="locale")
    claims = _claims() | {"employee_id": "p-7", "locale": "en-GB"}
    token = jwt.encode({"alg": "ES256", "kid": issuer.key.kid}, claims, issuer.key)

    who = await issuer.verifier(named).person_of(
        token, _directory(Person(id="p-7", name=_name(), grants=(_grant(),)))
    )

    assert (who.person_id, who.language) == ("p-7", Language.ENGLISH)
    assert who.grants == (_grant(),)  # its tokens know no grants: registry's count


async def test_the_audience_counts_where_one_is_configured() -> None:
    issuer = an_issuer()
    verifier = issuer.verifier(settings(oidc_audience="yike"))
    for_us = jwt.encode({"alg": "ES256", "kid": issuer.key.kid}, _claims() | {"aud": "yike"}, issuer.key)

    assert await code_of(verifier, issuer.token("p-1")) == 401
    assert await code_of(verifier, for_us) == 200


async def test_who_has_left_is_out_at_once() -> None:
    verifier = an_issuer().verifier(settings())
    left = Person(id="p-1", name=_name(), retired_at=datetime(2026, 1, 1, tzinfo=UTC))

    assert await code_of(verifier, an_issuer().token("p-1", WORKER), _directory(left)) == 401


def _claims() -> dict[str, object]:
    now = int(time.time())
    return {"iss": ISSUER, "sub": "p-1", "name": "p-1", "iat": now, "exp": now + 60}


def _grant() -> Grant:
    return Grant(role=Role.GRID_WORKER, unit_id="grid-1")


def _name() -> Name:
    return Name(zh="甲", en="A")


def _directory(*people: Person) -> Directory:
    return Directory.of(people=people)
