"""The items in each language, as tables of their own."""

from django.conf import settings
from django.db import models
from modelsearch import index


class Words(index.Indexed, models.Model):
    title = models.CharField(max_length=200)
    text = models.TextField()
    year = models.IntegerField()

    search_fields = [index.SearchField("title", boost=2), index.SearchField("text"), index.FilterField("year")]

    class Meta:
        abstract = True


def _model(language: str) -> type[Words]:
    meta = type("Meta", (), {"managed": False, "db_table": f"peer_words_{language}"})
    return type(f"Words_{language}", (Words,), {"__module__": __name__, "Meta": meta})


IN = {language: _model(language) for language in settings.LANGUAGES_OF_POSTGRESQL}
