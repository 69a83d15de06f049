"""The environment of those that the project is compared with: theirs alone, made when it is missing or outdated."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import Skipped
from benchmarks.site import FOLDER, Program, clean_environment

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def program(module: str, *command: object, **environment: str) -> Program:
    """A driver of a peer, in its environment. Raises Skipped where that cannot be made."""
    ours = clean_environment() | {"PYTHONPATH": str(Path(__file__).parents[1])}
    return Program(ours | environment, *command, module=module, python=python())


def python() -> Path:
    """Its Python. Raises Skipped."""
    home, found = FOLDER / "venv", FOLDER / "venv" / "bin" / "python"
    stamp, wanted = home / "installed", hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return found
    shutil.rmtree(home, ignore_errors=True)
    if uv := shutil.which("uv"):
        steps = [
            [uv, "venv", "--quiet", "--python", sys.executable, home],
            [uv, "pip", "install", "--quiet", "--python", found, "--require-hashes", "-r", REQUIREMENTS],
        ]
    else:
        steps = [
            [sys.executable, "-m", "venv", home],
            [found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
             "-r", REQUIREMENTS],
        ]  # fmt: skip
    for step in steps:
        done = subprocess.run([*map(str, step)], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise Skipped(f"The peers could not be installed: {said[-1] if said else done.returncode}")
    stamp.write_text(wanted)
    return found
