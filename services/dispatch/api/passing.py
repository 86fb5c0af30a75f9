"""A case goes to others: returned, handed down, shared, helped with; and a share of it is finished."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from services.dispatch.api.acting import Acting
from services.dispatch.api.doing import WORKING
from services.dispatch.commands import AskCoHandler, AskForHelp, FinishTask, HandDown, ReturnPart
from services.dispatch.handlers import passing
from services.dispatch.rules.views import PartView
from shared.routes import allow, router_for
from shared.vocabulary import Role

router = router_for("dispatch")


class HelpAnswer(BaseModel):
    help_id: UUID
    part: PartView


@router.post("/parts/{part_id}/return", dependencies=[allow(*WORKING)])
async def return_part(part_id: UUID, body: ReturnPart, hands: Acting) -> PartView:
    """退单: the supervising unit rules; until then the holder holds. 409 `return-refused-before` for a second try."""
    state = await passing.return_part(hands.tx, part_id, body, hands.at(body), hands.sealer)
    return hands.show(state, part_id)


@router.post("/parts/{part_id}/hand-down", dependencies=[allow(Role.UNIT_OFFICER)])
async def hand_down(part_id: UUID, body: HandDown, hands: Acting) -> PartView:
    """下派 to a unit below, with instructions; level and clocks stay."""
    return hands.show(await passing.hand_down(hands.tx, part_id, body, hands.at(body), hands.sealer), part_id)


@router.post("/parts/{part_id}/co-handlers", status_code=201, dependencies=[allow(*WORKING)])
async def ask_co_handler(part_id: UUID, body: AskCoHandler, hands: Acting) -> PartView:
    """协办: the owner asks another unit; its part, to be offered to its people, is the answer."""
    state = await passing.ask_co_handler(hands.tx, part_id, body, hands.at(body), hands.sealer)
    return hands.show(state, state.parts[-1].id)


@router.post("/parts/{part_id}/help", status_code=201, dependencies=[allow(*WORKING)])
async def ask_for_help(part_id: UUID, body: AskForHelp, hands: Acting) -> HelpAnswer:
    """吹哨 by whoever is there. Who came stands on the case's page."""
    state, help_id = await passing.ask_for_help(hands.tx, part_id, body, hands.at(body), hands.sealer)
    return HelpAnswer(help_id=help_id, part=hands.show(state, part_id))


@router.post("/parts/{part_id}/done", dependencies=[allow(*WORKING)])
async def finish_task(part_id: UUID, body: FinishTask, hands: Acting) -> PartView:
    """A co-handler's share is done; the case goes on with its owner."""
    return hands.show(
        await passing.finish_task(hands.tx, part_id, body, hands.at(body), hands.sealer), part_id
    )
