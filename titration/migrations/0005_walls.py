from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting


class Migration(migrations.Migration):
    """Courses are walled by clinic; shipped templates are for all to read."""

    dependencies = [("titration", "0004_history")]

    operations = [
        walls.wall("titration_protocolversion", shared=True),
        walls.wall("titration_prescription"),
        walls.wall("titration_planchange"),
        walls.wall("titration_step"),
        walls.wall("titration_opioidreview"),
        walls.wall("titration_prescriptionevent"),
        revoke_rewriting("titration_prescriptionevent"),
        revoke_rewriting("titration_protocolversion", "titration_planchange", "titration_opioidreview"),
    ]
