"""The words of notices: seen, tried, edited, restored. For administrators at the top."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from services.notify.api import TheOffice
from services.notify.channels.checking import Fault
from services.notify.channels.variables import VARIABLES
from services.notify.channels.wording import Source, Words, shipped, shipped_sources
from services.notify.commands import EditTemplate, PreviewTemplate, RestoreTemplate
from services.notify.handlers import templates
from services.notify.queries import templates as stored
from services.notify.queries.templates import Edition
from shared.openapi import refusing
from shared.routes import Caller, Tx, allow, router_for
from shared.vocabulary import Role

PAGE_ROWS = 200
VERSION_MAX = 2**31 - 1

router = router_for("notify")


class TemplateShown(BaseModel):
    """Words that are said now. `version` 0: the shipped ones, never edited."""

    audience: str
    kind: str
    language: str
    title: str
    text: str
    variables: list[str]
    version: int
    edited: bool
    edited_by: str | None
    edited_at: datetime | None


class TemplatePage(BaseModel):
    """Ask on with `after=next`; `next` is null at the end."""

    items: list[TemplateShown]
    next: str | None


class EditionShown(BaseModel):
    """One edition; title and text are null where the shipped words were restored."""

    version: int
    title: str | None
    text: str | None
    edited_by: str
    edited_at: datetime


class EditionPage(BaseModel):
    items: list[EditionShown]
    next: int | None


class Preview(BaseModel):
    """The words with example data; or the faults, with their places."""

    title: str | None
    text: str | None
    faults: list[dict[str, Any]]


@router.get("/templates", dependencies=[allow(Role.ADMINISTRATOR)])
async def all_templates(
    tx: Tx,
    who: Caller,
    after: Annotated[str, Query(max_length=80)] = "",
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS)] = 100,
) -> TemplatePage:
    templates.must_administer(who, tx.directory)
    edited = {(one.audience, one.kind, one.language): one for one in await stored.current(tx)}
    following = (source for source in shipped_sources() if _place(source) > after)
    sources = list(islice(following, limit))
    items = [
        _shown(source, edited.get((source.audience, source.kind, source.language))) for source in sources
    ]
    return TemplatePage(items=items, next=_place(sources[-1]) if len(sources) == limit else None)


@router.post("/templates/preview", dependencies=[allow(Role.ADMINISTRATOR)])
async def preview(body: PreviewTemplate, tx: Tx, who: Caller, office: TheOffice) -> Preview:
    """Saves nothing."""
    templates.must_administer(who, tx.directory)
    source = templates.source_named(body.audience, body.kind, body.language)
    words, faults = templates.look_at(office, source, Words(body.title, body.text))
    return Preview(
        title=words.title if words else None, text=words.text if words else None, faults=_listed(faults)
    )


@router.get("/templates/{audience}/{kind}/{language}/editions", dependencies=[allow(Role.ADMINISTRATOR)])
async def editions(
    audience: str,
    kind: str,
    language: str,
    tx: Tx,
    who: Caller,
    before: Annotated[int, Query(ge=1, le=VERSION_MAX)] = VERSION_MAX,
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS)] = 50,
) -> EditionPage:
    """The latest first. Ask on with `before=next`."""
    templates.must_administer(who, tx.directory)
    source = templates.source_named(audience, kind, language)
    rows = await stored.editions(
        tx, source.audience, source.kind, source.language, before=before, limit=limit
    )
    items = [
        EditionShown(
            version=row.version,
            title=row.title,
            text=row.text,
            edited_by=row.edited_by,
            edited_at=row.edited_at,
        )
        for row in rows
    ]
    return EditionPage(items=items, next=rows[-1].version if len(rows) == limit else None)


@router.put(
    "/templates/{audience}/{kind}/{language}",
    dependencies=[allow(Role.ADMINISTRATOR)],
    responses=refusing(412),
)
async def edit(
    audience: str, kind: str, language: str, body: EditTemplate, tx: Tx, who: Caller, office: TheOffice
) -> TemplateShown:
    """Words that cannot be said are refused with the place of each fault (422)."""
    templates.must_administer(who, tx.directory)
    source = templates.source_named(audience, kind, language)
    words = Words(body.title, body.text)
    return _shown(source, await templates.edit(office, tx, who, source, words, body.version))


@router.post(
    "/templates/{audience}/{kind}/{language}/restore",
    dependencies=[allow(Role.ADMINISTRATOR)],
    responses=refusing(412),
)
async def restore(
    audience: str, kind: str, language: str, body: RestoreTemplate, tx: Tx, who: Caller, office: TheOffice
) -> TemplateShown:
    templates.must_administer(who, tx.directory)
    source = templates.source_named(audience, kind, language)
    return _shown(source, await templates.restore(office, tx, who, source, body.version))


def _place(source: Source) -> str:
    return f"{source.audience}/{source.kind}/{source.language}"


def _shown(source: Source, edition: Edition | None) -> TemplateShown:
    words = templates.words_now(edition, source)
    return TemplateShown(
        audience=source.audience,
        kind=source.kind,
        language=source.language,
        title=words.title,
        text=words.text,
        variables=sorted(VARIABLES[source.audience, source.kind]),
        version=edition.version if edition else 0,
        edited=words != shipped(source),
        edited_by=edition.edited_by if edition else None,
        edited_at=edition.edited_at if edition else None,
    )


def _listed(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    return [
        {"field": one.field, "line": one.line, "column": one.column, "code": one.code, "detail": one.says}
        for one in faults
    ]
