"""Bringing reviewed protocol files into rows, once a version."""

from datetime import datetime

from django.db import transaction

from titration import protocol_files
from titration.models import ProtocolVersion


@transaction.atomic
def load_shipped(*, at: datetime, using: str = "default") -> None:
    """A row for every shipped protocol version that has none yet. A version once loaded is never rewritten."""
    rows = ProtocolVersion.objects.using(using)
    known = {
        (row.code, row.version): row.fingerprint
        for row in rows.filter(clinic=None).only("code", "version", "fingerprint")
    }
    for protocol in protocol_files.shipped().values():
        fingerprint = known.get((protocol.id, protocol.version))
        if fingerprint is None:
            rows.create(
                code=protocol.id,
                version=protocol.version,
                name=protocol.name,
                body=protocol.to_json(),
                fingerprint=protocol.fingerprint(),
                loaded_at=at,
            )
        elif fingerprint != protocol.fingerprint():
            raise ValueError(
                f"{protocol.id} was changed without a new version; courses keep the version they began with."
            )
