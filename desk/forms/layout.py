"""What the desk's forms share: fields without a form's tags around them, and how long a reason may be."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, LayoutObject

LONGEST_REASON = 2000
RADIO = {"class": "form-check-input"}
RADIOS = "desk/_radios.html"


def without_tags(*fields: str | LayoutObject) -> FormHelper:
    """The fields in this order, all of the form if none is named. The page writes the form's own tags: its buttons
    stand beside what they do.
    """
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    if fields:
        helper.layout = Layout(*fields)
    return helper


class Folded(Div):
    """Fields that are asked for seldom, under a line that opens them; `stands_open` where they say something."""

    template = "desk/_folded.html"

    def __init__(self, summary: str, *fields: str | LayoutObject, stands_open: bool) -> None:
        super().__init__(*fields)
        self.summary, self.stands_open = summary, stands_open
