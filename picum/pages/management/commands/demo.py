"""`demo`: a living site, made through the functions that people's clicks call."""

import random
import time

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from newsletter.importing import import_rows
from newsletter.models import Issue
from picum.pages.demo import content, past, readers


class Command(BaseCommand):
    help = "Fill the site: readers in seven languages, past issues in the archive, and the issue “next”, ready to go."

    def add_arguments(self, parser):
        parser.add_argument("--subscribers", type=int, default=4000)
        parser.add_argument("--members", type=int, default=0, help="for the members' part of the site")
        parser.add_argument("--issues", type=int, default=12, help="past issues")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *, subscribers, issues, seed, **options):
        if Issue.objects.filter(slug="next").exists():
            raise CommandError("The demo is here already: there is an issue “next”.")
        start, dice = time.monotonic(), random.Random(seed)  # noqa: S311  # dice, not secrets
        pool = content.read_pool()
        with transaction.atomic():
            earlier = content.make_past(pool, number=issues, dice=dice)
            past.tell_of_issues(earlier, readers=subscribers, dice=random.Random(seed), now=timezone.now())  # noqa: S311
            content.make_next(pool)
        report = import_rows(readers.rows(subscribers, dice), source="demo")
        past.tell_of_readers(now=timezone.now())
        self.stdout.write(
            f"{report.added} readers, {len(earlier)} past issues and the ready issue “next” with {len(pool)} items "
            f"in {time.monotonic() - start:.1f} s."
        )
