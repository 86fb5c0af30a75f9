"""How people are shown to who need not know them."""

from __future__ import annotations


def masked_name(name: str) -> str:
    """王小明 → 王*."""
    return f"{name[0]}*" if name else ""


def masked_phone(phone: str) -> str:
    """13812345678 → 138****5678; a short number keeps its last two digits."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 9 else f"****{phone[-2:]}"
