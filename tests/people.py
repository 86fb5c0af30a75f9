"""Signed-in people for tests: an issuer of our own whose keys need no fetching.

service = Service(…, verifier=an_issuer().verifier(settings))
headers = an_issuer().headers("p-w1-3-a", (Role.GRID_WORKER, "grid-w1-3"))
"""

from __future__ import annotations

import time
from functools import cache

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from shared.identity import Claims, IssuerKeys, Verifier
from shared.settings import ServiceSettings
from shared.things import Grant
from shared.vocabulary import Role

ISSUER = "https://issuer.test"
DAY_SECONDS = 24 * 3600
"""A module may sign people in when it is read; its tests may come much later than registry's quarter of an hour."""


class GivenKeys(IssuerKeys):
    """Keys that are known without asking anybody."""

    def __init__(self, *keys: ECKey) -> None:
        super().__init__(ISSUER)
        self.given = KeySet(list(keys))

    async def with_key(self, key_id: str | None) -> KeySet:
        return self.given


class Issuer:
    """Signs what registry would."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "test-1", "alg": "ES256", "use": "sig"})

    def token(
        self,
        person_id: str,
        *grants: tuple[Role, str],
        expires_in_seconds: int = DAY_SECONDS,
        iss: str = ISSUER,
    ) -> str:
        now = int(time.time())
        held = tuple(Grant(role=role, unit_id=unit_id) for role, unit_id in grants)
        claims = Claims(
            iss=iss, sub=person_id, name=person_id, grants=held, iat=now, exp=now + expires_in_seconds
        )
        header = {"alg": "ES256", "kid": self.key.kid}
        return jwt.encode(header, claims.model_dump(mode="json", exclude_none=True), self.key)

    def headers(self, person_id: str, *grants: tuple[Role, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(person_id, *grants)}"}

    def verifier(self, settings: ServiceSettings) -> Verifier:
        """For `Service(verifier=…)`; it believes this issuer only."""
        return Verifier(settings.model_copy(update={"oidc_issuer": ISSUER}), GivenKeys(self.key))


@cache
def an_issuer() -> Issuer:
    return Issuer()
