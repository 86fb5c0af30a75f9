"""The words of notices as administrators edit them."""

from __future__ import annotations

from collections.abc import Sequence

from services.notify.channels.checking import Fault, faults_of, preview
from services.notify.channels.variables import VARIABLES, Audience
from services.notify.channels.wording import Source, Words, shipped
from services.notify.handlers.office import Office
from services.notify.queries import templates
from services.notify.queries.templates import Edition
from shared.database import Transaction
from shared.directory import Directory
from shared.identity import SignedIn
from shared.problems import Problem, not_found
from shared.vocabulary import Language, NoticeKind, Role


def must_administer(who: SignedIn, directory: Directory) -> None:
    """Words are everybody's, so they are edited by an administrator of a unit at the top."""
    tops = [
        unit.id for unit in directory.units.values() if unit.parent_id is None and unit.retired_at is None
    ]
    if not any(who.may(Role.ADMINISTRATOR, top, directory) for top in tops):
        raise Problem(
            403,
            "forbidden",
            "只有顶层单位的管理员可以修改模板 / Only an administrator at the top may edit templates",
            roles=[Role.ADMINISTRATOR],
        )


def source_named(audience: str, kind: str, language: str) -> Source:
    """404 for words that are never said."""
    try:
        source = Source(Audience(audience), NoticeKind(kind), Language(language))
    except ValueError:
        raise not_found("没有这个模板 / There is no such template") from None
    if (source.audience, source.kind) not in VARIABLES:
        raise not_found("没有这个模板 / There is no such template")
    return source


async def edit(
    office: Office, tx: Transaction, who: SignedIn, source: Source, words: Words, version: int
) -> Edition:
    """The next edition, unless it cannot be said or somebody else was quicker."""
    refuse_faults(faults_of(source, words, office.settings.time_zone))
    return await _write(office, tx, who, source, (words.title, words.text), version)


async def restore(office: Office, tx: Transaction, who: SignedIn, source: Source, version: int) -> Edition:
    """Back to the shipped words, as an edition of its own."""
    return await _write(office, tx, who, source, None, version)


async def _write(
    office: Office,
    tx: Transaction,
    who: SignedIn,
    source: Source,
    words: tuple[str, str] | None,
    version: int,
) -> Edition:
    written = await templates.write(
        tx, source.audience, source.kind, source.language, version + 1, words, who.person_id
    )
    if written is None:
        raise Problem(
            412,
            "changed-meanwhile",
            "模板已被修改 / The template was changed meanwhile",
            detail="重新读取最新版本后再保存 / Read the latest version and save again",
        )

    async def wake() -> None:
        office.changed.set()

    tx.at_end(wake)
    return written


def look_at(office: Office, source: Source, words: Words) -> tuple[Words | None, Sequence[Fault]]:
    """The words with example data, or what is wrong with them."""
    zone = office.settings.time_zone
    faults = faults_of(source, words, zone)
    return (None, faults) if faults else (preview(source, words, zone), ())


def refuse_faults(faults: Sequence[Fault]) -> None:
    if faults:
        raise Problem(
            422,
            "template-refused",
            "模板有误 / The template cannot be used",
            detail="按 errors 中的位置修改 / Mend it at the places in errors",
            errors=[
                {
                    "field": one.field,
                    "line": one.line,
                    "column": one.column,
                    "code": one.code,
                    "detail": one.says,
                }
                for one in faults
            ],
        )


def words_now(edition: Edition | None, source: Source) -> Words:
    """What is said now: the edition's words, or the shipped ones."""
    if edition is not None and edition.title is not None and edition.text is not None:
        return Words(edition.title, edition.text)
    return shipped(source)
