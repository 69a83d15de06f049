"""`demo`: a living site, made through the functions that people's clicks call."""

import random
import time

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from newsletter.importing import import_rows
from newsletter.models import Issue
from picum.doorbell import ring
from picum.pages.demo import content, making, past, readers
from picum.pages.demo import members as network


class Command(BaseCommand):
    help = (
        "Fill the site: readers in seven languages, past issues in the archive, the issue “next”, ready to go, and "
        "invented members with all that belongs to them. Prints who can sign in."
    )

    def add_arguments(self, parser):
        parser.add_argument("--subscribers", type=int, default=4000)
        parser.add_argument("--members", type=int, default=200, help="about so many, 200 at most; 0: none")
        parser.add_argument("--issues", type=int, default=12, help="past issues")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *, subscribers, members, issues, seed, **options):
        if Issue.objects.filter(slug="next").exists():
            raise CommandError("The demo is here already: there is an issue “next”.")
        start, dice = time.monotonic(), random.Random(seed)  # noqa: S311  # dice, not secrets
        pool = content.read_pool()
        with transaction.atomic():
            earlier = content.make_past(pool, number=issues, dice=dice)
            past.tell_of_issues(earlier, readers=subscribers, dice=random.Random(seed), now=timezone.now())  # noqa: S311
            content.make_next(pool)
        # What the workers would find by themselves within the hour.
        for deed in ("index_items", "learn_translations"):
            ring("newsletter.upkeep", deed)
        report = import_rows(readers.rows(subscribers, dice), source="demo")
        past.tell_of_readers(now=timezone.now())
        made = network.make(members, seed=seed) if members else None
        if made:
            people = {account.user.email.partition("@")[0]: account.user for account in made.accounts}
            making.make(pool, people, now=timezone.now())
        items = Issue.objects.get(slug="next").items.count()
        self.stdout.write(
            f"{report.added} readers, {len(earlier)} past issues and the ready issue “next” with {items} items "
            f"in {time.monotonic() - start:.1f} s."
        )
        if made:
            self._tell(made)

    def _tell(self, made: network.Made) -> None:
        self.stdout.write(f"{made.belong} members. These people can sign in, all of them with {made.password}")
        for account in made.accounts:
            self.stdout.write(f"  {account.user.email:20}{account.words}")
