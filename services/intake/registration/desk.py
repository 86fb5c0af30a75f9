"""What every way of taking a case in does: decide, have it written, or say why not."""

from __future__ import annotations

from services.intake.commands.registration import RegisterCase
from services.intake.handlers.permissions import MAY_ANSWER, MAY_READ_OUT, MAY_REFUSE
from services.intake.handlers.registration import Became, Order, draw_up, taken_before
from services.intake.registration.batches import Registrar
from services.intake.rules.appointments import refuse_window
from services.intake.rules.refusals import Refused
from shared.database import Database
from shared.directory import Directory
from shared.event import Actor
from shared.idempotency import RequestKey
from shared.identity import SignedIn
from shared.sealing import Sealer


class Desk:
    """One per request."""

    def __init__(
        self, directory: Directory, database: Database, registrar: Registrar, sealer: Sealer
    ) -> None:
        self.directory, self.database, self.sealer = directory, database, sealer
        self._registrar = registrar

    async def register(
        self, command: RegisterCase, actor: Actor, key: RequestKey, who: SignedIn | None = None
    ) -> Became:
        """Through the micro-batches; a command that is refused now may have been taken before under its key."""
        order = await self.draw(command, actor, key, who)
        if isinstance(order, Order):
            return await self._registrar.register(order)
        async with self.database.transaction() as tx:
            return await taken_before(tx, key) or order

    async def draw(
        self, command: RegisterCase, actor: Actor, key: RequestKey, who: SignedIn | None
    ) -> Order | Refused:
        """Decided and not yet written, which is all that a dry run needs."""
        if (window := command.appointment) is not None:
            async with self.database.transaction() as tx:
                now = await tx.now()
            if refused := refuse_window(window.starts_at, window.ends_at, now):
                return refused
        at_desk = who is not None and who.has_role(*MAY_READ_OUT)
        order = draw_up(command, actor, key, self.directory, self.sealer, at_desk=at_desk)
        if isinstance(order, Order) and command.ends_at_once is not None and who is not None:
            roles = MAY_ANSWER if command.answer else MAY_REFUSE
            who.must(roles, order.event.unit_path[-1], self.directory)
        return order
