"""`index_items`: what the beat does every hour, by hand; or all of it anew."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from newsletter import search_index, upkeep


class Command(BaseCommand):
    help = "Make items known to the search that it does not know yet. May be stopped at any time."

    def add_arguments(self, parser):
        parser.add_argument("--anew", action="store_true", help="all items, as after a change of the rules for words")

    def handle(self, *, anew: bool, **options):
        if anew:
            number, _left = search_index.fill(anew=True)
            self.stdout.write(f"Read all items anew: {number}.")
        else:
            self.stdout.write(upkeep.index_items(now=timezone.now()).words)
