from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting


class Migration(migrations.Migration):
    """Imports are walled by clinic; the worker forgets expired tables clinic by clinic."""

    dependencies = [("imports", "0001_initial")]

    operations = [
        walls.wall("imports_import"),
        walls.wall("imports_importevent"),
        walls.wall("imports_importedrow"),
        walls.wall("imports_importedrowevent"),
        revoke_rewriting("imports_importevent", "imports_importedrowevent"),
    ]
