"""派单策略变更: the supervisors of a street hear in which way its emergencies are sent from now on, once per change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from services.notify.channels.wording import source_of
from services.notify.handlers.office import Office
from services.notify.handlers.things import tell_of_things
from services.notify.queries import feeds
from shared.database import Database
from shared.directory import Directory
from shared.events.things import UnitChanged
from shared.going import MatchingPolicy
from shared.vocabulary import Language
from tests.notify.story import NIGHT, a_town


@pytest.fixture
async def database(quiet_office: Office) -> AsyncIterator[Database]:
    opened = Database(quiet_office.settings.database_url, source="notify", directory=a_town())
    yield opened
    await opened.close()


def sent_by(directory: Directory, unit_id: str = "street", **said: Any) -> None:
    unit = directory.units[unit_id].model_copy(update=said)
    directory.take(UnitChanged(at=NIGHT, sequence=directory.revision + 1, unit=unit))


async def told(database: Database, office: Office, person_id: str = "s-street") -> list[dict[str, Any]]:
    for _ in range(2):
        async with database.transaction() as tx:
            await tell_of_things(office, tx, await tx.now())
    async with database.transaction() as tx:
        page = await feeds.feed_page(tx, person_id, 0, 100)
    bodies: list[dict[str, Any]] = [orjson.loads(item.body) for item in page.items]
    return [body for body in bodies if body["kind"] == "matching_changed"]


async def test_each_change_is_told_once_and_so_is_the_way_back(
    database: Database, quiet_office: Office
) -> None:
    directory = database.directory
    assert await told(database, quiet_office) == [], "nobody is told of what ships"

    sent_by(directory, matching_policy=MatchingPolicy.FASTEST_FREE, shadow_policy=MatchingPolicy.ENGINE)
    [first] = await told(database, quiet_office)
    assert first["title"] == "派单策略变更：街道"
    assert "按“最快”派单，并与“引擎”比较（只记录，不影响派单）" in first["text"]
    assert "待命建议：关闭" in first["text"]

    sent_by(directory, matching_policy=None, shadow_policy=None, advises=True)
    assert "待命建议：开启" in (await told(database, quiet_office))[-1]["text"]
    sent_by(directory, matching_policy=MatchingPolicy.FASTEST_FREE, advises=False)
    assert len(await told(database, quiet_office)) == 3
    sent_by(directory, matching_policy=None)
    back = await told(database, quiet_office)
    assert len(back) == 4
    assert "按“引擎”派单。" in back[-1]["text"]


async def test_only_the_streets_own_supervisors_are_told(database: Database, quiet_office: Office) -> None:
    sent_by(database.directory, matching_policy=MatchingPolicy.OWN_GRID)

    assert len(await told(database, quiet_office)) == 1
    for other in ("s-community", "s-civil", "elsewhere", "street-o", "a"):
        assert await told(database, quiet_office, other) == []


@pytest.mark.parametrize("language", list(Language))
def test_every_policy_has_a_word(language: Language) -> None:
    assert set(source_of(language)["terms"]["matching_policy"]) == set(MatchingPolicy)
