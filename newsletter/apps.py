import tomllib
from pathlib import Path

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class NewsletterConfig(AppConfig):
    name = "newsletter"
    verbose_name = _("Newsletter")

    def ready(self):
        from newsletter import (
            checks,  # noqa: F401  # registers the system checks
            trials,  # noqa: F401  # the builder of test mails makes itself known
        )
        from newsletter.translation import volunteers  # noqa: F401  # what follows when a translator accepts

        post_migrate.connect(seed_sections, sender=self)
        post_migrate.connect(seed_glossary, sender=self)
        post_migrate.connect(record_wordings, sender=self)


def seed_sections(sender, using: str, **kwargs) -> None:
    """A fresh database gets the section headings and institutions; later ones are the editors' own."""
    from newsletter.models import Body, Section
    from picum.areas.seeding import seed

    data = tomllib.loads(Path(__file__).with_name("seed.toml").read_text(encoding="utf-8"))
    for model, rows in ((Section, data["sections"]), (Body, data["bodies"])):
        if not model.objects.using(using).exists():
            seed(model, rows, using=using)


def seed_glossary(sender, using: str, **kwargs) -> None:
    """A fresh database gets the words of the house; later ones are the editors' own."""
    from newsletter.translation import first_terms

    first_terms.seed(using=using)


def record_wordings(sender, using: str, **kwargs) -> None:
    """The consent texts of this version of the program are there before anybody is shown one."""
    from newsletter import wordings

    wordings.record(using=using)
