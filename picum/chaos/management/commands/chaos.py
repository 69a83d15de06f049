"""`chaos`: the promises of docs/sending.md under fire, with a site of its own. Exit 1 when one was broken."""

import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from picum import env
from picum.chaos import drill, judge, servers
from picum.chaos.site import Failed, free_port, surroundings

LEASE, RECONCILE, CONNECTIONS = 4, 1, 3


class Command(BaseCommand):
    help = (
        "Start a site of its own (database, broker, workers, relay), send an issue to N readers, kill and cut and hang "
        "what sends it, and hold the relay's log against the ledger. Exit 1 when somebody was missed or served twice."
    )
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser):
        parser.add_argument("--recipients", type=int, default=2000, metavar="N")
        parser.add_argument("--kills", type=int, default=10, metavar="K", help="blows to processes and servers")
        parser.add_argument("--seed", type=int, default=None, metavar="S", help="the same blows again")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--services", action="store_true", help="PostgreSQL and Redis, or fail")
        where.add_argument("--embedded", action="store_true", help="SQLite, without a broker")

    def handle(self, *, recipients, kills, seed, services, embedded, **options):
        if recipients < 1 or kills < 0:
            raise CommandError("There must be at least one recipient, and no fewer kills than none.")
        folder = env.text("CHAOS_FOLDER", "")
        if not folder:
            self._begin_again(services=self._has_services(services=services, embedded=embedded), seed=seed)
        self._drill(Path(folder), recipients=recipients, kills=kills, seed=int(env.text("CHAOS_SEED")))

    def _has_services(self, *, services: bool, embedded: bool) -> bool:
        missing = [] if embedded else servers.missing()
        if missing and services:
            raise CommandError(f"This machine has no {' and no '.join(missing)}.")
        if missing:
            self.stdout.write(f"This machine has no {' and no '.join(missing)}: on SQLite, without a broker.")
        return not embedded and not missing

    def _begin_again(self, *, services: bool, seed: int | None) -> None:
        """The same command, with settings that know nothing of the configured site."""
        folder = Path(tempfile.mkdtemp(prefix="picum-chaos-"))
        folder.chmod(0o711)  # PostgreSQL, as another user, passes through
        database, broker = f"sqlite:///{folder}/site.sqlite3", "memory://localhost/"
        if services:
            database = f"postgres://picum:{secrets.token_hex(16)}@127.0.0.1:{free_port()}/postgres"
            broker = f"redis://127.0.0.1:{free_port()}/0"
        site = {
            "CHAOS_FOLDER": str(folder),
            "CHAOS_SEED": str(secrets.randbelow(10**6) if seed is None else seed),
            "DATABASE_URL": database,
            "CELERY_BROKER_URL": broker,
            "EMAIL_URL": f"smtp://127.0.0.1:{free_port()}?tls=never",
            "VAR_DIR": str(folder),
            "DEBUG": "true",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ADDRESS_KEY": secrets.token_urlsafe(50),
            "SENDING_LEASE_SECONDS": str(LEASE),
            "SENDING_RECONCILE_SECONDS": str(RECONCILE),
            "SENDING_CONNECTIONS": str(CONNECTIONS),
        }
        self.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.argv], surroundings() | site)  # noqa: S606  # ourselves

    def _drill(self, folder: Path, *, recipients: int, kills: int, seed: int) -> None:
        signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
        logging.getLogger("newsletter").setLevel(logging.WARNING)  # what happens is said by the drill
        self.stdout.write(f"chaos --recipients {recipients} --kills {kills} --seed {seed}")
        done = drill.Drill(folder, recipients=recipients, kills=kills, seed=seed, say=self._say)
        try:
            finding, evidence = done.run()
            self.stdout.write("\n" + judge.table(finding, evidence) + "\n")
            if finding.problems:
                raise Failed("\n".join(finding.problems))
        except (Failed, drill.TimedOut) as error:
            raise CommandError(f"{error}\nThe logs are in {folder}.") from None
        except (KeyboardInterrupt, SystemExit):
            shutil.rmtree(folder, ignore_errors=True)
            raise CommandError("Stopped.", returncode=130) from None
        shutil.rmtree(folder, ignore_errors=True)
        self.stdout.write("Every promise was kept.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
