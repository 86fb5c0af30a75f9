"""The logs of all parts as one readable stream: `14:02:11 intake     | …`."""

import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from deploy.local.names import PARTS

LOOK_EVERY_SECONDS = 0.2
PIECE_BYTES_MAX = 1_000_000


class Follower:
    """Prints what is appended to the parts' logs, from now on or with the last piece of what is there."""

    def __init__(self, folder: Path, back_bytes: int = 0) -> None:
        self.files = {name: folder / "logs" / f"{name}.log" for name in PARTS}
        self.at = {name: max(0, size_of(file) - back_bytes) for name, file in self.files.items()}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        self.look()

    def look(self) -> None:
        for name, file in self.files.items():
            for line in self._new_lines(name, file):
                tell(f"{time.strftime('%H:%M:%S')} {name:<10} | {line}")

    def _new_lines(self, name: str, file: Path) -> list[str]:
        size = size_of(file)
        if size < self.at[name]:  # it had grown long and was cut
            self.at[name] = 0
        if size == self.at[name]:
            return []
        with file.open("rb") as log:
            log.seek(self.at[name])
            piece = log.read(PIECE_BYTES_MAX)
        whole = piece[: piece.rfind(b"\n") + 1] or (piece if len(piece) == PIECE_BYTES_MAX else b"")
        self.at[name] += len(whole)
        return whole.decode(errors="replace").splitlines()

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_SECONDS):
            self.look()


def tell(line: str) -> None:
    """Print, unless the terminal has gone: a closed window must not keep anything from stopping in order."""
    with suppress(OSError, ValueError):
        print(line, flush=True)


def size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def follow_until_interrupted(folder: Path) -> None:
    follower = Follower(folder, back_bytes=4_000)
    try:
        while True:
            follower.look()
            time.sleep(LOOK_EVERY_SECONDS)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.stderr.close()
