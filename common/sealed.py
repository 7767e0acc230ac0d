"""Sealed columns: text that only the application can read, by the keys in `settings.FIELD_KEYS`.

`seal` and `open_sealed` do it for text that has no column of its own kind, such as JSON built in SQL.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import FieldError
from django.core.signing import JSONSerializer
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models.lookups import Exact, IsNull
from django.db.models.query_utils import DeferredAttribute

from common.keyring import Keyring, SealError


def keyring() -> Keyring:
    """The keys of this process. Raises `KeysRefused` when none were given."""
    return _parsed(settings.FIELD_KEYS)


def seal(text: str, purpose: str) -> str:
    """The sealed form of a text; an empty one stays empty. `purpose` names its column, as "patient.email"."""
    return keyring().seal(text, purpose)


def open_sealed(text: str, purpose: str) -> str:
    """The words of a stored text, sealed or not yet; raises `SealError` and names no word of it."""
    return keyring().open(text, purpose)


def index(text: str, purpose: str) -> str:
    """The blind index to be kept beside a sealed text; empty for an empty one. Equal texts have equal indexes."""
    return keyring().index(text, purpose) if text else ""


def indexes(text: str, purpose: str) -> list[str]:
    """What a look-up by the text asks for: its blind index by each key that may have made the one in the row."""
    return keyring().indexes(text, purpose)


class Unopened:
    """Stands for words that could not be opened: whoever reads them gets the error, whoever passes by does not.

    A lost key must not hide tonight's dose: rows are still loaded, and only the sealed words in them raise.
    """

    def __init__(self, error: SealError) -> None:
        self.error = error

    def _refuse(self, *_: object) -> NoReturn:
        raise self.error

    __str__ = __bool__ = __len__ = __iter__ = __contains__ = __add__ = __getitem__ = __eq__ = __format__ = _refuse  # type: ignore[assignment]
    __hash__ = _refuse  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "Unopened()"


class _OpenedAttribute(DeferredAttribute):
    """Raises for words that could not be opened when they are read, not when their row is."""

    def __get__(self, instance: Any, cls: type | None = None) -> Any:
        value = super().__get__(instance, cls)  # type: ignore[no-untyped-call]
        if isinstance(value, Unopened):
            raise value.error
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value  # type: ignore[attr-defined]


class _OnlyEmpty(Exact):  # type: ignore[type-arg]
    """`column = ''` is all that can be asked of a sealed column: every sealing of the same words is another text."""

    def get_prep_lookup(self) -> Any:
        if self.rhs != "":
            raise FieldError("A sealed column cannot be looked up by its words. Keep a blind index beside it.")
        return self.rhs


class SealedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is sealed on its way into the database and opened on its way out.

    `purpose` names the column for good: renaming it makes what stands there unreadable. History tables that triggers
    fill from the column keep the purpose and so can open it. Words that were never sealed are read as they are, so that
    a live table can be sealed step by step. `max_length` counts the characters of the words.
    """

    descriptor_class = _OpenedAttribute
    description = "Sealed text"

    def __init__(self, purpose: str, *args: Any, **kwargs: Any) -> None:
        self.purpose = purpose
        super().__init__(*args, **kwargs)
        if self.max_length is not None:
            self.validators.append(MaxLengthValidator(self.max_length))

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        return name, path, [self.purpose, *args], dict(kwargs)

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | Unopened | None:
        if not value:
            return value
        try:
            return open_sealed(value, self.purpose)
        except SealError as error:
            return Unopened(error)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        text = super().get_db_prep_value(value, connection, prepared)
        if not isinstance(text, str):
            return text
        if self.max_length is not None and len(text) > self.max_length:
            raise ValueError(f"{self.purpose} is longer than {self.max_length} characters")
        return seal(text, self.purpose)

    def get_lookup(self, lookup_name: str) -> Any:
        """Only whether it is empty or NULL may be asked; anything else would silently find nothing."""
        allowed: dict[str, Callable[..., Any]] = {"exact": _OnlyEmpty, "isnull": IsNull}
        if lookup_name not in allowed:
            raise FieldError(f"A sealed column cannot be looked up by “{lookup_name}”.")
        return allowed[lookup_name]

    def get_transform(self, lookup_name: str) -> NoReturn:
        raise FieldError(f"A sealed column cannot be looked up by “{lookup_name}”.")


class BlindIndexField(models.CharField):  # type: ignore[type-arg]
    """The blind index of the sealed column `of`, kept by every `save` and `create`.

    An `update` that writes the words must write the index too: `column=words, column_index=sealed.index(words, …)`.
    """

    def __init__(self, of: str, *args: Any, **kwargs: Any) -> None:
        self.of = of
        super().__init__(*args, **{"max_length": 64, "blank": True, "db_default": "", "editable": False, **kwargs})

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        return name, path, [self.of, *args], dict(kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        words = getattr(model_instance, self.of)
        made = index(words, model_instance._meta.get_field(self.of).purpose)  # type: ignore[union-attr]  # noqa: SLF001
        setattr(model_instance, self.attname, made)
        return made


class SealedSerializer(JSONSerializer):
    """A session's data as sealed JSON. One that does not open is an empty session: its owner signs in again."""

    def dumps(self, obj: Any) -> bytes:
        return seal(super().dumps(obj).decode("latin-1"), "session").encode()

    def loads(self, data: bytes) -> Any:
        return super().loads(open_sealed(data.decode("latin-1"), "session").encode("latin-1"))


@lru_cache(maxsize=8)
def _parsed(text: str) -> Keyring:
    return Keyring.parse(text)
