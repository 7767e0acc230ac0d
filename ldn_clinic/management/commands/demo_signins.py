"""Say who can sign in to the demonstration."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from ldn_clinic import demo


class Command(BaseCommand):
    help = "Print the demo personas and where they sign in by one click."

    def handle(self, **options: Any) -> None:
        if not settings.DEMO:
            self.stdout.write("This is not a demonstration: nobody signs in by one click.")
            return
        self.stdout.write(f"One-click sign-in: {settings.BASE_URL}{reverse('demo')}")
        for persona in demo.PERSONAS:
            self.stdout.write(f"  {persona.name:<18} {persona.does}")
        self.stdout.write(f"Mail that was sent: {settings.BASE_URL}{reverse('demo_mail')}")
