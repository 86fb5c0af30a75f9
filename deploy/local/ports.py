"""Ports nobody has taken: drawn once, then remembered, so that addresses stay the same between starts."""

import json
import random
import socket
from collections.abc import Iterable
from pathlib import Path

# Below the range from which Linux and macOS draw ports for outgoing connections.
LOWEST, HIGHEST = 20_000, 32_000


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(taken: Iterable[int] = ()) -> int:
    taken = set(taken)
    for _ in range(1000):
        port = random.randrange(LOWEST, HIGHEST)
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST}")


def remembered(file: Path, names: Iterable[str]) -> dict[str, int]:
    """One port per name: the one of last time if it is still free, a new one otherwise."""
    known: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    ports: dict[str, int] = {}
    for name in names:
        last = known.get(name)
        if last is None or last in ports.values() or not is_free(last):
            last = free_port({*known.values(), *ports.values()})
        ports[name] = last
    file.write_text(json.dumps({**known, **ports}, indent=1))
    return ports


def holder(port: int) -> str:
    """Who listens there, as far as this user may know: ' (nginx, process 812)' or nothing."""
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:2] == (port,)
            if listens and connection.pid:
                return f" ({psutil.Process(connection.pid).name()}, process {connection.pid})"
    except psutil.Error:
        return ""
    return ""
