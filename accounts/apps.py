"""Listens from the start to who signs in, who signs out and who failed to."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import receivers  # noqa: PLC0415  models are not ready when this module is read

        receivers.connect()
