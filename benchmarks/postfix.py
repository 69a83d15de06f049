"""Postfix' own test programs: `smtp-sink`, which takes mail and forgets it, and `smtp-source`, which makes it."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

from benchmarks.measure import Skipped

PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
BACKLOG = "1000"


def program(name: str) -> str:
    """Its path. Raises Skipped where it is not installed."""
    if found := shutil.which(name, path=PLACES):
        return found
    raise Skipped(f"{name} is needed: it comes with postfix (Debian: apt-get install postfix).")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """A running smtp-sink; yields its port on the loopback."""
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to serve as root
    process = subprocess.Popen(  # noqa: S603
        [program("smtp-sink"), *user, f"127.0.0.1:{port}", BACKLOG], stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int, seconds: float = 10) -> None:
    """Until somebody listens. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"Nobody listens on port {port}.") from None
            time.sleep(0.05)


def source(port: int, *, sessions: int, size: int, messages: int, keep: bool) -> float:
    """Messages a second that smtp-source makes. `keep`: a connection carries more than one mail, as ours do; without
    it, as smtp-source does unasked, each mail has its own."""
    command = [program("smtp-source"), "-s", sessions, "-l", size, "-m", messages]
    command += ["-f", "newsletter@picum.example", "-t", "reader@example.org", *(["-d"] if keep else [])]
    start = time.monotonic()
    subprocess.run([*map(str, command), f"127.0.0.1:{port}"], check=True, timeout=600)  # noqa: S603
    return messages / (time.monotonic() - start)
