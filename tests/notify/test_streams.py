"""The feed on a running service: nothing lost, nothing repeated, whoever is cut off and wherever they come back."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client import REGISTRY

from services.notify.handlers.office import Office
from services.notify.settings import Settings
from services.notify.timers.keeping import Forgetting
from shared.database import Database
from tests.notify.conftest import Hear, StartReplica, hear_in
from tests.notify.reader import Heard, listening, signed_in_as, take
from tests.notify.story import Story


async def tell(hear: Hear, person_id: str, count: int, **fields: object) -> None:
    story = Story()
    await hear(story.registered(**fields), *(story.offered(person_id) for _ in range(count)))


def seqs(events: list[Heard]) -> list[int]:
    return [event.data["seq"] for event in events]


def sample(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


async def test_catches_up_and_goes_on_live(hear: Hear, start_replica: StartReplica) -> None:
    await tell(hear, "a", 3)
    async with start_replica() as base_url, listening(base_url, "a") as events:
        assert seqs(await take(events, 3)) == [1, 2, 3]
        await tell(hear, "a", 1)
        await tell(hear, "b", 1)
        [live] = await take(events, 1)
        assert (live.id, live.data["kind"]) == ("4", "offer")


async def test_a_reader_cut_at_any_moment_resumes_without_loss_or_repetition(
    database: Database, office: Office, start_replica: StartReplica
) -> None:
    total, heard = 200, list[Heard]()

    async def write() -> None:
        """Several writers of one feed, in transactions of random size and length."""
        left = iter(range(total))

        async def some() -> None:
            while batch := list(islice(left, random.randint(1, 4))):
                story = Story()
                async with database.transaction() as tx:
                    await hear_in(office, tx, story.registered(), *(story.offered("a") for _ in batch))
                    await asyncio.sleep(random.uniform(0, 0.01))

        await asyncio.gather(*(some() for _ in range(4)))

    async with start_replica() as one, start_replica() as another:
        writing = asyncio.create_task(write())
        async with asyncio.timeout(60):
            while len(heard) < total:
                place = heard[-1].id if heard else None
                async with listening(random.choice((one, another)), "a", last_event_id=place) as events:
                    heard += await take(events, min(random.randint(0, 12), total - len(heard)))
        await writing

    assert seqs(heard) == list(range(1, total + 1))


async def test_what_another_replica_wrote_arrives_within_the_poll(
    hear: Hear, start_replica: StartReplica
) -> None:
    async with (
        start_replica() as one,
        start_replica() as another,
        listening(one, "a") as phone,
        listening(another, "a") as tablet,
    ):
        await tell(hear, "a", 2)
        assert seqs(await take(phone, 2, within_seconds=2)) == seqs(await take(tablet, 2)) == [1, 2]


async def test_a_reader_whose_past_is_gone_is_told_so_and_gets_what_is_kept(
    hear: Hear, database: Database, settings: Settings, start_replica: StartReplica
) -> None:
    await tell(hear, "a", 10)
    await Forgetting(settings.model_copy(update={"feed_kept_rows": 4})).forget(database)

    async with start_replica() as base_url:
        async with listening(base_url, "a", last_event_id="2") as events:
            reset, *kept = await take(events, 5)
        assert (reset.name, reset.id, reset.data) == ("reset", "6", {"forgotten_up_to": 6, "last_seq": 10})
        assert seqs(kept) == [7, 8, 9, 10]
        async with listening(base_url, "a", last_event_id="6") as events:
            assert seqs(await take(events, 4)) == [7, 8, 9, 10]
        async with listening(base_url, "a") as events:
            assert seqs(await take(events, 4)) == [7, 8, 9, 10]


async def test_a_place_that_was_never_written_begins_anew(hear: Hear, start_replica: StartReplica) -> None:
    await tell(hear, "a", 2)
    async with start_replica() as base_url, listening(base_url, "a", last_event_id="77") as events:
        reset, *all_of_it = await take(events, 3)
    assert reset.name == "reset"
    assert seqs(all_of_it) == [1, 2]


async def test_old_rows_are_forgotten_and_numbers_go_on(
    hear: Hear, database: Database, settings: Settings
) -> None:
    await tell(hear, "a", 3)
    async with database.transaction() as tx:
        await tx.rows(
            "UPDATE feed SET created_at = created_at - CAST(:age AS interval)", age=timedelta(days=31)
        )
    forgetting = Forgetting(settings)
    assert await forgetting.forget(database) == 3
    assert await forgetting.forget(database) == 0
    await tell(hear, "a", 1)
    async with database.transaction() as tx:
        assert [row["seq"] for row in await tx.rows("SELECT seq FROM feed")] == [4]


async def test_messages_that_are_over_are_forgotten_and_those_on_their_way_are_not(
    database: Database, settings: Settings
) -> None:
    written = """
        INSERT INTO messages (notice_id, key, event_id, case_id, kind, via, body, state, written_at)
        SELECT gen_random_uuid(), state || days, gen_random_uuid(), gen_random_uuid(), 'registered', 'webhook', '{}',
               state, clock_timestamp() - make_interval(days => days)
        FROM unnest(ARRAY['due', 'sent', 'failed']) AS state, unnest(ARRAY[29, 31]) AS days
    """
    async with database.transaction() as tx:
        await tx.rows(written)
    assert await Forgetting(settings).forget(database) == 2
    async with database.transaction() as tx:
        kept = {row["key"] for row in await tx.rows("SELECT key FROM messages")}
    assert kept == {"due29", "due31", "sent29", "failed29"}


async def test_a_reader_who_stops_reading_is_cut_and_the_others_go_on(
    hear: Hear, set_up: Callable[..., Settings], start_replica: StartReplica
) -> None:
    set_up(STREAM_SEND_TIMEOUT_SECONDS="0.5")
    await tell(hear, "a", 400, headline="很长" * 10_000)
    cut_before, open_before = sample("yike_http_streams_cut_total"), sample("yike_notify_open_streams")

    async with start_replica() as base_url:
        stalled = await asyncio.to_thread(_ask_and_never_read, base_url)
        try:
            async with listening(base_url, "b") as events:
                async with asyncio.timeout(15):
                    while sample("yike_http_streams_cut_total") == cut_before:
                        await asyncio.sleep(0.05)
                await tell(hear, "b", 1)
                assert seqs(await take(events, 1)) == [1]
                assert sample("yike_notify_open_streams") == open_before + 1
        finally:
            stalled.close()


def _ask_and_never_read(base_url: str) -> socket.socket:
    address = urlsplit(base_url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((address.hostname, address.port))
    lines = ["GET /api/notify/feed HTTP/1.1", "Host: notify"]
    lines += [f"{name}: {value}" for name, value in signed_in_as("a").items()]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return connection


async def test_a_stream_ends_after_its_time_and_is_resumed(hear: Hear, start_replica: StartReplica) -> None:
    await tell(hear, "a", 1)
    async with start_replica(stream_lasts_seconds_max=0.3) as base_url:
        async with listening(base_url, "a") as events:
            heard = [event async for event in events]
        assert seqs(heard) == [1]


@pytest.mark.parametrize("path", ["/api/notify/feed", "/api/notify/feed/items"])
async def test_nobody_reads_a_feed_without_signing_in(path: str, start_replica: StartReplica) -> None:
    async with start_replica() as base_url, httpx.AsyncClient(base_url=base_url) as client:
        assert (await client.get(path)).status_code == 401
        assert (await client.post("/api/notify/feed/read", json={"up_to": 1})).status_code == 401


async def test_everybody_reads_and_marks_their_own_feed_only(hear: Hear, start_replica: StartReplica) -> None:
    await tell(hear, "a", 3)
    async with start_replica() as base_url, httpx.AsyncClient(base_url=base_url) as client:
        as_a, as_b = signed_in_as("a"), signed_in_as("b")
        page = (await client.get("/api/notify/feed/items", headers=as_a, params={"limit": 2})).json()
        assert [item["seq"] for item in page["items"]] == [1, 2]
        assert (page["next"], page["last_seq"]) == (2, 3)
        rest = (await client.get("/api/notify/feed/items", headers=as_a, params={"after": 2})).json()
        assert ([item["seq"] for item in rest["items"]], rest["next"]) == ([3], None)
        assert (await client.get("/api/notify/feed/items", headers=as_b)).json()["items"] == []

        answer = await client.post("/api/notify/feed/read", headers=as_b, json={"up_to": 3})
        assert answer.json() == {"last_seq": 0, "read_up_to": 0}
        answer = await client.post("/api/notify/feed/read", headers=as_a, json={"up_to": 3})
        assert answer.json() == {"last_seq": 3, "read_up_to": 3}
        read = (await client.get("/api/notify/feed/items", headers=as_a)).json()
        assert all(item["read"] for item in read["items"])


async def test_a_place_that_is_no_number_is_refused(start_replica: StartReplica) -> None:
    async with start_replica() as base_url, httpx.AsyncClient(base_url=base_url) as client:
        headers = signed_in_as("a") | {"Last-Event-ID": "x1"}
        assert (await client.get("/api/notify/feed", headers=headers)).json()["code"] == "no-feed-number"
