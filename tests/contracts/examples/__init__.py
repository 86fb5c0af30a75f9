"""One example of every event, with every field filled and fixed ids and times.

A changed shape shows in the golden file of its type. Fields are only ever added: move the file as it was to
golden/older/<type>.<number>.json, where it must decode for ever, and write what the failing test prints as the new one.
"""

from __future__ import annotations

from shared.event import Event
from tests.contracts.examples.dispatch import DISPATCH
from tests.contracts.examples.escalation import ESCALATION
from tests.contracts.examples.fieldwork import FIELDWORK
from tests.contracts.examples.intake import INTAKE
from tests.contracts.examples.notify import NOTIFY
from tests.contracts.examples.registry import REGISTRY

EXAMPLES: dict[str, Event] = {
    example.type: example for example in (*INTAKE, *DISPATCH, *FIELDWORK, *ESCALATION, *NOTIFY, *REGISTRY)
}
