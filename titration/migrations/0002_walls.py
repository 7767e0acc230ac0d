from django.db import migrations

from common import walls
from common.append_only import APPLICATION_ROLE, revoke_rewriting

TRACKED = (
    "fill",
    "finding",
    "instruction",
    "instructiontext",
    "patienttag",
    "pharmacy",
    "prescription",
    "prescriptionpaper",
    "procedure",
    "referral",
    "savedview",
    "tag",
    "visitday",
)
WITHOUT_HISTORY = ("judged", "step", "watch")
WRITTEN_ONCE = (
    "contactattempt",
    "doseclarified",
    "opioidreview",
    "planchange",
    "procedureday",
    "protocoldecision",
    "rulereview",
    "rulesettings",
    "trialentry",
)
SERVING = (APPLICATION_ROLE, walls.WORKER_ROLE)

HEAR = """
CREATE FUNCTION titration_hear() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE titration_watch SET heard_on = NEW.night
    WHERE clinic_id = NEW.clinic_id AND patient_id = NEW.patient_id AND heard_on < NEW.night;
    RETURN NULL;
END $$;
CREATE TRIGGER heard AFTER INSERT ON symptoms_symptomlog FOR EACH ROW EXECUTE FUNCTION titration_hear();
"""



class Migration(migrations.Migration):
    """Each clinic's courses are its own, protocols of the house are for all to read, and a night told is heard."""

    replaces = [("titration", "0019_who_asked")]
    dependencies = [("titration", "0001_tables"), ("symptoms", "0001_tables")]

    operations = [
        walls.wall("titration_protocolversion", shared=True),
        *(walls.wall(f"titration_{table}") for table in (*TRACKED, *WITHOUT_HISTORY, *WRITTEN_ONCE)),
        *(walls.wall(f"titration_{table}event") for table in TRACKED),
        walls.wall("titration_paperevent"),
        revoke_rewriting(
            "titration_protocolversion",
            "titration_paperevent",
            *(f"titration_{table}event" for table in TRACKED),
            *(f"titration_{table}" for table in WRITTEN_ONCE),
        ),
        # A finding is settled, never lost.
        migrations.RunSQL(
            sql=[walls.for_role(role, f"REVOKE DELETE ON titration_finding FROM {role}") for role in SERVING],
            reverse_sql=[walls.for_role(role, f"GRANT DELETE ON titration_finding TO {role}") for role in SERVING],
        ),
        migrations.RunSQL(HEAR, reverse_sql="DROP TRIGGER heard ON symptoms_symptomlog; DROP FUNCTION titration_hear();"),
    ]
