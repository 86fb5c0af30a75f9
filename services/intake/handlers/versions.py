"""Deciding about the case one has read: `ETag` of GET /cases/{id} comes back in `If-Match`."""

from __future__ import annotations

from services.intake.handlers.refusals import problem_of
from services.intake.queries.cases import etag
from services.intake.rules.facts import Case
from services.intake.rules.refusals import Refused, RefusedBecause


def must_match(case: Case, if_match: str | None) -> None:
    """412 if the case, which is locked, is no longer as the asker read it."""
    if if_match is None:
        return
    read = {one.strip() for one in if_match.split(",")}
    if etag(case) not in read and "*" not in read:
        raise problem_of(Refused(RefusedBecause.CHANGED_MEANWHILE))
