"""Quantiles of measured times."""

from __future__ import annotations

from collections.abc import Sequence


def quantiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p99 and the largest in milliseconds: the smallest time that so large a share does not exceed."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {
        "p50_ms": round(ordered[(len(ordered) - 1) // 2] * 1000, 1),
        "p99_ms": round(ordered[-(-len(ordered) * 99 // 100) - 1] * 1000, 1),
        "max_ms": round(ordered[-1] * 1000, 1),
    }
