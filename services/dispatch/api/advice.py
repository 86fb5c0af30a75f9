"""待命建议: whether I want to be told where I might wait while I am free. Mine alone to choose, and to read."""

from __future__ import annotations

from pydantic import BaseModel

from services.dispatch.api.doing import WORKING
from services.dispatch.commands import ChooseAdvice
from services.dispatch.queries import advice
from shared.routes import Caller, Tx, allow, router_for

router = router_for("dispatch")


class MyAdvice(BaseModel):
    """`wanted` is true for whoever never chose; a street that does not advise says nothing to anybody."""

    wanted: bool


@router.get("/me/advice", dependencies=[allow(*WORKING)])
async def my_advice(tx: Tx, who: Caller) -> MyAdvice:
    return MyAdvice(wanted=await advice.is_wanted(tx, who.person_id))


@router.put("/me/advice", dependencies=[allow(*WORKING)])
async def choose_advice(body: ChooseAdvice, tx: Tx, who: Caller) -> MyAdvice:
    """From now on; what is in the feed stays there."""
    await advice.choose(tx, who.person_id, await tx.now(), wanted=body.wanted)
    return MyAdvice(wanted=body.wanted)
