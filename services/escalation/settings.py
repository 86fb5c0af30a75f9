"""Escalation's environment."""

from __future__ import annotations

from typing import ClassVar

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """What people write beside a raise is sealed under the master key."""

    needs: ClassVar[frozenset[str]] = frozenset({"master_key_file"})
