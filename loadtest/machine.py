"""Where and of what figures come: without that they say little."""

import datetime
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import psutil

_PACKAGES = ("fastapi", "grpcio", "httptools", "protobuf", "psycopg2-binary", "sqlalchemy", "uvicorn", "uvloop")


def describe(postgresql: str) -> dict[str, object]:
    """Of a service that runs here too. `postgresql`: its version."""
    return {**host(), "postgresql": postgresql, "packages": {name: metadata.version(name) for name in _PACKAGES}}


def host() -> dict[str, object]:
    """Of this machine, and of the code."""
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": _commit(),
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_average": round(os.getloadavg()[0], 2),  # of the last minute before the run: what else the machine does
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    """Of the code; with `-dirty` where it has been changed since. Nothing outside of a git repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return found.stdout.strip() or None
