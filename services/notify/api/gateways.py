"""The other ends: receipts of gateways, and how the channels stand."""

from __future__ import annotations

from fastapi import Request
from pydantic import BaseModel

from services.notify.api import TheOffice
from services.notify.channels.webhook import is_signed
from services.notify.commands import GiveReceipts
from services.notify.handlers import receipts
from services.notify.queries import messages
from services.notify.rules.circuit import Receiver
from services.notify.rules.ways import Via
from shared.openapi import refusing
from shared.problems import Problem
from shared.routes import Tx, allow, open_to_everybody, router_for
from shared.vocabulary import Role

router = router_for("notify")


class ReceiptsTaken(BaseModel):
    """`new` said something not known before; `unknown` ids were never sent from here, or are forgotten."""

    new: int
    unknown: list[str]


class ChannelShown(BaseModel):
    """One channel of this installation: what waits, how long the oldest has, and whether a receiver of it is left
    alone (as this process sees it)."""

    via: str
    rows: int
    oldest_seconds: float
    resting: bool
    rows_per_second: float | None


class Channels(BaseModel):
    items: list[ChannelShown]
    held_rows: int


@router.post("/receipts", dependencies=[open_to_everybody()], responses=refusing(401))
async def take_receipts(body: GiveReceipts, request: Request, tx: Tx, office: TheOffice) -> ReceiptsTaken:
    """Signed as our own webhooks are, under the same secret (channels/webhook.py); 401 otherwise. The shape stands in
    channels/sms.py."""
    if not is_signed(office.settings.webhook_secrets, request.headers, await request.body()):
        raise Problem(
            401,
            "not-signed",
            "签名无效 / The signature is not right",
            detail="按 Standard Webhooks 用共享密钥签名，时间误差不超过 5 分钟"
            " / Sign as Standard Webhooks says with the shared secret, not more than 5 minutes off",
        )
    taken = await receipts.take_receipts(office, tx, body)
    return ReceiptsTaken(new=taken.new, unknown=list(taken.unknown))


@router.get("/channels", dependencies=[allow(Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR)])
async def channels(tx: Tx, office: TheOffice) -> Channels:
    """No throttle is hidden: what waits is seen here and in the metrics."""
    queues, (held, _) = await messages.queues(tx), await messages.held(tx)
    shown = [via for via in Via if via in office.open and via is not Via.FEED]
    items = [
        ChannelShown(
            via=via,
            rows=queue.rows,
            oldest_seconds=round(queue.seconds, 3),
            resting=Receiver(via) in office.resting,
            rows_per_second=office.rate_of(via),
        )
        for via in shown
        for queue in [queues.get(via, messages.Queue())]
    ]
    return Channels(items=items, held_rows=held)
