"""A router on a port of its own that answers whatever a test wants, as soon as it wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """One question: `body` is what was posted, None for whoever only looked."""

    path: str
    query: dict[str, list[str]]
    body: Any


Answer = Callable[[Asked], tuple[int, bytes]]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """The address of a router that gives what `answer` says of a question, status and content; each question has a
    thread of its own, so that one that is kept waiting keeps no other."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            asked = urlsplit(self.path)
            status, content = answer(Asked(asked.path, parse_qs(asked.query), body))
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # whoever asked did not wait

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
