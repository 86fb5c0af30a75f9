"""How often somebody who does not sign in may report: by the address they come from, in this process's memory alone,
because an address is personal data too."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from fastapi import Request

from services.intake import metrics
from shared.problems import Problem

SOURCES_MAX = 20_000
"""Those silent for longest are forgotten first."""
IPV6_PREFIX_BITS = 64
"""One household has that many addresses."""


class Limit:
    """A bucket per source that holds `per_minute_max` and fills evenly."""

    def __init__(self, per_minute_max: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute_max
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_to_wait(self, source: str) -> float:
        """Take one; 0 if there was one, otherwise when there will be."""
        now, per_second = self._clock(), self._most / 60
        left, at = self._left.pop(source, (float(self._most), now))
        left = min(float(self._most), left + (now - at) * per_second)
        self._left[source] = (left - 1, now) if left >= 1 else (left, now)
        if len(self._left) > SOURCES_MAX:
            self._left.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) / per_second


async def within_limit(request: Request) -> None:
    """429 for a source that reports too often."""
    limit: Limit = request.app.state.reports
    wait = limit.seconds_to_wait(source_of(request.client.host if request.client else ""))
    if wait > 0:
        metrics.REPORTS_REFUSED.inc()
        raise Problem(
            429,
            "too-many-reports",
            "上报过于频繁 / Too many reports from here",
            detail="请稍后再试；情况紧急请直接来电 / Try again in a moment; if it is urgent, call us",
            headers={"Retry-After": str(math.ceil(wait))},
        )


def source_of(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, IPV6_PREFIX_BITS), strict=False))
