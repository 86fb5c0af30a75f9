"""What make calls: up, start, stop, status, logs, reset."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import unicodedata
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from deploy.local.follow import Follower, follow_until_interrupted, tell
from deploy.local.names import PARTS, PROJECT, SERVICES, STATE
from deploy.local.problems import CannotStartError
from deploy.local.process import leftover, tail
from deploy.local.ready import is_ready
from deploy.local.stack import Account, Stack, end_leftovers

START_WITHIN_SECONDS = 300
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAsked(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal, once; after that the stop runs to its end."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.local")
    parser.add_argument("--folder", type=Path, default=STATE, help="where data, keys and logs are")
    actions = parser.add_subparsers(dest="action", required=True)
    for name in ("up", "start"):
        action = actions.add_parser(name)
        action.add_argument("--port", type=int, default=8000)
        action.add_argument("--services", default=",".join(SERVICES), help="only these, with commas between")
    actions.add_parser("stop")
    actions.add_parser("status")
    actions.add_parser("logs")
    actions.add_parser("reset").add_argument("--yes", action="store_true")
    asked = parser.parse_args()
    try:
        match asked.action:
            case "up":
                return up(asked.folder, asked.port, asked.services.split(","))
            case "start":
                return start(asked.folder, asked.port, asked.services)
            case "stop":
                return stop(asked.folder)
            case "status":
                return status(asked.folder)
            case "logs":
                follow_until_interrupted(asked.folder)
                return 0
            case _:
                return reset(asked.folder, asked.yes)
    except CannotStartError as problem:
        print(f"yike: {problem}", file=sys.stderr, flush=True)
        return 1


def up(folder: Path, port: int, services: list[str]) -> int:
    """In the foreground until Ctrl-C, with the logs of all parts."""
    for number in STOP_SIGNALS:
        signal.signal(number, ask_to_stop)
    stack = Stack(folder, port=port, services=services, say=say)
    follower: Follower | None = None
    try:
        began = time.monotonic()
        stack.start()
        say(f"everything runs after {time.monotonic() - began:.1f} s")
        introduce(stack)
        follower = Follower(folder)
        follower.start()
        while True:
            signal.pause()
    except StopAsked:
        say("stopping: services, Caddy, Kafka, PostgreSQL")
        stack.stop()
        if follower is not None:
            follower.stop()
        say("stopped; nothing is lost, the same command goes on from here")
    return 0


def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: say("still stopping …"))
    raise StopAsked


def start(folder: Path, port: int, services: str) -> int:
    """`up` in a session of its own; its lines are shown until everything runs or it has said why not."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "logs" / "yike.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "--folder", str(folder), "up"]
            + ["--port", str(port), "--services", services],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    shown, limit = 0, time.monotonic() + START_WITHIN_SECONDS
    while time.monotonic() < limit:
        text = log.read_text(errors="replace")
        print(text[shown:], end="", flush=True)
        shown = len(text)
        if INTRODUCED in text:
            print("yike: in the background; `make logs` shows what it does, `make stop` stops it")
            process.returncode = 0  # it outlives this one on purpose
            return 0
        if process.poll() is not None and shown == len(log.read_text(errors="replace")):
            return process.returncode or 1
        time.sleep(0.1)
    raise CannotStartError(f"not ready after {START_WITHIN_SECONDS} s; {log} ends with:\n{tail(log)}")


def stop(folder: Path) -> int:
    running = read_running(folder)
    if running is not None:
        process = psutil.Process(running["pid"])
        process.terminate()
        try:
            process.wait(90)
            say("stopped")
        except psutil.TimeoutExpired:
            process.kill()
    ended = end_leftovers(folder)
    if ended:
        say(f"ended what an earlier start had left: {', '.join(ended)}")
    elif running is None:
        say("nothing runs here")
    return 0


def status(folder: Path) -> int:
    running = read_running(folder)
    if running is None:
        left = [part for part in PARTS if leftover(folder / "pids" / f"{part}.json")]
        say(
            f"not running, but {', '.join(left)} are left over; `make stop` ends them"
            if left
            else "not running"
        )
        return 3
    minutes = (time.time() - running["since"]) / 60
    say(f"{running['url']} · process {running['pid']} · since {minutes:.0f} min")
    for part in PARTS:
        process = leftover(folder / "pids" / f"{part}.json")
        port = running["ports"].get(part, "")
        state = "down" if process is None else f"process {process.pid:<8} port {port}"
        if process is not None and part in SERVICES:
            state += "  ready" if is_ready(port) else "  NOT READY"
        print(f"  {part:<11} {state}")
    return 0


def reset(folder: Path, yes: bool) -> int:
    if read_running(folder) is not None:
        raise CannotStartError("Yike runs; `make stop` first")
    if not yes and not confirmed(f"Forget all data, keys and logs in {folder}? Type yes: "):
        say("nothing was deleted")
        return 1
    end_leftovers(folder)
    Stack(folder).forget()
    say("forgotten; the next start begins anew")
    return 0


def confirmed(question: str) -> bool:
    try:
        return input(question).strip() == "yes"
    except EOFError:
        return False


def read_running(folder: Path) -> dict[str, Any] | None:
    try:
        running: dict[str, Any] = json.loads((folder / "running.json").read_text())
        born = psutil.Process(running["pid"]).create_time()
    except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
        return None
    return running if born <= running["since"] and running["pid"] != os.getpid() else None


INTRODUCED = "Ctrl-C or `make stop` stops it"


def introduce(stack: Stack) -> None:
    """Where to go and as whom; the last line is what `start` waits for."""
    print()
    print(f"  Yike          {stack.url}")
    for name in stack.services:
        print(
            f"  {name:<13} {stack.url}/api/{name}/openapi.json   metrics: {stack.service_url(name)}/metrics"
        )
    print(f"  PostgreSQL    127.0.0.1:{stack.ports['postgres']}   Kafka: {stack.kafka_bootstrap}")
    if stack.accounts:
        print("\n  Demo accounts")
        for account in stack.accounts:
            print(f"  {line_of(account)}")
    print(f"\n  {INTRODUCED}\n", flush=True)


def line_of(account: Account) -> str:
    cells = (account.account, account.password, account.role_zh, account.role_en, account.unit_zh)
    widths = (18, 16, 12, 22, 0)
    return " ".join(padded(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def padded(text: str, width: int) -> str:
    """Chinese characters take two columns of a terminal."""
    columns = sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
    return text + " " * max(0, width - columns)


def say(line: str) -> None:
    tell(f"{time.strftime('%H:%M:%S')} yike       | {line}")


if __name__ == "__main__":
    sys.exit(main())
