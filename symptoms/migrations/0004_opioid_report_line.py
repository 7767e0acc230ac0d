from django.db import migrations, models


class Migration(migrations.Migration):
    """Which line of the list an opioid report was written for: a line written anew is answered anew."""

    dependencies = [("symptoms", "0003_condition_answers")]

    operations = [migrations.AddField("opioidreport", "medicine_id", models.UUIDField(null=True))]
