"""到场凭证: whoever says they were somewhere shows it, at a case and at a stop of the round alike."""

from __future__ import annotations

from datetime import datetime

from services.dispatch.commands import Arrive, DoStop
from services.dispatch.handlers.records import refuse
from services.dispatch.rules.arrival_proof import Shown, lacking, unit_of
from services.dispatch.rules.facts import EvidenceFile
from shared.directory import Directory
from shared.sealing import Sealer


def must_be_proven(
    command: Arrive | DoStop,
    unit_id: str,
    directory: Directory,
    sealer: Sealer,
    *,
    said_at: datetime,
    since: datetime,
    photo: EvidenceFile | None = None,
) -> None:
    """409 for what shows nobody to be there. A code has to hang in the unit, or below it."""
    hangs_in = unit_of(command.code, sealer) if command.code is not None else None
    shown = Shown(
        command.method,
        position=command.position is not None,
        reason=command.reason is not None,
        code=command.code is not None,
        code_fits=hangs_in is not None and directory.covers(unit_id, hangs_in),
        photo=photo is not None,
        photo_taken_at=photo.taken_at if photo is not None else None,
    )
    if (refused := lacking(shown, said_at=said_at, since=since)) is not None:
        refuse(refused)
