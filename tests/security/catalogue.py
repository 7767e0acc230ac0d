"""Questions to the database's own catalogue: which tables stand behind a wall, and who could walk past it.

Each takes a connection of psycopg's and returns sentences about what is wrong; an empty list is a whole wall.
"""

import re
from typing import Any

import psycopg

from common import walls
from common.append_only import APPLICATION_ROLE

Connection = psycopg.Connection[Any]

SERVING = (APPLICATION_ROLE, walls.WORKER_ROLE)
READING = (walls.EXPORT_ROLE, walls.BACKUP_ROLE, walls.AUDITOR_ROLE, walls.SEALER_ROLE)
OURS = (*SERVING, *READING)

NO_WALL = {
    "account_emailaddress": "a person's address for signing in; a person may belong to several clinics",
    "account_emailconfirmation": "the same",
    "accounts_session": "who is signed in is asked before anything is known of them",
    "accounts_user": "a person signs in before a clinic is known, and may belong to several",
    "accounts_userevent": "the history of the same",
    "auth_group": "Django's own, empty: roles stand in accounts_membership",
    "auth_group_permissions": "the same",
    "auth_permission": "names of rights, no rows about anybody",
    "axes_accessattempt": "who guesses at a password is counted before anybody is known",
    "axes_accessattemptexpiration": "the same",
    "axes_accessfailurelog": "the same, empty: the memory keeps it",
    "axes_accesslog": "the same, empty: the memory keeps it",
    "common_sealedtally": "counts of sealed texts by key",
    "django_content_type": "names of models",
    "django_migrations": "names of migrations",
    "django_session": "Django's own, empty: sessions stand in accounts_session",
    "ldn_clinic_policybreach": "what browsers refused to run, by page and day, of nobody",
    "mfa_authenticator": "a person's second factor is asked for before a clinic is known",
    "patients_mailasked": "how often a mail was asked for or a card opened, by keyed digests: before a clinic is known",
    "pghistory_context": "empty: history says who and when in its own rows",
    "reminders_breaker": "whether the mail server answers",
    "reminders_heartbeat": "when the worker last did what",
}
"""Tables without a wall and why; whatever has a clinic or a patient may not stand here."""

CLINIC_COLUMN = {"accounts_clinic": "id", "accounts_clinicevent": "id"}
SHARED = {"titration_protocolversion"}
"""Tables whose rows without a clinic are for all to read: shipped templates."""

QUEUES = {
    "accounts_clinic": "the worker goes from clinic to clinic",
    "exports_export": "an export is found by its id, and its clinic read from it",
    "exports_exportevent": "the history of the same",
    "reminders_attempt": "the outbox: ids and times",
    "reminders_occurrence": "the outbox: ids and times",
    "reminders_reminder": "the outbox: ids and times",
    "reminders_urgentnotice": "the outbox of what is urgent: ids and times",
}
"""Tables the worker may tend without saying for which clinic, and why."""

CHAINS = {"audit_auditevent", "audit_seal"}
"""What the sealer goes through for every clinic. Nobody reads these who has not taken a role for it."""

WIDER = {
    ("accounts_clinic", "members_read"): "whoever has a place in a clinic reads its name before choosing it",
    ("accounts_memberinvitation", "held_by_key"): "the secret of an invitation opens its own row",
    ("accounts_membership", "own_rows"): "a person reads their own places before one is chosen",
    ("audit_auditevent", "without_a_clinic"): "what happens before a clinic is known is written, and read by no one",
    ("patients_caregrant", "held_by_key"): "the secret of an invitation opens its own row",
    ("patients_caregrant", "own_rows"): "a carer reads their own grants before one is chosen",
    ("patients_emergencycard", "held_by_key"): "the secret of an emergency card opens its own row",
    ("patients_freshcode", "held_by_key"): "the secret of a mailed link finds its own row",
    ("patients_freshcode", "owned"): "codes for a carer's phone, which belongs to no clinic",
    ("patients_invitation", "held_by_key"): "the secret of an invitation opens its own row",
    ("patients_phone", "held_by_key"): "the secret on a phone opens its own row",
    ("patients_phone", "owned"): "a carer's phone belongs to no clinic",
    ("patients_phoneevent", "owned"): "the history of the same",
    ("patients_phonesecret", "held_by_key"): "a secret that was offered or retired finds its own row",
    ("patients_phonesecret", "owned"): "secrets of a carer's phone, which belongs to no clinic",
}
"""Policies beside the wall that let more through it, and why. Policies add up: each is a door."""

IN_TESTS_ALONE = "tests_see"
OF_OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"
TOLD = "( SELECT (NULLIF(current_setting('app.clinic'::text, true), ''::text))::uuid AS \"nullif\")"


def tables(connection: Connection) -> dict[str, tuple[bool, bool, set[str]]]:
    """Every table: whether its wall is up, whether for its owner too, and its columns."""
    found = connection.execute(
        f"SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, array_agg(a.attname::text)"
        f" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        f" WHERE c.relkind IN ('r', 'p', 'f') AND {OF_OURS} GROUP BY c.oid"
    ).fetchall()
    return {name: (up, forced, set(columns)) for name, up, forced, columns in found}


def tables_without_a_wall(connection: Connection) -> list[str]:
    """Tables that are neither behind a wall nor on the list of those that need none."""
    wrong = []
    for name, (up, forced, columns) in sorted(tables(connection).items()):
        about_somebody = bool(columns & {"clinic_id", "patient_id"}) or name in CLINIC_COLUMN
        if about_somebody and name in NO_WALL:
            wrong.append(f"{name} has a clinic or a patient and may not stand without a wall")
        if name in NO_WALL and not about_somebody:
            continue
        if not up:
            wrong.append(f"{name} has no wall, and no reason to have none")
        elif not forced:
            wrong.append(f"{name} has a wall that does not hold for its owner")
    return wrong


def reasons_for_nothing(connection: Connection) -> list[str]:
    """Names on the lists above that the database does not have: a list that is not kept short hides things."""
    known = set(tables(connection))
    policies = {(table, name) for table, name, *_ in _policies(connection)}
    listed = set(NO_WALL) | set(CLINIC_COLUMN) | SHARED | set(QUEUES)
    return sorted(listed - known) + sorted(f"{table}: {name}" for table, name in set(WIDER) - policies)


def _policies(connection: Connection) -> list[tuple[str, str, str, set[str], str, str | None, str | None]]:
    found = connection.execute(
        "SELECT tablename, policyname, permissive, roles::text[], cmd, qual, with_check FROM pg_policies"
    ).fetchall()
    return [(table, name, kind, set(roles), command, *rest) for table, name, kind, roles, command, *rest in found]


def policies_that_do_not_hold(connection: Connection) -> list[str]:
    """Walled tables that lack one of the three policies each must have, and policies that nobody gave a reason for."""
    owner = _owner(connection)
    by_table: dict[str, dict[str, tuple[str, set[str], str, str | None, str | None]]] = {}
    for table, name, *rest in _policies(connection):
        by_table.setdefault(table, {})[name] = tuple(rest)  # type: ignore[assignment]
    wrong = []
    for table, (up, _forced, _columns) in sorted(tables(connection).items()):
        found = {name: policy for name, policy in by_table.get(table, {}).items() if name != IN_TESTS_ALONE}
        wanted = _wanted(table, owner) if up else {}
        for name, policy in wanted.items():
            if found.get(name) != policy:
                wrong.append(f"{table}: {name} is {found.get(name)} and must be {policy}")
        wrong += [
            f"{table}: {name} opens the wall and nobody said why"
            for name in sorted(found.keys() - wanted.keys())
            if (table, name) not in WIDER
        ]
    return wrong


def _wanted(table: str, owner: str) -> dict[str, tuple[str, set[str], str, str | None, str | None]]:
    column = CLINIC_COLUMN.get(table, "clinic_id")
    own = f"({column} = {TOLD})"
    readable = f"({own} OR ({column} IS NULL))" if table in SHARED else own
    wanted: dict[str, tuple[str, set[str], str, str | None, str | None]] = {
        "clinic_only": ("PERMISSIVE", {"public"}, "ALL", readable, own),
        "owner_mends": ("PERMISSIVE", {owner}, "ALL", "true", "true"),
        "backup_reads": ("PERMISSIVE", {walls.BACKUP_ROLE}, "SELECT", "true", None),
    }
    if table in QUEUES:
        wanted["worker_tends"] = ("PERMISSIVE", {walls.WORKER_ROLE}, "ALL", "true", "true")
    if table in CHAINS:
        wanted["sealer_keeps"] = ("PERMISSIVE", {walls.SEALER_ROLE}, "ALL", "true", "true")
    return wanted


def readable_walled(connection: Any) -> list[str]:
    """The walled tables that this connection's role may ask at all; for Django's connection or for psycopg's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'"
            " AND has_table_privilege(oid, 'SELECT') ORDER BY 1"
        )
        return [str(name) for (name,) in cursor.fetchall()]


def _owner(connection: Connection) -> str:
    row = connection.execute(
        "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'patients_patient'::regclass"
    ).fetchone()
    assert row is not None
    return str(row[0])


def roles_that_walk_through_walls(connection: Connection) -> list[str]:
    """Roles of ours that row security does not bind, or that may become one it binds less."""
    owner = _owner(connection)
    wrong = [f"{role} owns the tables" for role in OURS if role == owner]
    for role in (*OURS, owner):
        mighty = connection.execute(
            "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = %s",
            [role],
        ).fetchone()
        if mighty is None:
            wrong.append(f"{role} is not there")
        elif mighty[0]:
            wrong.append(f"{role} is mightier than row security")
    stronger = "r.rolsuper OR r.rolbypassrls OR r.rolname = ANY(%s) OR r.rolname LIKE 'pg\\_%%'"
    for role in OURS:
        become = connection.execute(
            f"SELECT r.rolname FROM pg_roles r WHERE ({stronger}) AND r.rolname <> 'pg_database_owner'"
            " AND r.rolname <> %s AND pg_has_role(%s, r.oid, 'MEMBER')",
            [[owner, *SERVING, walls.BACKUP_ROLE, walls.EXPORT_ROLE], role, role],
        ).fetchall()
        wrong += [f"{role} may become {stronger}" for (stronger,) in become]
    owned = connection.execute(
        f"SELECT c.relname, pg_get_userbyid(c.relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE {OF_OURS} AND pg_get_userbyid(c.relowner) <> %s",
        [owner],
    ).fetchall()
    return wrong + [f"{name} belongs to {whose}" for name, whose in owned]


def ways_around(connection: Connection) -> list[str]:
    """Views that read as their owner, copies of tables, and functions that run as who made them."""
    views = connection.execute(
        f"SELECT c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OF_OURS}"
        " AND (c.relkind = 'm' OR c.relkind = 'v' AND NOT coalesce(c.reloptions::text ~ 'security_invoker=(true|on|1)',"
        " false))"
    ).fetchall()
    functions = connection.execute(
        f"SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OF_OURS} AND p.prosecdef"
    ).fetchall()
    return [f"{name} shows what its owner sees" for name, _ in views] + [
        f"{name}() runs as who made it" for (name,) in functions
    ]


def rights_too_many(connection: Connection) -> list[str]:
    """Rights that go past row security or rewrite what is written once."""
    wrong = []
    append_only = {
        name
        for (name,) in connection.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname ~ '^pgtrigger_.*append_only_'"
        ).fetchall()
    }
    assert len(append_only) > 20
    for table in sorted(tables(connection)):
        # A check of a foreign key and a TRUNCATE ask no policy; a trigger runs as whoever writes.
        for role in (*OURS, "public"):
            forbidden = ["TRUNCATE", "REFERENCES", "TRIGGER"]
            if role not in SERVING and (role, table) not in WRITES_OF_ITS_OWN:
                forbidden += ["INSERT", "UPDATE", "DELETE"]
            elif table in append_only:
                forbidden += ["UPDATE", "DELETE"]
            wrong += [f"{role} may {right} {table}" for right in forbidden if _may(connection, role, right, table)]
        if _may(connection, "public", "SELECT", table):
            wrong.append(f"everybody may read {table}")
    return wrong


WRITES_OF_ITS_OWN = {(walls.SEALER_ROLE, "audit_seal")}


def _may(connection: Connection, role: str, right: str, table: str) -> bool:
    if role == "public":
        question = (
            "SELECT EXISTS (SELECT 1 FROM pg_class c, aclexplode(c.relacl) a"
            " WHERE c.oid = %s::regclass AND a.grantee = 0 AND a.privilege_type = %s)"
        )
        row = connection.execute(question, [f'"{table}"', right]).fetchone()
    else:
        columns = " OR has_any_column_privilege(%(role)s, %(table)s, %(right)s)"
        question = f"SELECT has_table_privilege(%(role)s, %(table)s, %(right)s){columns if right in COLUMNS else ''}"
        row = connection.execute(question, {"role": role, "table": f'"{table}"', "right": right}).fetchone()
    return bool(row and row[0])


COLUMNS = {"SELECT", "INSERT", "UPDATE", "REFERENCES"}


SETS_FOR_LONGER = re.compile(r"(?:^|;)\s*SET\s+(?!LOCAL\b|CONSTRAINTS\b)(?=[A-Za-z_.\"{]+)")
SETS_OUR_WORDS = re.compile(
    r"\bset\s+(?:session\s+)?(?:role|app\.|row_security|search_path|session\s+authorization)", re.I
)
TELLS = re.compile(r"set_config\s*\((?P<what>[^()]*)\)", re.I)


def sentences_that_outlast(text: str) -> list[str]:
    """In one SQL text: settings that stay on the connection, where the next client of a pool would find them."""
    found = [match[0] for pattern in (SETS_FOR_LONGER, SETS_OUR_WORDS) for match in pattern.finditer(text)]
    return found + [match[0] for match in TELLS.finditer(text) if not re.search(r",\s*true\s*$", match["what"])]
