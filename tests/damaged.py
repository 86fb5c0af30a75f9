"""Workbooks that arrive damaged."""

from __future__ import annotations

import io
import zipfile


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """The workbook with another text for one of its parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, part if entry == name else old.read(entry))
    return out.getvalue()


def spoiled(content: bytes, name: str) -> bytes:
    """The workbook with bytes of one of its parts written over."""
    begin = content.index(name.encode()) + len(name)
    return content[:begin] + b"\xff" * 20 + content[begin + 20 :]
