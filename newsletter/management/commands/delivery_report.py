"""`delivery_report SLUG`: what became of an issue."""

import json

from django.core.management.base import BaseCommand, CommandError

from newsletter import reporting
from newsletter.models import Issue


class Command(BaseCommand):
    help = "How many deliveries of an issue are in which state, by language; which are unknown; whether it adds up."

    def add_arguments(self, parser):
        parser.add_argument("slug")
        parser.add_argument(
            "--json", action="store_true", help="keys: issue frozen states languages unknown seconds balanced tallied"
        )

    def handle(self, *, slug, **options):
        issue = Issue.objects.filter(slug=slug).first()
        if issue is None:
            raise CommandError(f"There is no issue “{slug}”.")
        report = reporting.report(issue)
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        self.stdout.write(f"{report['issue']}: {report['frozen']} readers in {report['seconds']} s")
        for language, states in report["languages"].items():
            self.stdout.write(f"  {language}: " + ", ".join(f"{number} {state}" for state, number in states.items()))
        if report["unknown"]:
            self.stdout.write(f"unknown deliveries: {', '.join(map(str, report['unknown']))}")
        if report["tallied"]:
            self.stdout.write(f"Its deliveries were deleted at {report['tallied']}; these are their totals.")
        self.stdout.write("It adds up." if report["balanced"] else "It does NOT add up.")
