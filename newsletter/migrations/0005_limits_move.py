from django.db import migrations


class Migration(migrations.Migration):
    """What is counted for the limits is counted in `accounts` from here on; the counts of a month begin anew."""

    dependencies = [('newsletter', '0004_before_the_ledger')]
    operations = [migrations.DeleteModel(name='Rate')]
