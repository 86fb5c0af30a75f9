"""The senders: due messages are claimed for all channels at once, sent beside each other, and recorded together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from services.notify import metrics
from services.notify.channels import Channel, Message, Result, Unreachable
from services.notify.channels.console import Console
from services.notify.channels.contact import Contacts
from services.notify.channels.sms import Sms
from services.notify.channels.smtp import Smtp
from services.notify.channels.webhook import Webhook
from services.notify.channels.webpush import WebPush
from services.notify.handlers import sending
from services.notify.handlers.office import Office, receivers_of
from services.notify.handlers.sending import Sources
from services.notify.queries import messages, people
from services.notify.queries.messages import Again, Outgoing
from services.notify.rules.circuit import Allowance, Circuit, CircuitLimits, CircuitState, Receiver
from services.notify.rules.ways import Via
from services.notify.settings import Settings
from shared.database import Database, Transaction
from shared.health import Beat
from shared.identity import internal_headers
from shared.logs import about
from shared.retry import forever
from shared.simulation import Pending
from shared.who_comes import AskWhoComes

log = logging.getLogger(__name__)

SEND_POLL_SECONDS = 0.1
MEASURE_SECONDS = 2.0
REST_SECONDS_MIN = 0.5
OWN_FAILURES_MAX = 3
"""Of what is one person's own, in the period in which a gateway is granted CIRCUIT_FAILURES_MAX."""
SENT_OVER = (Via.SMTP, Via.SMS, Via.WEBHOOK, Via.WEBPUSH, Via.CONSOLE)


def channel_of(via: Via, settings: Settings) -> Channel | None:
    """The channel as the environment opens it; `None` if it does not."""
    timeout = settings.send_timeout_seconds
    if via is Via.CONSOLE:
        return Console(is_read=settings.demo_is_allowed)
    if via is Via.WEBHOOK and settings.webhook_secrets:
        return Webhook(settings.webhook_secrets, timeout)
    if via is Via.SMS and settings.sms_gateway_url is not None:
        return Sms(settings.sms_gateway_url, settings.webhook_secrets, timeout, settings.receipts_url)
    if via is Via.WEBPUSH and settings.vapid_key is not None:
        contact = settings.vapid_contact or settings.public_url
        return WebPush(settings.vapid_key, contact=contact, timeout_seconds=timeout)
    if via is Via.SMTP and settings.smtp_host is not None:
        return Smtp(
            host=settings.smtp_host,
            port=settings.smtp_port,
            sender=settings.smtp_sender,
            user=settings.smtp_user,
            password=settings.smtp_password,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            timeout_seconds=timeout,
        )
    return None


def sources_of(settings: Settings) -> Sources:
    contacts = None
    if settings.intake_url:
        timeout = settings.send_timeout_seconds
        contacts = Contacts(settings.intake_url, internal_headers(settings), timeout)
    return Sources(contacts, AskWhoComes(settings))


class Circuits:
    """One circuit per receiver. A person's own opens long before that of the gateway or host they share with others, so
    that one dead address is no reason to leave the others alone."""

    def __init__(self, settings: Settings) -> None:
        period, rest = settings.circuit_period_seconds, settings.circuit_open_seconds
        self.limits = CircuitLimits(settings.circuit_failures_max, period, rest)
        self._own = CircuitLimits(min(OWN_FAILURES_MAX, settings.circuit_failures_max), period, rest)
        self._by_receiver: dict[Receiver, Circuit] = {}

    def of(self, receiver: Receiver) -> Circuit:
        return self._by_receiver.get(receiver, Circuit())

    def state(self, receiver: Receiver, now: float) -> CircuitState:
        return self.of(receiver).state(now, self.limits)

    def pass_one(self, receivers: Sequence[Receiver], now: float) -> float:
        """0 if a message to them may be tried now, which is counted as a try; else how long to wait."""
        for circuit in map(self.of, receivers):
            if not circuit.lets_pass(now, self.limits):
                return max(REST_SECONDS_MIN, circuit.seconds_left(now, self.limits))
        for receiver in receivers:
            if (tried := self.of(receiver).passing(now, self.limits)) is not self.of(receiver):
                self._by_receiver[receiver] = tried
        return 0.0

    def answered(self, receivers: Sequence[Receiver], result: Result, now: float) -> None:
        """An answer, even a no, says that somebody is there."""
        for receiver in receivers:
            if isinstance(result, Unreachable):
                self._failed(receiver, result.because, now)
            else:
                self._by_receiver.pop(receiver, None)

    def _failed(self, receiver: Receiver, because: str, now: float) -> None:
        before = self.of(receiver)
        after = before.failed(now, self._own if receiver.person_id else self.limits)
        self._by_receiver[receiver] = after
        if after.opened_at is not None and before.opened_at is None:
            metrics.CIRCUIT_OPENINGS.labels(receiver.via).inc()
            log.warning("%s is left alone for %g s: %s", receiver, self.limits.open_seconds, because)

    def resting(self, now: float) -> frozenset[Receiver]:
        """Those that are left alone, or only tried."""
        return frozenset(
            receiver
            for receiver, circuit in self._by_receiver.items()
            if circuit.state(now, self.limits) is not CircuitState.CLOSED
        )

    def not_closed(self, via: Via, now: float) -> int:
        return sum(receiver.via == via for receiver in self.resting(now))


@dataclass
class Lane:
    """One channel at work."""

    via: Via
    channel: Channel
    allowance: Allowance
    sending: int = 0


@dataclass
class Done:
    """What came of the messages of a turn, until it is written down."""

    outcomes: list[sending.Outcome] = field(default_factory=list)
    untried: list[Again] = field(default_factory=list)


class Sending:
    """One loop for all channels, each with its own room, so that a dead mail server delays no text message.

    A claimed message is leased: if this process dies between sending and recording, the message is due again when
    the lease ends and goes out once more under the same key."""

    def __init__(self, office: Office, vias: Collection[Via] = SENT_OVER) -> None:
        self._office, self._vias = office, vias
        self.circuits = Circuits(office.settings)
        self._lanes: dict[Via, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._done = Done()
        self._measured_at = 0.0
        self._met_unknown = False

    async def run(self, database: Database, beat: Beat) -> None:
        settings, now = self._office.settings, _now()
        self._database = database
        for via in self._vias:
            if (channel := channel_of(via, settings)) is not None:
                rate = self._office.rate_of(via)
                self._lanes[via] = Lane(via, channel, Allowance.full(rate, now))
                metrics.RATE_ROWS_PER_SECOND.labels(via).set(rate or 0)
        self._sources = sources_of(settings)
        try:
            await forever(self._turn, beat)
        finally:
            await self._close()

    async def pending(self, tx: Transaction) -> Pending:
        """For the simulation: messages due now or being sent."""
        queues = await messages.queues(tx)
        return Pending(in_flight=sum(queue.in_flight for via, queue in queues.items() if via in self._lanes))

    async def _turn(self) -> None:
        """Claim as many as there is room for, begin sending them, write down those that ended."""
        rooms = self._rooms()
        claimed, devices = await self._claim(rooms) if rooms else ([], [])
        for outgoing in claimed:
            self._begin(outgoing, devices)
        await self._measure()
        if self._tasks:
            ended, self._tasks = await asyncio.wait(
                self._tasks, timeout=SEND_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for fault in [task.exception() for task in ended]:
                if fault is not None:
                    raise fault
        elif not claimed:
            await asyncio.sleep(SEND_POLL_SECONDS)
        await self._record()

    def _rooms(self) -> dict[Via, int]:
        """How many of each channel may be claimed now: what is free, allowed, and not left alone."""
        now, rooms = _now(), {}
        for lane in self._lanes.values():
            most = self._office.settings.send_at_once_max - lane.sending
            # A webhook's messages go to many receivers; those of one that rests are put off one by one.
            gateway = Receiver(lane.via)
            if lane.via is not Via.WEBHOOK and self.circuits.state(gateway, now) is not CircuitState.CLOSED:
                may_try = self.circuits.of(gateway).lets_pass(now, self.circuits.limits)
                most = min(most, int(may_try))
            lane.allowance = lane.allowance.refilled(now)
            room = lane.allowance.room(most)
            if most > 0 and room == 0:
                metrics.RATE_LIMITED.labels(lane.via).inc()
            if room > 0:
                rooms[lane.via] = room
        self._office.resting = self.circuits.resting(now)
        return rooms

    async def _claim(self, rooms: dict[Via, int]) -> tuple[list[Outgoing], Sequence[people.Device]]:
        async with self._database.transaction() as tx:
            claimed = await messages.claim(tx, rooms, self._office.settings.send_lease_seconds)
            pushed = {one.person_id for one in claimed if one.via is Via.WEBPUSH and one.person_id}
            devices = await people.devices(tx, sorted(pushed)) if pushed else []
        return claimed, devices

    def _begin(self, outgoing: Outgoing, devices: Sequence[people.Device]) -> None:
        receivers = receivers_of(self._database.directory, outgoing.via, outgoing.person_id)
        if wait_seconds := self.circuits.pass_one(receivers, _now()):
            self._done.untried.append(Again(outgoing, wait_seconds, "left alone for now", untried=True))
            return
        lane = self._lanes[outgoing.via]
        lane.allowance = lane.allowance.spent(1)
        lane.sending += 1
        self._tasks.add(asyncio.create_task(self._send(lane, outgoing, receivers, devices)))

    async def _send(
        self,
        lane: Lane,
        outgoing: Outgoing,
        receivers: Sequence[Receiver],
        devices: Sequence[people.Device],
    ) -> None:
        try:
            with about(case_id=outgoing.case_id, event_id=outgoing.event_id):
                result, answered = await self._handed_over(lane, outgoing, devices)
            if answered:
                self.circuits.answered(receivers, result, _now())
            self._done.outcomes.append((outgoing, result))
        finally:
            lane.sending -= 1

    async def _handed_over(
        self, lane: Lane, outgoing: Outgoing, devices: Sequence[people.Device]
    ) -> tuple[Result, bool]:
        """What became of it, and whether the channel itself said so. A fault of ours in one message is logged and
        counts as not reached, so that it cannot stop the others."""
        try:
            message = await sending.compose(
                self._office, self._database.directory, outgoing, self._sources, devices
            )
            if not isinstance(message, Message):
                return message, False
            return await lane.channel.send(message), True
        except Exception as wrong:
            log.exception("message %s could not be sent", outgoing.key)
            return Unreachable(f"{type(wrong).__name__} of ours"), False

    async def _record(self) -> None:
        """Kept until it is written: while the database is away nothing is forgotten that was sent."""
        done = self._done
        if not (done.outcomes or done.untried):
            return
        outcomes, untried = list(done.outcomes), list(done.untried)
        async with self._database.transaction() as tx:
            await sending.record(self._office, tx, outcomes, untried)
        del done.outcomes[: len(outcomes)], done.untried[: len(untried)]

    async def _measure(self) -> None:
        now = _now()
        if now - self._measured_at < MEASURE_SECONDS:
            return
        self._measured_at = now
        async with self._database.transaction() as tx:
            queues, (held, _) = await messages.queues(tx), await messages.held(tx)
            unknown, example = await messages.unknown(tx)
        metrics.HELD_ROWS.set(held)
        metrics.UNKNOWN_ROWS.set(unknown)
        if unknown and not self._met_unknown:
            log.warning("messages this version does not know are left to a newer one, such as %s", example)
        self._met_unknown = unknown > 0
        for via in self._lanes:
            queue = queues.get(via, messages.Queue())
            metrics.QUEUE_ROWS.labels(via).set(queue.rows)
            metrics.QUEUE_AGE_SECONDS.labels(via).set(queue.seconds)
            metrics.CIRCUITS_OPEN.labels(via).set(self.circuits.not_closed(via, now))

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = set()
        for lane in self._lanes.values():
            await lane.channel.close()
        await self._sources.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
