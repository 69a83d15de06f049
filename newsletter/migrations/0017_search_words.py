"""The words of search entries as PostgreSQL finds them, see newsletter/search_words.py. Other databases read them all,
and no model knows of the column."""

from django.db import migrations

# As newsletter/search_words.py asks for them: stems as they are, whole words behind a sign that no word has.
LEXEMES = """
    array_to_tsvector(array_remove(string_to_array(words, ' '), ''))
    || array_to_tsvector(array_remove(string_to_array('=' || replace(btrim(plain), ' ', ' ='), ' '), ''))
"""


def make(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    # Longer words than the index has room for. The hour brings their entries back, with the words cut.
    schema_editor.execute(r"DELETE FROM newsletter_searchentry WHERE words || plain ~ %s", [r"\S{101}"])
    schema_editor.execute(
        f"ALTER TABLE newsletter_searchentry ADD COLUMN lexemes tsvector GENERATED ALWAYS AS ({LEXEMES}) STORED"
    )
    schema_editor.execute("CREATE INDEX searchentry_lexemes ON newsletter_searchentry USING gin (lexemes)")


def unmake(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE newsletter_searchentry DROP COLUMN lexemes")


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0016_machine_drafts")]

    operations = [migrations.RunPython(make, unmake)]
