"""The codes by which somebody shows that they are there: printed by who leads the unit, and hung up in it."""

from __future__ import annotations

import segno
from pydantic import BaseModel

from services.dispatch.api.doing import Sealing
from services.dispatch.rules.arrival_proof import code_of
from shared.problems import not_found
from shared.routes import Caller, Tx, allow, router_for
from shared.things import Name
from shared.vocabulary import Role

router = router_for("dispatch")

PRINTING = (Role.GRID_LEADER, Role.UNIT_OFFICER)
MODULE_PX = 8


class ArrivalCode(BaseModel):
    """`code` is what a phone reads and sends; `svg` the same as a picture to print."""

    unit_id: str
    name: Name
    code: str
    svg: str


@router.get("/arrival-codes/{unit_id}", dependencies=[allow(*PRINTING)])
async def arrival_code(unit_id: str, tx: Tx, who: Caller, sealer: Sealing) -> ArrivalCode:
    """The code of a grid, or of a post in it. It stays the same until the master key it was signed under is gone."""
    unit = tx.directory.units.get(unit_id)
    if unit is None or unit.retired_at is not None:
        raise not_found("没有这个单位 / No such unit")
    who.must(PRINTING, unit_id, tx.directory)
    code = code_of(unit_id, sealer)
    drawn = segno.make(code, error="m", micro=False).svg_inline(scale=MODULE_PX)
    return ArrivalCode(unit_id=unit_id, name=unit.name, code=code, svg=drawn)
