from types import SimpleNamespace

from django.contrib.auth.management import create_permissions
from django.db import migrations

ROLES = {
    "Translators": ["newsletter.translate_text"],
    "Editors": [
        "newsletter.add_issue",
        "newsletter.change_issue",
        "newsletter.view_issue",
        "newsletter.add_item",
        "newsletter.change_item",
        "newsletter.view_item",
        "newsletter.delete_item",
        "newsletter.add_section",
        "newsletter.change_section",
        "newsletter.view_section",
        "newsletter.add_body",
        "newsletter.change_body",
        "newsletter.view_body",
        "newsletter.add_source",
        "newsletter.change_source",
        "newsletter.view_source",
        "newsletter.delete_source",
        "newsletter.add_term",
        "newsletter.change_term",
        "newsletter.view_term",
        "newsletter.delete_term",
        "newsletter.approve_text",
        "newsletter.translate_text",
        "accounts.invite_user",
    ],
    "Publishers": [
        "newsletter.view_issue",
        "newsletter.view_item",
        "newsletter.view_section",
        "newsletter.view_body",
        "newsletter.view_source",
        "newsletter.view_term",
        "newsletter.send_issue",
    ],
    "Readers' desk": [
        "newsletter.add_subscriber",
        "newsletter.change_subscriber",
        "newsletter.view_subscriber",
        "newsletter.delete_subscriber",
        "newsletter.import_subscriber",
        "newsletter.export_subscriber",
        "newsletter.add_suppression",
        "newsletter.view_suppression",
        "newsletter.delete_suppression",
        "newsletter.view_consent",
        "newsletter.view_signup",
        "newsletter.view_systemmail",
        "newsletter.release_systemmail",
        "newsletter.view_deliveryevent",
    ],
}


def make(apps, schema_editor):
    """A group that is there by that name stays as it is: whoever made it said who may do what, and its people are not
    to gain anything by an update of the program."""
    alias = schema_editor.connection.alias
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    _permissions(apps, alias)
    for name, wanted in ROLES.items():
        group, is_new = Group.objects.using(alias).get_or_create(name=name)
        for label, codename in (permission.split(".") for permission in wanted if is_new):
            named = Permission.objects.using(alias).filter(codename=codename)
            group.permissions.add(named.get(content_type__app_label=label))


def _permissions(apps, alias):
    """In a fresh database they would be made when all migrations are done."""
    for label in ("accounts", "newsletter"):
        create_permissions(SimpleNamespace(label=label, models_module=True), apps=apps, verbosity=0, using=alias)


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0005_desk_invitations"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("newsletter", "0011_two_people_and_trials"),
    ]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
