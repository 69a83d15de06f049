"""Speaks as `benchmarks.driver` does: {"ready": …}, a line, the answer."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path


def seed(messages: str, words: str) -> None:
    """Queue so many mails; `words` is a JSON file with subject, html and text, and the marker for a reader's token."""
    from post_office import mail

    frozen = json.loads(Path(words).read_text(encoding="utf-8"))
    for start in range(0, int(messages), 500):
        mail.send_many(_letter(frozen, number) for number in range(start, min(start + 500, int(messages))))


def _letter(frozen: dict, number: int) -> dict:
    token = f"{number:06d}" + "t" * 60
    return {
        "sender": "PICUM Newsletter <newsletter@picum.example>",
        "recipients": f"first.last{number}@example{number % 50}.org",
        "subject": frozen["subject"],
        "message": frozen["text"].replace(frozen["marker"], token),
        "html_message": frozen["html"].replace(frozen["marker"], token),
        "headers": {
            "List-Unsubscribe": f"<https://newsletter.example.org/leave/{token}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }


def send(processes: str) -> dict:
    """Its own command, which sends until nothing is queued."""
    from django.core.management import call_command
    from post_office.models import STATUS, Email

    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        call_command("send_queued_mail", processes=int(processes), lockfile=f"{folder}/lock")
    seconds = time.monotonic() - start
    return {"seconds": seconds, "sent": Email.objects.filter(status=STATUS.sent).count()}


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peer.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    messages, words, processes = sys.argv[1:]
    seed(messages, words)
    print(json.dumps({"ready": "peer"}), flush=True)  # noqa: T201
    sys.stdin.readline()
    print(json.dumps(send(processes)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
