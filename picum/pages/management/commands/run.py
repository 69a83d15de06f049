"""`run`: the whole site in one process, for trying it out and for working on it.

Web, a worker for mails and one for what nobody waits for, beat and a local mail box as threads: one Ctrl-C ends all of
it, and nothing is left behind. The memory broker of this command is why it must be one process; production runs the
same code as several (README).
"""

import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from socketserver import ThreadingMixIn

from celery import Celery, current_app
from celery.apps.beat import Beat  # noqa: F401  # makes beat's log signals known before the threads start
from celery.beat import EmbeddedService, Scheduler
from celery.worker import state
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.servers.basehttp import WSGIRequestHandler, WSGIServer, get_internal_wsgi_application

from newsletter.models import Issue
from picum.accounts.models import User
from picum.doorbell import ring
from picum.mailbox.catcher import Catcher
from picum.pages.demo import accounts

STAFF = "desk@picum.example"
LAST_LETTERS = 8  # seconds that Ctrl-C leaves to what is on the wire


class Command(BaseCommand):
    help = "Run web, worker, beat and a local mail box in one process. The first time, fill the site with a demo."
    requires_migrations_checks = False

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--mail-port", type=int, default=2525)
        parser.add_argument("--subscribers", type=int, default=4000, help="readers of the demo, the first time")
        parser.add_argument("--members", type=int, default=200, help="members of the demo, the first time")

    def handle(self, *, port, mail_port, subscribers, members, **options):
        if not settings.DEBUG:
            raise CommandError("This command is for trying the software out; it wants DEBUG=true. See the README.")
        _restart_with(SITE_URL=f"http://127.0.0.1:{port}", EMAIL_URL=f"smtp://127.0.0.1:{mail_port}?tls=never")
        _claim_port(port, "the site", "PORT")
        _claim_port(mail_port, "the local mail box", "MAIL_PORT")
        call_command("migrate", verbosity=0)
        for part in ("newsletter", "members"):
            logging.getLogger(part).setLevel(logging.WARNING)  # this terminal is for the newcomer
        if not Issue.objects.exists():
            self.stdout.write("Filling the site with a demo …")
            call_command("demo", subscribers=subscribers, members=members, stdout=self.stdout)
        password = _staff_login()
        self._serve(port, mail_port, password)

    def _serve(self, port: int, mail_port: int, password: str) -> None:
        catcher = Catcher("127.0.0.1", mail_port, settings.MAILBOX_PATH)
        server = Server(("127.0.0.1", port), WSGIRequestHandler)
        server.set_app(get_internal_wsgi_application())
        app = current_app._get_current_object()
        workers = [worker(app, "celery"), worker(another(), "upkeep")]
        beat = EmbeddedService(app, thread=True, scheduler_cls=Scheduler)
        beat.daemon = True
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, lambda *_args: threading.Thread(target=server.shutdown, daemon=True).start())
        catcher.start()
        for one in workers:
            threading.Thread(target=one.start, daemon=True).start()
        beat.start()
        ring("newsletter.reconcile")  # an issue that Ctrl-C stopped goes on now, not at the beat's first turn
        self._say(port, mail_port, password)
        try:
            server.serve_forever(poll_interval=0.2)
        finally:
            self.stdout.write("\nStopping …")
            server.server_close()
            beat.service.stop(wait=False)
            _let_finish()
            for one in workers:
                one.stop(exitcode=0)
            catcher.stop()
        sys.stdout.flush()
        # The worker's thread may still wait for its broker; nothing it holds is worth waiting for.
        os._exit(0)

    def _say(self, port: int, mail_port: int, password: str) -> None:
        site, theirs = f"http://127.0.0.1:{port}", accounts.kept_password()
        member = f"  A member      {site}/en/my/   amal@example.org   {theirs}\n" if theirs else ""
        self.stdout.write(
            f"\n  The site      {site}/\n  The desk      {site}/en/desk/   {STAFF}   {password}\n{member}"
            f"  The mail box  {site}/mailbox/   (catches all mail on port {mail_port})\n\n  Ctrl-C stops everything.\n"
        )
        self.stdout.flush()


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address, handler):
        super().__init__(address, handler, ipv6=False)


def worker(app: Celery, queue: str):
    """A Celery worker that lives in a thread: one task at a time, no chatter between workers."""
    app.loader.import_default_modules()
    app.finalize()
    return app.WorkController(
        app=app,
        hostname=f"{queue}@here",
        queues=[queue],
        pool_cls="solo",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )


def another() -> Celery:
    """The app knows which queues its worker takes from: a second worker in the process wants an app of its own."""
    app = Celery("picum", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    return app


def _let_finish() -> None:
    """The worker begins nothing more; what it has on the wire arrives and is written down, or it would be unknown."""
    state.should_stop = 0  # the worker's exit code
    patience = time.monotonic() + LAST_LETTERS
    while state.active_requests and time.monotonic() < patience:
        time.sleep(0.05)


def _restart_with(**environment: str) -> None:
    """Settings are read once; when the ports asked for differ from them, begin again with an environment that fits."""
    wanted = {name: value for name, value in environment.items() if getattr(settings, name) != value}
    if wanted:
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | wanted)  # noqa: S606  # ourselves


def _claim_port(port: int, what: str, variable: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f"Port {port} for {what} is taken by another program. Stop that, or choose another port: "
                f"make run {variable}={port + 1}"
            ) from None


def _staff_login() -> str:
    """A staff account whose password was thrown once and is kept in a file that only this user may read."""
    path = Path(settings.VAR_DIR / "staff-password")
    if path.exists() and User.objects.filter(email=STAFF).exists():
        return path.read_text(encoding="utf-8")
    password = secrets.token_urlsafe(9)
    user = User.objects.filter(email=STAFF).first() or User(email=STAFF, name="Desk")
    user.is_staff = user.is_superuser = True
    user.set_password(password)
    user.save()
    path.touch(mode=0o600)
    path.write_text(password, encoding="utf-8")
    return password
