"""Taking cases in: from staff by any channel, from residents by web and WeChat. Written in micro-batches."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request, Response

from services.intake.api.edge import NO_STORE, PublicUrl, Register, Seals
from services.intake.commands import RegisterCase, Registered, ReportCase
from services.intake.handlers.permissions import MAY_REGISTER
from services.intake.handlers.refusals import problem_of
from services.intake.handlers.registration import Taken, TakenBefore, answer_again, draw_up
from services.intake.registration import Registrar
from services.intake.rules.refusals import Refused
from shared.database import Database
from shared.directory import Directory
from shared.event import REQUESTER, Actor
from shared.idempotency import REPLAYED, RequestKey
from shared.ids import uuid7
from shared.routes import Caller, Db, Key, Registry, allow, open_to_everybody, router_for
from shared.sealing import Sealer

router = router_for("intake", one_transaction=False)


@router.post("/cases", status_code=201, dependencies=[allow(*MAY_REGISTER)])
async def register_case(
    body: RegisterCase,
    request: Request,
    response: Response,
    who: Caller,
    key: Key,
    directory: Registry,
    database: Db,
    registrar: Register,
    sealer: Seals,
    public_url: PublicUrl,
) -> Registered:
    desk = _Desk(directory, database, registrar, sealer, public_url)
    return await desk.take(body, who.actor(), key or _own_key(request), response)


@router.post("/reports", status_code=201, dependencies=[open_to_everybody()])
async def report_case(
    body: ReportCase,
    request: Request,
    response: Response,
    key: Key,
    directory: Registry,
    database: Db,
    registrar: Register,
    sealer: Seals,
    public_url: PublicUrl,
) -> Registered:
    desk = _Desk(directory, database, registrar, sealer, public_url)
    return await desk.take(body, REQUESTER, key or _own_key(request), response)


def _own_key(request: Request) -> RequestKey:
    """For who sent none: after an unknown COMMIT the same order is tried again and must not make two cases."""
    return RequestKey(f"{request.method} {request.url.path}", str(uuid7()), b"")


class _Desk:
    """What both routes need to take a case in."""

    def __init__(
        self, directory: Directory, database: Database, registrar: Registrar, sealer: Sealer, public_url: str
    ) -> None:
        self._directory, self._database, self._registrar = directory, database, registrar
        self._sealer, self._public_url = sealer, public_url

    async def take(
        self, command: RegisterCase, actor: Actor, key: RequestKey, response: Response
    ) -> Registered:
        response.headers.update(NO_STORE)
        order = draw_up(command, actor, self._keyed(key), self._directory, self._sealer)
        outcome = order if isinstance(order, Refused) else await self._registrar.register(order)
        match outcome:
            case Refused():
                raise problem_of(outcome)
            case TakenBefore(case_id):
                response.headers[REPLAYED] = "true"
                async with self._database.transaction() as tx:
                    answer = await answer_again(tx, case_id, self._sealer, self._public_url)
            case Taken():
                answer = outcome.answer(self._public_url)
        response.headers["Location"] = f"/api/intake/cases/{answer.case_id}"
        return answer

    def _keyed(self, key: RequestKey) -> RequestKey:
        """The bare hash of a body would tell a phone number to who can try them all."""
        return replace(key, body_sha256=self._sealer.blind_index(key.body_sha256.hex()))
