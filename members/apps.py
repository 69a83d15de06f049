import tomllib
from pathlib import Path

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

# What makes a member who it is waits for the secretariat; the rest of a profile goes live at once.
WAIT_FOR_APPROVAL = ("name", "country", "registration_number", "type")


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = _("Members")

    def ready(self):
        from members import checks, mails  # noqa: F401  # the builders of letters make themselves known

        post_migrate.connect(seed_members, sender=self)


def seed_members(sender, using: str, **kwargs) -> None:
    """A fresh database gets categories, types and the fields that wait for approval; later ones are the secretariat's
    own."""
    from members.models import Category, FieldPolicy, OrganisationType
    from picum.areas.seeding import seed

    data = tomllib.loads(Path(__file__).with_name("seed.toml").read_text(encoding="utf-8"))
    for model, rows in ((Category, data["categories"]), (OrganisationType, data["types"])):
        if not model.objects.using(using).exists():
            seed(model, rows, using=using)
    if not FieldPolicy.objects.using(using).exists():
        FieldPolicy.objects.using(using).bulk_create(FieldPolicy(field=field) for field in WAIT_FOR_APPROVAL)
