"""Every definition ever shipped, and those in force."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from services.insight.figures import of_arrivals, of_burden, of_cases, of_fieldwork, of_follow_ups
from services.insight.figures.definition import Definition

SHIPPED: tuple[Definition, ...] = (
    *of_follow_ups.SHIPPED,
    *of_arrivals.SHIPPED,
    *of_cases.SHIPPED,
    *of_burden.SHIPPED,
    *of_fieldwork.SHIPPED,
)

DEFINITIONS: Mapping[str, Definition] = MappingProxyType({d.name: d for d in SHIPPED})
"""The version in force of each figure, in the order they are shown: the latest."""

VERSIONS: Mapping[tuple[str, int], Definition] = MappingProxyType({(d.name, d.version): d for d in SHIPPED})
"""What a snapshot was counted by, also after a newer version came into force."""

SUPERVISORS_ONLY = frozenset({"follow_ups_coached"})
"""Whoever told a resident what to answer must not learn from a figure that the resident said so."""
