from types import SimpleNamespace

from django.contrib.auth.management import create_permissions
from django.db import migrations


def make(apps, schema_editor):
    """Whoever works with the members. A group of that name that is there stays as it is."""
    alias = schema_editor.connection.alias
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    create_permissions(SimpleNamespace(label="members", models_module=True), apps=apps, verbosity=0, using=alias)
    group, is_new = Group.objects.using(alias).get_or_create(name="Secretariat")
    if is_new:
        group.permissions.set(Permission.objects.using(alias).filter(content_type__app_label="members"))


class Migration(migrations.Migration):

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("members", "0001_initial"),
    ]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
