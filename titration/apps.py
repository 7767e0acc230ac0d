"""Loads the shipped protocols whenever the tables have been brought up to date."""

from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.db.models.signals import post_migrate


class TitrationConfig(AppConfig):
    name = "titration"

    def ready(self) -> None:
        post_migrate.connect(_load_protocols, sender=self)


def _load_protocols(using: str, apps: Apps, **_: Any) -> None:
    # Signalled after going back too, when there may be no table to load them into.
    if "protocolversion" not in apps.all_models[TitrationConfig.name]:
        return
    from common import clock  # noqa: PLC0415  models are not ready when this module is read
    from titration.services import protocols  # noqa: PLC0415

    protocols.load_shipped(at=clock.now(), using=using)
