"""What every city starts from and may change: the official calendar, the clocks, skills, roles, the dispatch catalogue,
the words that raise, and what may be answered at once.

`python -m services.registry.defaults` writes what is missing of it and makes the first administrator (__main__.py).
"""

from __future__ import annotations

from collections.abc import Collection

from services.registry.defaults.calendar import official_calendar
from services.registry.defaults.catalogue import categories
from services.registry.defaults.policies import POLICIES
from services.registry.defaults.skills import SKILLS
from services.registry.defaults.snippets import snippets
from services.registry.defaults.words import WORD_LISTS
from services.registry.rules.roles import SHIPPED
from shared.things import Calendar, Category, JobRole, Policy, Skill, Snippet, WordList


def things(
    units: Collection[str] | None = None,
) -> list[Calendar | Policy | Skill | JobRole | Category | WordList | Snippet]:
    """All of it, in an order in which each thing's parents come first. With `units`, a category whose rightful unit
    is not among them names none; the city does, once it has it."""
    roles, catalogue = SHIPPED.values(), categories(units)
    return [official_calendar(), *POLICIES, *SKILLS, *roles, *catalogue, *WORD_LISTS, *snippets()]
