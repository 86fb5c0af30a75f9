"""What the README's tour uses of curl, for machines that have none: -sSf, -H, -d, -F 'file=@-;filename=…', -N."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import httpx


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("-sSf", action="store_true", dest="quiet")
    parser.add_argument("-N", action="store_true", dest="unbuffered")
    parser.add_argument("-H", action="append", default=[], dest="headers")
    parser.add_argument("-d", dest="data")
    parser.add_argument("-F", dest="form")
    parser.add_argument("url")
    given = parser.parse_args()
    headers = [header.partition(": ")[::2] for header in given.headers if not header.endswith("Bearer ")]
    files = None
    if given.form:
        field, _, filename = given.form.partition("=@-;filename=")
        files = {field: (filename, sys.stdin.buffer.read())}
    method = "GET" if given.data is None and files is None else "POST"
    with httpx.stream(
        method, given.url, headers=headers, content=given.data, files=files, timeout=60
    ) as answer:
        if answer.is_error:
            print(f"curl: ({answer.status_code}) {answer.read().decode()}", file=sys.stderr)
            return 22
        for chunk in answer.iter_bytes():
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    return 0


def put_on_path(folder: Path) -> str:
    """A PATH with this as `curl` in `folder` before everything else."""
    script = folder / "curl"
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{Path(__file__).resolve()}' \"$@\"\n")
    script.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        os._exit(0)
