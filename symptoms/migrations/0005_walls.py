from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting


class Migration(migrations.Migration):
    """Nights, doses and their history are walled by clinic."""

    dependencies = [("symptoms", "0004_history")]

    operations = [
        walls.wall("symptoms_dosetaken"),
        walls.wall("symptoms_symptomlog"),
        walls.wall("symptoms_opioidreport"),
        walls.wall("symptoms_dosetakenevent"),
        walls.wall("symptoms_symptomlogevent"),
        revoke_rewriting("symptoms_opioidreport", "symptoms_symptomlogevent", "symptoms_dosetakenevent"),
    ]
