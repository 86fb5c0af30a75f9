"""Each service as its own API tests assemble it: the demo's units and people, a database of its own with something in
it, and somebody who may ask for everything, so that routes are really entered."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from services.insight.figures.shipped import DEFINITIONS
from services.insight.handlers.hearing import fold
from services.notify.channels.variables import VARIABLES
from services.registry.demo.world import write
from shared.database import Database
from shared.identity import internal_headers
from shared.keys import new_secret, new_signing_keys
from shared.service import Service
from shared.vocabulary import Language, Role, Urgency
from tests.dispatch.phones import Phone, a_photo
from tests.dispatch.world import START, A, Scene, directory
from tests.escalation import story as escalation
from tests.escalation.conftest import hear
from tests.insight.stories import every_story
from tests.intake import world as intake
from tests.notify import story as notify
from tests.notify.conftest import hear_in
from tests.people import an_issuer

FIRST_ROSTER = date(2026, 3, 1)
TOP = "civil-affairs"

Known = Mapping[str, Sequence[Any]]
"""What is there, by the name that paths have for it."""


@dataclass(frozen=True)
class Ground:
    """What a service is put up on."""

    database_url: str
    folder: Path
    name: str

    def settings(self, kind: type[Any]) -> Any:
        key, signing = self.folder / "secret.key", self.folder / "signing.jwks"
        key.write_text(new_secret(demo=True))
        signing.write_text(new_signing_keys(demo=True))
        given = {
            "yike_env": "test",
            "database_url": self.database_url,
            "kafka_bootstrap": "127.0.0.1:1",
            "public_url": "https://yike.test",
            "files_url": "memory://",
            "master_key_file": key,
            "internal_token_file": key,
            "webhook_secret_file": key,
            "signing_key_file": signing,
            "sign_in_refused_after_ms": 0,
            "reports_per_source_per_minute_max": 1_000_000,
            "stream_lasts_seconds_max": 0.05,
            "board_seconds": 0.05,
        }
        return kind.model_validate(
            {name: value for name, value in given.items() if name in kind.model_fields}
        )


@dataclass
class World:
    """A service and what is in it. `headers` are the sign-ins by the scheme that a route names."""

    service: Service
    person_id: str = A
    known: dict[str, Known] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, dict[str, str]]:
        everything = [(role, TOP) for role in Role]
        return {
            "person": an_issuer().headers(self.person_id, *everything),
            "service": internal_headers(self.service.settings),
        }

    def known_at(self, path: str) -> dict[str, Sequence[Any]]:
        """By parameter: what fits the longest beginning of the path."""
        fitting = sorted((begin for begin in self.known if path.startswith(begin)), key=len)
        return {name: found for begin in fitting for name, found in self.known[begin].items()}

    async def close(self) -> None:
        await self.service.database.close()
        if "files" in self.service.__dict__:
            self.service.files.close()


async def put_up(ground: Ground) -> World:
    """The service with what its routes are to find; its loops do not run."""
    main = importlib.import_module(f"services.{ground.name}.main")
    settings = ground.settings(main.Settings)
    known = notify.a_town() if ground.name == "notify" else directory()
    world = World(main.assemble(settings, directory=known, verifier=an_issuer().verifier(settings)))
    await stand_still(world.service.database)
    await FILLED[ground.name](world)
    return world


async def stand_still(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.rows(
            "INSERT INTO clock_anchors (real_from, sim_from, rate) VALUES (clock_timestamp(), :at, 0)",
            at=START,
        )


async def _registry(world: World) -> None:
    """The demo; who asks is its administrator, whose rights stand in the registry itself."""
    await write(world.service.database, FIRST_ROSTER, days=3)
    world.person_id = "p-administrator-1"
    async with world.service.database.transaction() as tx:
        shifts = await tx.rows("SELECT id FROM shifts ORDER BY id LIMIT 3")
    ids = {
        "units": ["grid-a1", "community-a"],
        "people": ["p-grid-a1-a", "p-street-s1"],
        "categories": ["manhole-cover"],
        "policies": ["emergency"],
        "calendars": ["cn"],
        "shifts": [row["id"] for row in shifts],
    }
    world.known = {f"/api/registry/{kind}/": {"id": found} for kind, found in ids.items()}
    world.known["/api/registry/accounts/"] = {"account": ["grid-a1-a", "community-a-o1"]}
    world.known["/api/registry/exports/"] = {"name": ["units", "people", "categories", "shifts"]}


async def _intake(world: World) -> None:
    """A case that came in by phone, a question about it and a file to it, and one that is handled and asked about."""
    world.person_id = "p-operator-1"
    asking = httpx.AsyncClient(
        transport=httpx.ASGITransport(world.service.app),
        base_url="http://intake/api/intake",
        headers=world.headers["person"],
    )
    taken = (await asking.post("/cases", json=intake.a_call())).json()
    handled = (await asking.post("/cases", json=intake.a_call(category_code="road-damage"))).json()
    case_id = UUID(handled["case_id"])
    await intake.hear(world.service.database, *intake.Others(case_id, START).work())
    asked = await asking.post(f"/cases/{taken['case_id']}/questions", json={"text": "哪一栋？"})
    attached = await asking.post(
        f"/cases/{taken['case_id']}/attachments",
        files={"file": ("a.jpg", a_photo(102.7, 25.1), "image/jpeg")},
    )
    async with world.service.database.transaction() as tx:
        follow_ups = await tx.rows("SELECT id FROM follow_ups")
    world.known["/api/intake/"] = {
        "case_id": [taken["case_id"], str(case_id)],
        "number": [taken["number"], handled["number"]],
        "question_id": [asked.json()["question_id"]],
        "attachment_id": [attached.json()["attachment_id"]],
        "follow_up_id": [row["id"] for row in follow_ups],
    }


async def _dispatch(world: World) -> None:
    """A case that is offered to whoever asks, one that they have taken, one of somebody else, and an alarm."""
    scene = Scene(world.service.database, world.service.sealer)
    taken = await scene.registered()
    offer = await scene.offer(taken)
    await scene.accept(offer)
    phone = Phone(world.service, offer.person_id)
    added = await phone.photograph(offer.part_id, a_photo(102.7, 25.1))
    offered, other = await scene.registered(), await scene.registered("grid-b1")
    states = [await scene.state(case_id) for case_id in (taken, offered, other)]
    world.person_id = offer.person_id
    world.known["/api/dispatch/"] = {
        "case_id": [taken, offered, other],
        "part_id": [part.id for state in states for part in state.parts],
        "offer_id": [one.id for state in states for one in state.offers],
        "evidence_id": [added.json()["evidence_id"]],
        "alarm_id": [(await phone.post("/alarms")).json()["alarm_id"]],
        "person_id": [offer.person_id],
    }


async def _escalation(world: World) -> None:
    """A case that whoever asks holds, raised once by missed clocks."""
    story = escalation.Story(Urgency.ROUTINE)
    accepted = story.accepted(1)
    for event in (story.registered, accepted):
        await hear(world.service.database, event)
    world.person_id = accepted.person_id
    world.known["/api/escalation/"] = {"case_id": [story.case_id]}


async def _notify(world: World) -> None:
    """A feed with something in it."""
    told = notify.Story()
    world.person_id = "a"
    async with world.service.database.transaction() as tx:
        await hear_in(world.service.app.state.office, tx, told.registered(), told.offered())
    audience, kind = min(VARIABLES)
    world.known["/api/notify/templates/"] = {"audience": [audience], "kind": [kind], "language": [*Language]}


async def _insight(world: World) -> None:
    """What became of some cases, and figures that were kept of them."""
    stories = every_story()
    async with world.service.database.transaction() as tx:
        events = [event for story in stories for event in story.events]
        await fold(tx, events, await tx.lock(*{event.subject for event in events}))
    world.known["/api/insight/"] = {
        "case_id": [story.case_id for story in stories[:3]],
        "name": list(DEFINITIONS)[:3],
    }


FILLED: dict[str, Callable[[World], Awaitable[None]]] = {
    "registry": _registry,
    "intake": _intake,
    "dispatch": _dispatch,
    "escalation": _escalation,
    "notify": _notify,
    "insight": _insight,
}
