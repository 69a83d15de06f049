"""The first minutes of a newcomer: `make env` on a machine as it may be, then `make run` until Ctrl-C.

`make env` is tried in a copy of the project. It has an empty list of packages, and its Python makes an environment
that borrows ours, so nothing is downloaded and a set-up takes a blink.
"""

import os
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("cat", "cmp", "cp", "dirname", "find", "grep", "mv", "rm", "tail")
OFFERS = "Install one of them, or name it: make env PYTHON=/path/to/python3.11"
MISSING = "nothing-of-this-name==1.0 --hash=sha256:" + "0" * 64 + "\n"
CATALOGUE = """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

#, python-format
msgid "{}"
msgstr "{}"
"""


class Copy:
    """A project of nothing but its set-up, on a machine whose PATH has only what we put there."""

    def __init__(self, folder: Path):
        self.folder = folder / "project"
        self.programs = folder / "programs"

    def build(self) -> None:
        for part in ("bin", "requirements", "locale/de/LC_MESSAGES"):
            (self.folder / part).mkdir(parents=True)
        self.programs.mkdir()
        shutil.copy(ROOT / "bin" / "setup", self.folder / "bin" / "setup")
        for name in NEEDED:
            (self.programs / name).symlink_to(shutil.which(name))
        self.packages("base", "")
        self.packages("dev", "")
        self.po.write_text(CATALOGUE.format("Send", "Senden"))

    @property
    def po(self) -> Path:
        return self.folder / "locale/de/LC_MESSAGES/django.po"

    @property
    def mo(self) -> Path:
        return self.po.with_suffix(".mo")

    def packages(self, name: str, lines: str) -> None:
        (self.folder / "requirements" / f"{name}.txt").write_text(lines)

    def edit(self, text: str, *, msgid: str = "Send") -> None:
        """The translation is written anew, later than it was compiled."""
        later = time.time() + 5 if not self.mo.exists() else self.mo.stat().st_mtime + 5
        self.po.write_text(CATALOGUE.format(msgid, text))
        os.utime(self.po, (later, later))

    def program(self, name: str, *lines: str) -> Path:
        path = self.programs / name
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        return path

    def python_that_makes_an_environment_in_a_blink(self) -> None:
        own_pip = find_spec("pip") is None  # ours was made by uv: then pip is installed, which takes seconds
        library = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.program(
            "python3.11",
            f'[ "$1 $2" = "-m venv" ] || exec {sys.executable} "$@"',
            f'{sys.executable} -m venv {"" if own_pip else "--without-pip"} "$3"',
            f'echo {sysconfig.get_path("purelib")} >"$3/lib/{library}/site-packages/ours.pth"',
        )

    def set_up(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.folder / "bin" / "setup", *arguments],
            env={"PATH": str(self.programs), "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0"} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def made(self) -> dict[str, int]:
        """Every file outside the packages, with the time of its last change."""
        parts = (path for path in self.folder.rglob("*") if "lib" not in path.parts)
        return {str(path.relative_to(self.folder)): path.stat().st_mtime_ns for path in parts if path.is_file()}


@pytest.fixture
def bare(tmp_path):
    """A machine without any Python."""
    copy = Copy(tmp_path)
    copy.build()
    return copy


@pytest.fixture
def fresh(bare):
    """A machine with a Python, and a project just cloned."""
    bare.python_that_makes_an_environment_in_a_blink()
    return bare


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    copy = Copy(tmp_path_factory.mktemp("finished"))
    copy.build()
    copy.python_that_makes_an_environment_in_a_blink()
    copy.set_up().check_returncode()
    return copy


@pytest.fixture
def ready(finished, tmp_path):
    """A project that `make env` has been through."""
    shutil.copytree(finished.folder.parent, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Copy(tmp_path)


def answer(result: subprocess.CompletedProcess) -> tuple[int, str]:
    return result.returncode, result.stderr.strip()


def test_a_machine_without_python_is_told_which_one_is_needed(bare):
    looked_for = "found none (looked for: python3.11 python3.12 python3.13 python3)."

    assert answer(bare.set_up()) == (1, f"Python 3.11, 3.12 or 3.13 is needed, {looked_for} {OFFERS}")


def test_a_python_too_old_is_named_beside_the_one_that_is_needed(bare):
    bare.program("python3", "echo 3.9")

    result = bare.set_up()

    assert answer(result) == (1, f"Python 3.11, 3.12 or 3.13 is needed, found 3.9 (python3). {OFFERS}")
    assert not (bare.folder / ".venv").exists()


def test_a_python_that_was_asked_for_by_name_is_the_only_one_tried(fresh):
    old = fresh.program("old-python", "echo 3.9")

    result = fresh.set_up(PYTHON=str(old))

    assert answer(result) == (1, f"Python 3.11, 3.12 or 3.13 is needed, found 3.9 ({old}). {OFFERS}")


def test_a_python_without_its_venv_module_names_the_package_to_install(bare):
    bare.program("python3.12", 'case "$2" in *ensurepip*) exit 1 ;; esac', "echo 3.12")

    advice = "python3.12 has no venv module. On Debian and Ubuntu: apt-get install python3.12-venv"
    assert answer(bare.set_up()) == (1, advice)


def test_the_first_call_makes_everything_and_the_second_touches_nothing(fresh):
    first = fresh.set_up()
    made = fresh.made()
    started = time.monotonic()
    second = fresh.set_up()
    seconds = time.monotonic() - started

    assert first.returncode == 0, first.stderr
    assert {".venv/bin/python", ".env", "locale/de/LC_MESSAGES/django.mo"} <= set(made)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert fresh.made() == made
    assert seconds < 1


def test_every_newcomer_gets_a_secret_key_that_others_cannot_read(ready):
    dotenv = ready.folder / ".env"
    _comment, key, debug = dotenv.read_text().splitlines()

    assert key.startswith("SECRET_KEY=")
    assert len(key) > 70
    assert debug == "DEBUG=true"
    assert dotenv.stat().st_mode & 0o777 == 0o600


def test_a_secret_key_in_the_environment_or_a_file_of_ones_own_is_left_alone(ready):
    dotenv = ready.folder / ".env"

    dotenv.write_text("SECRET_KEY=mine\n")
    ready.set_up()
    assert dotenv.read_text() == "SECRET_KEY=mine\n"

    dotenv.unlink()
    ready.set_up(SECRET_KEY="ours")
    assert not dotenv.exists()


def test_a_translation_is_compiled_again_when_it_was_edited(ready):
    ready.edit("Abschicken")

    assert answer(ready.set_up()) == (0, "")
    assert b"Abschicken" in ready.mo.read_bytes()


def test_a_broken_translation_is_named_until_it_is_mended(ready):
    ready.edit("Noch %(anzahl)s", msgid="%(count)s to go")
    refused = ready.set_up()
    again = ready.set_up()
    ready.edit("Noch %(count)s", msgid="%(count)s to go")
    mended = ready.set_up()

    reason = "error: locale/de/LC_MESSAGES/django.po:5: unknown named placeholder 'anzahl'"
    assert answer(refused) == answer(again) == (1, f"A translation could not be compiled: {reason}")
    assert answer(mended) == (0, "")


def test_without_a_network_the_packages_are_said_to_be_out_of_reach_and_the_rest_still_works(ready):
    ready.packages("dev", MISSING)
    with socket.socket() as closed:  # bound and never listening: every connection is refused
        closed.bind(("127.0.0.1", 0))
        index = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        result = ready.set_up("dev", PIP_INDEX_URL=index)

    code, message = answer(result)
    assert code == 1
    assert message.startswith("The packages could not be fetched: is the network there? ERROR: ")
    assert "nothing-of-this-name==1.0" in message
    assert len(message.splitlines()) == 1
    assert answer(ready.set_up()) == (0, "")


@pytest.mark.parametrize(
    "harm", ["killed while installing", "of a Python of which only a version manager's stub is left"]
)
def test_a_half_made_environment_is_made_again(ready, harm):
    leftover = ready.folder / ".venv" / "leftover"
    leftover.touch()
    python = ready.folder / ".venv" / "bin" / "python"
    if harm == "killed while installing":
        (ready.folder / ".venv" / ".installing").touch()
    else:
        python.unlink()
        python.symlink_to("/nowhere/python3.11")
        (ready.programs / "python3.11").rename(ready.programs / "python3")
        ready.program("python3.11", "echo 'python3.11: command not found' >&2", "exit 127")

    assert answer(ready.set_up()) == (0, "")
    assert not leftover.exists()
    assert subprocess.run([python, "-c", "import django"], check=False).returncode == 0


def test_the_tools_of_the_tests_come_with_the_very_packages_of_the_site():
    base, dev = (
        {line for line in (ROOT / "requirements" / name).read_text().splitlines() if "==" in line or "--hash" in line}
        for name in ("base.txt", "dev.txt")
    )

    assert len(base) > 100
    assert base - dev == set()


# --- make run -------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Run:
    """`make run` as a terminal starts it: a session of its own, where Ctrl-C reaches every process."""

    def __init__(self, var: Path, *, port: int, mail_port: int):
        self.process = subprocess.Popen(
            ["make", "run", f"PORT={port}", f"MAIL_PORT={mail_port}", "ARGS=--subscribers=70 --members=10"],
            cwd=ROOT,
            env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
            | {"VAR_DIR": str(var), "DATABASE_URL": f"sqlite:///{var}/picum.sqlite3", "CELERY_BROKER_URL": "memory://"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""
        self.watchdog = threading.Timer(120, self.signal, [signal.SIGKILL])
        self.watchdog.start()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.watchdog.cancel()
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.communicate()

    def signal(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def read_until(self, words: str) -> str:
        for line in self.process.stdout:
            self.output += line
            if words in line:
                break
        assert words in self.output, self.output
        return self.output

    def press_ctrl_c(self) -> str:
        """What is said from then on."""
        self.signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=30)
        return said


def test_make_run_says_where_to_look_and_ctrl_c_ends_all_of_it_and_keeps_the_data(tmp_path):
    port, mail_port = free_port(), free_port()
    with Run(tmp_path, port=port, mail_port=mail_port) as first:
        introduction = first.read_until("Ctrl-C")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
            assert page.status == 200
        with smtplib.SMTP("127.0.0.1", mail_port, timeout=10) as box:
            assert box.noop()[0] == 250
        farewell = first.press_ctrl_c()
    with Run(tmp_path, port=port, mail_port=mail_port) as second:
        welcome_back = second.read_until("Ctrl-C")
        second.press_ctrl_c()

    assert f"http://127.0.0.1:{port}/" in introduction
    assert farewell.split() == ["Stopping", "…"]
    # make ends as the signal says, or well where the terminal's signals were switched off before it began
    assert {first.process.returncode, second.process.returncode} <= {-signal.SIGINT, 0}
    with pytest.raises(ProcessLookupError):
        first.signal(0)
    assert "Filling" in introduction
    assert "Filling" not in welcome_back
    # The first time it also says who of the demo can sign in; whom the table names, it names each time.
    named = [line for line in introduction.splitlines() if "@" in line and "http" in line]
    assert named == [line for line in welcome_back.splitlines() if "@" in line]


@pytest.mark.parametrize(("taken", "whose"), [("port", "the site"), ("mail_port", "the local mail box")])
def test_a_port_that_is_taken_is_named_with_the_way_round_it(tmp_path, taken, whose):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        ports = {"port": free_port(), "mail_port": free_port()} | {taken: number}
        with Run(tmp_path, **ports) as run:
            said, _ = run.process.communicate(timeout=60)

    advice = f"choose another port: make run {taken.upper()}={number + 1}"
    assert f"CommandError: Port {number} for {whose} is taken by another program. Stop that, or {advice}" in said
    assert "Traceback" not in said
    assert run.process.returncode == 2


def test_the_ports_given_to_make_reach_the_command():
    shown = subprocess.run(
        ["make", "--dry-run", "run", "PORT=8080", "MAIL_PORT=2626"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout.splitlines() == [
        "bin/setup",
        "exec .venv/bin/python manage.py run --port 8080 --mail-port 2626",
    ]
