"""Where the time goes: py-spy looks at drivers while they work (`--profile`)."""

import contextlib
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measure import Skipped

RATE = "200"  # looks a second


def recorder() -> str:
    """Raises Skipped where py-spy is not installed."""
    if found := shutil.which("py-spy"):
        return found
    raise Skipped("--profile needs py-spy on the PATH (pip install py-spy).")


@contextlib.contextmanager
def recording(folder: Path, name: str, pids: Sequence[int]) -> Iterator[None]:
    """Records these processes into <name>-<number>.txt (stacks, as flame graphs want them) with a summary of them in
    <name>-<number>.top.txt; nothing without a name."""
    files = [folder / f"{name}-{number}.txt" for number, _pid in enumerate(pids, 1)] if name else []
    recorders = [
        subprocess.Popen(  # noqa: S603
            [recorder(), "record", "-r", RATE, "-f", "raw", "-o", file, "-p", str(pid)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for file, pid in zip(files, pids, strict=bool(files))
    ]
    try:
        yield
    finally:
        for process in recorders:
            process.send_signal(signal.SIGINT)
            process.wait(30)
        for file in files:
            if file.is_file():
                file.with_suffix(".top.txt").write_text(summary(file.read_text(encoding="utf-8")), encoding="utf-8")


def summary(stacks: str, *, most: int = 40) -> str:
    """The functions with the most time: on top of the stack, and anywhere in it, in hundredths of all looks."""
    own: Counter = Counter()
    whole: Counter = Counter()
    for line in stacks.splitlines():
        stack, _space, count = line.rpartition(" ")
        frames = [re.sub(r":\d+\)$", ")", frame) for frame in stack.split(";")]
        own[frames[-1]] += int(count)
        for frame in set(frames):
            whole[frame] += int(count)
    looks = sum(own.values()) or 1
    parts = []
    for title, counted in (("on top", own), ("anywhere", whole)):
        lines = [f"{100 * number / looks:5.1f}  {frame}" for frame, number in counted.most_common(most)]
        parts.append("\n".join([title, *lines]))
    return "\n\n".join(parts) + "\n"
