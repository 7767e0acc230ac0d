"""Sealing again: everything that lies in sealed columns, under the key that is current now.

It works on tables as their owner, whom append-only triggers let pass for the length of one batch: a history whose
words could not be sealed anew would keep a stolen key alive for ever. What the words say is not touched. Each batch is
one transaction, and a row that is done is recognised by its key, so that it may be stopped and begun again any time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from psycopg import sql

from common import keyring, sealed
from common.keyring import Keyring, SealError
from common.models import SealedTally
from common.sealed import BlindIndexField, SealedTextField

BATCH = 200
"""Rows of one transaction: writers of the table wait for it, some tens of milliseconds."""


@dataclass(frozen=True)
class Table:
    """A table with sealed columns; `indexes` are its blind indexes by the column they follow."""

    name: str
    key: str
    columns: tuple[tuple[str, str], ...]
    """Column and purpose."""
    indexes: dict[str, str]

    @property
    def written(self) -> tuple[str, ...]:
        return (*(column for column, _ in self.columns), *self.indexes.values())


@dataclass(frozen=True)
class Done:
    """What became of a table: rows sealed anew, and rows whose words do not open with the keys of this process."""

    table: str
    rows: int
    unopened: int


def tables() -> list[Table]:
    """Every table with a sealed column, history included."""
    found = []
    for model in apps.get_models():
        fields = [field for field in model._meta.local_concrete_fields if isinstance(field, SealedTextField)]  # noqa: SLF001
        if fields and model._meta.managed and not model._meta.proxy:  # noqa: SLF001
            found.append(_table(model, fields))
    return sorted(found, key=lambda table: table.name)


def _table(model: type[models.Model], fields: Sequence[SealedTextField]) -> Table:
    indexes = [field for field in model._meta.local_concrete_fields if isinstance(field, BlindIndexField)]  # noqa: SLF001
    return Table(
        name=model._meta.db_table,  # noqa: SLF001
        key=model._meta.pk.column,  # type: ignore[union-attr]  # noqa: SLF001
        columns=tuple((field.column, field.purpose) for field in fields),
        indexes={field.of: field.column for field in indexes},
    )


def seal_again(table: Table, *, only_plain: bool = False) -> Done:
    """Seal a table's words with the current key; with `only_plain` only those that never were sealed."""
    ring, rows, unopened, last = sealed.keyring(), 0, 0, None
    while keys := _waiting(table, ring, last, only_plain):
        with transaction.atomic(), _triggers_aside(table):
            for row_key, *texts in _locked(table, keys):
                try:
                    _write(table, row_key, _sealed_anew(table, texts, ring))
                except SealError:
                    unopened += 1
                else:
                    rows += 1
        last = keys[-1]
    return Done(table.name, rows, unopened)


@transaction.atomic
def tally(*, at: datetime) -> list[SealedTally]:
    """Count how many texts each key seals, in every column, and keep the count for those who ask for health."""
    counted = [
        SealedTally(table_and_column=f"{table.name}.{column}", key_id=key_id[:24], texts=texts, counted_at=at)
        for table in tables()
        for column, _ in table.columns
        for key_id, texts in _counted(table, column)
    ]
    SealedTally.objects.all().delete()
    return SealedTally.objects.bulk_create(counted)


def missing_keys(ring: Keyring) -> dict[str, int]:
    """Keys that sealed something, by the last tally, and are not on the ring, with the number of texts."""
    known = {key.id for key in ring.keys}
    found: dict[str, int] = {}
    for key_id, texts in SealedTally.objects.exclude(key_id="").order_by("key_id").values_list("key_id", "texts"):
        if key_id not in known:
            found[key_id] = found.get(key_id, 0) + texts
    return found


def _waiting(table: Table, ring: Keyring, last: Any, only_plain: bool) -> list[Any]:
    """The keys of the next rows with something to seal, in their order."""
    done = keyring.MARK if only_plain else f"{keyring.MARK}{ring.current.id}:"
    waiting = sql.SQL("({column} <> '' AND NOT starts_with({column}, {done}))")
    any_waits = sql.SQL(" OR ").join(
        waiting.format(column=sql.Identifier(column), done=sql.Literal(done)) for column, _ in table.columns
    )
    key = sql.Identifier(table.key)
    beyond = sql.SQL("TRUE") if last is None else sql.SQL("{} > {}").format(key, sql.Literal(last))
    statement = sql.SQL("SELECT {key} FROM {table} WHERE ({any_waits}) AND {beyond} ORDER BY {key} LIMIT {batch}")
    asked = statement.format(
        key=key, table=sql.Identifier(table.name), any_waits=any_waits, beyond=beyond, batch=sql.Literal(BATCH)
    )
    return [found for (found,) in _rows(asked)]


def _locked(table: Table, keys: list[Any]) -> list[tuple[Any, ...]]:
    statement = sql.SQL("SELECT {columns} FROM {table} WHERE {key} = ANY(%s) ORDER BY {key} FOR NO KEY UPDATE")
    columns = (table.key, *(column for column, _ in table.columns))
    return _rows(
        statement.format(
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            table=sql.Identifier(table.name),
            key=sql.Identifier(table.key),
        ),
        [keys],
    )


def _sealed_anew(table: Table, texts: Sequence[str | None], ring: Keyring) -> list[str | None]:
    """What to write in the columns and the blind indexes of a row."""
    opened = {
        column: None if text is None else ring.open(text, purpose)
        for (column, purpose), text in zip(table.columns, texts, strict=True)
    }
    purposes = dict(table.columns)
    words = [text and ring.seal(text, purposes[column]) for column, text in opened.items()]
    return [*words, *(_index(ring, opened[of], purposes[of]) for of in table.indexes)]


def _index(ring: Keyring, text: str | None, purpose: str) -> str:
    return ring.index(text, purpose) if text else ""


def _write(table: Table, row_key: Any, values: list[str | None]) -> None:
    statement = sql.SQL("UPDATE {table} SET {columns} WHERE {key} = %s").format(
        table=sql.Identifier(table.name),
        columns=sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in table.written),
        key=sql.Identifier(table.key),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, row_key])


class _triggers_aside:  # noqa: N801  reads as a word in a with-statement
    """The table's own triggers step aside until the block's end; only its owner can ask them to.

    The table's lock is taken before any row's, so that it cannot wait for a writer who waits for us.
    """

    def __init__(self, table: Table) -> None:
        self.table = sql.Identifier(table.name)

    def __enter__(self) -> None:
        self._ask("SET LOCAL lock_timeout = '10s'")
        self._ask("ALTER TABLE {} DISABLE TRIGGER USER")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._ask("ALTER TABLE {} ENABLE TRIGGER USER")

    def _ask(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(self.table))


def _counted(table: Table, column: str) -> Iterator[tuple[str, int]]:
    statement = sql.SQL(
        "SELECT CASE WHEN starts_with({column}, {mark}) THEN split_part({column}, ':', 2) ELSE '' END, count(*) "
        "FROM {table} WHERE {column} <> '' GROUP BY 1 ORDER BY 1"
    )
    yield from _rows(
        statement.format(
            column=sql.Identifier(column), table=sql.Identifier(table.name), mark=sql.Literal(keyring.MARK)
        )
    )


def _rows(statement: sql.Composed, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
