"""Make .yike/venv hold exactly what uv.lock says, with the standard library alone.

Run by make before everything else, with whatever `python3` is there. It changes nothing when the lock has
not changed, and every failure ends with one sentence that says what to do.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

UV_VERSION = "0.13.9"
ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".yike"
FREE_BYTES_MIN = 1_500_000_000


class CannotInstallError(Exception):
    """Why the environment cannot be made; its text is what the person at the terminal should do."""


def main() -> int:
    try:
        if not up_to_date():
            install()
    except CannotInstallError as problem:
        print(f"yike: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nyike: stopped; run the same command again to go on where it was", file=sys.stderr)
        return 130
    return 0


def wanted() -> str:
    """One line that changes whenever the environment must be made anew."""
    digest = hashlib.sha256((ROOT / "uv.lock").read_bytes())
    return "%s uv%s py%d.%d %s" % (digest.hexdigest(), UV_VERSION, *sys.version_info[:2], STATE)


def up_to_date() -> bool:
    stamp = STATE / "venv" / "yike.stamp"
    return (STATE / "venv/bin/python").exists() and stamp.exists() and stamp.read_text() == wanted()


def install() -> None:
    check_machine()
    uv = install_uv()
    step("installing the packages of uv.lock (about 300 MB the first time)")
    environment = uv_environment()
    if environment.get("UV_DEFAULT_INDEX"):
        install_from_mirror(uv, environment)
    else:
        run([str(uv), "sync", "--frozen", "--quiet"], environment, "the packages")
    (STATE / "venv" / "yike.stamp").write_text(wanted())


def check_machine() -> None:
    if sys.version_info < (3, 11):
        raise CannotInstallError(
            "Python 3.11 or newer is needed, this is %d.%d; install one and run `make PYTHON=python3.11 …`"
            % sys.version_info[:2]
        )
    try:
        STATE.mkdir(mode=0o755, exist_ok=True)
    except OSError as error:
        raise CannotInstallError(
            f"cannot write {STATE}: {error.strerror}; use a folder that is yours"
        ) from error
    free = shutil.disk_usage(STATE).free
    if free < FREE_BYTES_MIN:
        raise CannotInstallError(
            f"only {free // 1_000_000} MB free where {STATE} is; {FREE_BYTES_MIN // 1_000_000} MB are needed"
        )


def install_uv() -> Path:
    """uv in a small environment of its own, so that syncing the project never removes it."""
    home = STATE / "uv"
    uv = home / "bin" / "uv"
    if (
        uv.exists()
        and f"uv {UV_VERSION}"
        in subprocess.run([str(uv), "--version"], capture_output=True, text=True, check=False).stdout
    ):
        return uv
    step(f"installing uv {UV_VERSION}")
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError as error:
        raise CannotInstallError(
            "this Python has no venv module; on Debian or Ubuntu: apt install python%d.%d-venv"
            % sys.version_info[:2]
        ) from error
    try:
        venv.create(str(home), clear=True, with_pip=True, symlinks=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotInstallError(f"cannot make a virtual environment in {home}: {error}") from error
    pip = [str(home / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run([*pip, f"uv=={UV_VERSION}"], dict(os.environ), "uv")
    return uv


def uv_environment() -> "dict[str, str]":
    """uv reads its own variables; what pip was told about certificates and the index holds for uv as well."""
    environment = dict(os.environ)
    environment.pop("VIRTUAL_ENV", None)
    environment.update(
        UV_PROJECT_ENVIRONMENT=str(STATE / "venv"),
        UV_PYTHON=str(STATE / "uv/bin/python"),
        UV_PYTHON_DOWNLOADS="never",
        UV_COMPILE_BYTECODE="1",  # once, instead of six services at once at the first start
    )
    home = environment.get("HOME", "")
    if not home or not os.access(home, os.W_OK):
        environment.setdefault("UV_CACHE_DIR", str(STATE / "cache/uv"))
    certificates = environment.get("PIP_CERT") or environment.get("REQUESTS_CA_BUNDLE")
    if certificates:
        environment.setdefault("SSL_CERT_FILE", certificates)
    if environment.get("PIP_INDEX_URL"):
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    return environment


def install_from_mirror(uv: Path, environment: "dict[str, str]") -> None:
    """The lock names files of the public index; a mirror has the same files, so keep versions and hashes."""
    listing = STATE / "locked.txt"
    run(
        [str(uv), "export", "--frozen", "--quiet", "--no-emit-project", "--output-file", str(listing)],
        environment,
        "the packages",
    )
    run([str(uv), "venv", "--quiet", "--allow-existing", str(STATE / "venv")], environment, "the packages")
    environment = dict(environment, VIRTUAL_ENV=str(STATE / "venv"))
    run([str(uv), "pip", "sync", "--quiet", "--require-hashes", str(listing)], environment, "the packages")


def run(command: "list[str]", environment: "dict[str, str]", what: str) -> None:
    result = subprocess.run(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, check=False, errors="replace"
    )
    if result.returncode == 0:
        return
    said = result.stderr.strip()[-2000:]
    if "No space left" in said or "ENOSPC" in said:
        raise CannotInstallError(
            f"the disk is full; make room where {STATE} is and run the same command again"
        )
    raise CannotInstallError(
        f"could not install {what}. Check the network and the package index (PIP_INDEX_URL, PIP_CERT), "
        f"then run the same command again; what is there already is kept. It said:\n{said}"
    )


def step(text: str) -> None:
    print(f"yike: {text} …", flush=True)


if __name__ == "__main__":
    sys.exit(main())
