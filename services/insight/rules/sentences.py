"""A timeline is read as sentences, in Chinese or English, made when it is read: the story keeps facts, not prose."""

from __future__ import annotations

from services.insight.rules.telling import dispatch, escalation, intake, notify
from services.insight.rules.telling.reader import Data, Reader, Templates

TEMPLATES: Templates = {
    **intake.TEMPLATES,
    **dispatch.TEMPLATES,
    **escalation.TEMPLATES,
    **notify.TEMPLATES,
}


def sentence(type_: str, data: Data, reader: Reader) -> str:
    """What happened; a type this version does not know is told by its name."""
    known = TEMPLATES.get(type_)
    if known is None:
        return type_
    template, words = known
    filled = words(data, reader)
    return reader.says(template.zh, template.en).format(**filled).strip()
