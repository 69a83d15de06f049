from django.conf import settings
from django.db import migrations

CHUNK = 500


def know(apps, schema_editor):
    """Words written before texts had a state: approved where their edition went out, else drafts; of the source as it
    is. One revision each, which says that they were found."""
    Text, Revision = apps.get_model("newsletter", "Text"), apps.get_model("newsletter", "Revision")
    Edition = apps.get_model("newsletter", "Edition")
    gone = set(Edition.objects.exclude(frozen_at=None, published_at=None).values_list("issue", "language"))
    items = apps.get_model("newsletter", "ItemTranslation").objects.exclude(title="").exclude(text="")
    _rows(Text, Revision, gone, (
        (row.master.issue_id, row.master_id, row.language_code, row.master.original_language,
         {"title": row.title, "text": row.text})
        for row in items.select_related("master").iterator(CHUNK)
    ))
    _rows(Text, Revision, gone, (
        (row.master_id, None, row.language_code, "en",
         {"subject": row.subject, "masthead": row.masthead, "message": row.message, "donation": row.donation})
        for row in apps.get_model("newsletter", "IssueTranslation").objects.iterator(CHUNK)
        if row.subject or row.masthead or row.message or row.donation
    ))


def _rows(Text, Revision, gone, found):
    texts, words = [], []
    for issue, item, language, original, said in found:
        texts.append(Text(
            issue_id=issue, item_id=item, language=language, number=1, significant=1,
            source_number=None if language == original else 1,
            state="approved" if (issue, language) in gone else "draft",
        ))
        words.append(said)
        if len(texts) >= CHUNK:
            _write(Text, Revision, texts, words)
            texts, words = [], []
    _write(Text, Revision, texts, words)


def _write(Text, Revision, texts, words):
    made = Text.objects.bulk_create(texts)
    Revision.objects.bulk_create(
        [Revision(text=text, number=1, words=said, how="found") for text, said in zip(made, words, strict=True)]
    )


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('newsletter', '0009_texts'),
    ]

    operations = [migrations.RunPython(know, migrations.RunPython.noop)]
