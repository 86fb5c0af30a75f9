"""A timeline is read as sentences, in Chinese or English, made when it is read: the story keeps facts, not prose."""

from __future__ import annotations

from services.insight.rules.telling import dispatch, escalation, intake, notify
from services.insight.rules.telling.reader import Data, Reader, Templates

OF_ALARMS: Templates = {
    type_.replace("yike.notice.", "yike.alarm_notice."): told for type_, told in notify.TEMPLATES.items()
}
"""Of an alarm notify tells the same as of a case."""

TEMPLATES: Templates = {
    **intake.TEMPLATES,
    **dispatch.TEMPLATES,
    **escalation.TEMPLATES,
    **notify.TEMPLATES,
    **OF_ALARMS,
}


def sentence(type_: str, data: Data, reader: Reader) -> str:
    """What happened; a type this version does not know is told by its name."""
    known = TEMPLATES.get(type_)
    if known is None:
        return type_
    template, words = known
    filled = words(data, reader)
    return reader.says(template.zh, template.en).format(**filled).strip()
