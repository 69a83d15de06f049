"""Rows that a fresh database must have, read from a seed.toml beside the models, after every `migrate`."""

import tomllib
from pathlib import Path

from django.db.models import Max

SEED = Path(__file__).with_name("seed.toml")


def seed(model, rows: list[dict], *, using: str) -> int:
    """Add the rows whose key is missing; texts that somebody edited are left alone. Returns how many were added.

    A row is `{"key": …, <field>: value, <translated field>: {<language>: text}}`.
    """
    known = set(model.objects.using(using).values_list("key", flat=True))
    missing = [row for row in rows if row["key"] not in known]
    if not missing:
        return 0
    last = model.objects.using(using).aggregate(last=Max("position"))["last"] or 0
    model.objects.using(using).bulk_create(
        model(position=last + number, **{field: value for field, value in row.items() if not _is_translated(value)})
        for number, row in enumerate(missing, 1)
    )
    ids = dict(model.objects.using(using).values_list("key", "pk"))
    translation = model._parler_meta.root_model
    translation.objects.using(using).bulk_create(
        translation(
            master_id=ids[row["key"]],
            language_code=language,
            **{field: texts[language] for field, texts in row.items() if _is_translated(texts)},
        )
        for row in missing
        for language in next(filter(_is_translated, row.values()))
    )
    return len(missing)


def _is_translated(value: object) -> bool:
    return isinstance(value, dict)


def seed_areas(sender, using: str, **kwargs) -> None:
    from picum.areas.models import Area, Right

    data = tomllib.loads(SEED.read_text(encoding="utf-8"))
    seed(Area, data["areas"], using=using)
    seed(Right, data["rights"], using=using)
