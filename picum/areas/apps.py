from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AreasConfig(AppConfig):
    name = "picum.areas"
    label = "areas"
    verbose_name = _("Areas and rights")

    def ready(self):
        from picum.areas.seeding import seed_areas

        post_migrate.connect(seed_areas, sender=self)
