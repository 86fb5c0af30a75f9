"""What every act on a part has in common: who acts, on which version of the case, and the version it leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request, Response

from services.dispatch.api.doing import Doing, Sealing
from services.dispatch.commands import Command, device_time
from services.dispatch.handlers.records import cases_of
from services.dispatch.rules.facts import State
from services.dispatch.rules.views import PartView, part_view
from services.dispatch.rules.work import Doer
from shared.database import Transaction
from shared.problems import Problem
from shared.routes import Tx
from shared.sealing import Sealer

NAMING = ("offer_id", "part_id")
VERSION = "SELECT seq FROM heads WHERE subject_id = :case_id"


@dataclass(frozen=True)
class Hands:
    """The transaction, the person and the answer of one act."""

    tx: Transaction
    doer: Doer
    sealer: Sealer
    response: Response

    def at(self, command: Command) -> Doer:
        """Whoever acts, with what their own clock said."""
        return replace(self.doer, device_at=device_time(command))

    def show(self, state: State, part_id: UUID) -> PartView:
        """The part as it is now, under the version of its case."""
        self.response.headers["ETag"] = etag(self.tx.version(state.case.id))
        return part_view(state, state.part(part_id))


def etag(version: int) -> str:
    return f'"{version}"'


async def version_of(tx: Transaction, case_id: UUID) -> int:
    """How many lines the case's story has here."""
    rows = await tx.rows(VERSION, case_id=case_id)
    return int(rows[0]["seq"]) if rows else 0


async def _hands(
    request: Request,
    response: Response,
    tx: Tx,
    doer: Doing,
    sealer: Sealing,
    if_match: Annotated[str | None, Header(description="act only on this version of the case")] = None,
) -> Hands:
    if if_match is not None:
        await _must_match(tx, request, if_match)
    return Hands(tx, doer, sealer, response)


async def _must_match(tx: Transaction, request: Request, if_match: str) -> None:
    try:
        named = {name: UUID(request.path_params[name]) for name in NAMING if name in request.path_params}
    except ValueError:
        return  # the route says what is wrong with the id
    case_id, *left = await cases_of(tx, **named)
    await tx.lock(case_id, *left)
    now = etag(tx.version(case_id))
    wanted = {one.strip() for one in if_match.split(",")}
    if now not in wanted and "*" not in wanted:
        raise Problem(
            412,
            "changed-meanwhile",
            "工单已有变化 / The case has changed meanwhile",
            detail="请刷新后再操作 / Refresh it, then do this again",
            headers={"ETag": now},
        )


Acting = Annotated[Hands, Depends(_hands)]
"""For every act on an offer or part: refuses with 412 if `If-Match` names another version than there is."""
