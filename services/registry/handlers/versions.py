"""Whoever changes what there is says which version they read, so that two never overwrite each other unawares."""

from __future__ import annotations

from shared.problems import Problem


def must_match(if_match: str | None, revision: int | None) -> None:
    """What is not there yet is made without; what is there is changed by who read it as it is."""
    if if_match is None:
        if revision is None:
            return
        detail = "请先读取，再把 ETag 写入 If-Match / Read it first, then send its ETag as If-Match"
        raise Problem(
            428, "if-match-needed", "须说明改的是哪一版 / Say which version you change", detail=detail
        )
    read = {version.strip() for version in if_match.split(",")}
    if revision is None or not read & {"*", f'"{revision}"'}:
        detail = "请重新读取后再改 / Read it again, then change it"
        raise Problem(412, "changed-meanwhile", "已被他人修改 / Somebody changed it since", detail=detail)
