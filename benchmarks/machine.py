"""On what was measured."""

import os
import platform
import sqlite3
from pathlib import Path


def described(postgresql: str) -> dict[str, str]:
    """Processor, cores, memory, system and versions, in words. `postgresql`: its version, "" where none was used."""
    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB",
        "system": _system(),
        "Python": platform.python_version(),
        "PostgreSQL": postgresql.split()[0] if postgresql else "",
        "SQLite": sqlite3.sqlite_version,
    }


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return f"{platform.system()} {platform.release()}"


def _first(path: str, name: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
