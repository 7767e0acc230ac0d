from django.apps import AppConfig


class LdnClinicConfig(AppConfig):
    name = "ldn_clinic"

    def ready(self) -> None:
        from ldn_clinic import checks  # noqa: F401, PLC0415  registers what a start is refused for
