"""Cleans files, each in a process of its own, and says how much memory that took: for test_hostile_files.py.

    python -m tests.members.cleaning logo=/path/to/file paper=/path/to/other …

It loads what a web process does, and forks for each file. The answer is JSON, a list in the order of the files:
`peak` in bytes; `words` if the file was refused; else what became of it lies beside it, under `.clean`.
"""

import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

import django
from django.core.files import File


def clean(what: str, path: Path) -> str:
    """Why it was refused, or ""."""
    from members.images import RefusedImage, clean_logo
    from members.papers import RefusedPaper, clean_paper

    with path.open("rb") as file:
        try:
            done = clean_logo(File(file)) if what == "logo" else clean_paper(File(file, name="a"))
        except (RefusedImage, RefusedPaper) as error:
            return str(error)
    path.with_suffix(".clean").write_bytes(done.content)
    return ""


def measured(what: str, path: Path) -> dict[str, object]:
    words = path.with_suffix(".words")
    child = os.fork()
    if not child:
        try:
            words.write_text(clean(what, path))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _pid, status, usage = os.wait4(child, 0)
    return {"peak": usage.ru_maxrss * 1024, "words": words.read_text() if not status else f"ended with {status}"}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "picum.settings")
    django.setup()
    import_module("members.uploads")  # its weight belongs to all files, not to each
    files = [argument.split("=", 1) for argument in sys.argv[1:]]
    print(json.dumps([measured(what, Path(path)) for what, path in files]))  # noqa: T201
