"""What every template may know."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def clinic(request: HttpRequest) -> dict[str, Any]:
    """The actor of this page and whether this is a demonstration. No query."""
    return {"actor": getattr(request, "actor", None), "demo": settings.DEMO}
