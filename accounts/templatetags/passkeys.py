"""What the pages' script needs to ask a browser for a passkey."""

import json
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder

register = template.Library()


@register.filter
def as_json(value: Any) -> str:
    """A value as JSON, for an attribute: there the template's own escaping guards it."""
    return json.dumps(value, cls=DjangoJSONEncoder)
