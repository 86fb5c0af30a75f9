"""Taking cases in: from staff by any channel, from residents by web and WeChat. Written in micro-batches."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from services.intake.api.edge import NO_STORE, PublicUrl, Register, Seals
from services.intake.api.limits import within_limit
from services.intake.commands.registration import RegisterCase, Registered, ReportCase
from services.intake.handlers.permissions import MAY_ANSWER, MAY_REFUSE, MAY_REGISTER
from services.intake.handlers.refusals import problem_of
from services.intake.handlers.registration import (
    Became,
    Order,
    Taken,
    TakenBefore,
    answer_again,
    draw_up,
    taken_before,
)
from services.intake.rules.appointments import refuse_window
from services.intake.rules.refusals import Refused
from shared.event import REQUESTER, Actor
from shared.idempotency import REPLAYED, RequestKey
from shared.identity import SignedIn
from shared.ids import uuid7
from shared.routes import Caller, Db, Key, Registry, allow, open_to_everybody, router_for

router = router_for("intake", one_transaction=False)


class Desk:
    """What every way of taking a case in needs."""

    def __init__(
        self,
        directory: Registry,
        database: Db,
        registrar: Register,
        sealer: Seals,
        public_url: PublicUrl,
    ) -> None:
        self._directory, self._database, self._registrar = directory, database, registrar
        self._sealer, self._public_url = sealer, public_url

    async def take(
        self,
        command: RegisterCase,
        actor: Actor,
        key: RequestKey,
        response: Response,
        who: SignedIn | None = None,
    ) -> Registered:
        response.headers.update(NO_STORE)
        became = await self.register(command, actor, key, who)
        match became:
            case Refused():
                raise problem_of(became)
            case TakenBefore(case_id):
                response.headers[REPLAYED] = "true"
                async with self._database.transaction() as tx:
                    answer = await answer_again(tx, case_id, self._sealer, self._public_url)
            case Taken():
                answer = became.answer(self._directory, self._public_url)
        response.headers["Location"] = f"/api/intake/cases/{answer.case_id}"
        return answer

    async def register(
        self, command: RegisterCase, actor: Actor, key: RequestKey, who: SignedIn | None = None
    ) -> Became:
        """Through the micro-batches; a command that is refused now may have been taken before under its key."""
        order = await self.draw(command, actor, key, who)
        if isinstance(order, Order):
            return await self._registrar.register(order)
        async with self._database.transaction() as tx:
            return await taken_before(tx, key) or order

    async def draw(
        self, command: RegisterCase, actor: Actor, key: RequestKey, who: SignedIn | None
    ) -> Order | Refused:
        """Decided and not yet written, which is all that a dry run needs."""
        if (window := command.appointment) is not None:
            async with self._database.transaction() as tx:
                now = await tx.now()
            if refused := refuse_window(window.starts_at, window.ends_at, now):
                return refused
        order = draw_up(command, actor, key, self._directory, self._sealer)
        if isinstance(order, Order) and command.ends_at_once is not None and who is not None:
            roles = MAY_ANSWER if command.answer else MAY_REFUSE
            who.must(roles, order.event.unit_path[-1], self._directory)
        return order


TakingIn = Annotated[Desk, Depends()]


@router.post("/cases", status_code=201, dependencies=[allow(*MAY_REGISTER)])
async def register_case(
    body: RegisterCase, request: Request, response: Response, who: Caller, key: Key, desk: TakingIn
) -> Registered:
    return await desk.take(body, who.actor(), key or own_key(request), response, who)


@router.post("/reports", status_code=201, dependencies=[open_to_everybody(), Depends(within_limit)])
async def report_case(
    body: ReportCase, request: Request, response: Response, key: Key, desk: TakingIn
) -> Registered:
    return await desk.take(body.as_registration(), REQUESTER, key or own_key(request), response)


def own_key(request: Request) -> RequestKey:
    """For who sent none: after an unknown COMMIT the same order is tried again and must not make two cases."""
    return RequestKey(f"{request.method} {request.url.path}", str(uuid7()), b"")
