"""What is brought along, and why it is taken back."""

from typing import Any

from django import forms

from common.refusals import Refused
from imports import grid

LONGEST_REASON = 2_000


class BringForm(forms.Form):
    """A file or a pasted table, cleaned to `grid`."""

    use_required_attribute = False

    file = forms.FileField(
        label="A file",
        required=False,
        help_text="An .xlsx file or a CSV in UTF-8, up to 1 MB and 1,000 patients.",
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv,.tsv,.txt", "class": "form-control"}),
        error_messages={"empty": grid.EMPTY},
    )
    table = forms.CharField(
        label="Or a table, copied and pasted",
        required=False,
        strip=False,
        help_text="Mark the cells in your spreadsheet, with the names of the columns, copy them and paste them here.",
        widget=forms.Textarea(
            attrs={"rows": 6, "class": "form-control", "autocomplete": "off", "spellcheck": "false", "wrap": "off"}
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        file, table = cleaned.get("file"), cleaned.get("table", "")
        if self.errors:
            return cleaned
        if file and table.strip():
            self.add_error("table", "Choose a file or paste a table, not both.")
        elif not file and not table.strip():
            self.add_error("file", "Choose a file, or paste a table below.")
        else:
            self._read(file.read() if file else table, cleaned)
        return cleaned

    def _read(self, brought: bytes | str, cleaned: dict[str, Any]) -> None:
        is_file = isinstance(brought, bytes)
        try:
            cleaned["grid"] = grid.read(brought) if isinstance(brought, bytes) else grid.read_pasted(brought)
        except Refused as refusal:
            self.add_error("file" if is_file else "table", refusal.sentence)


class UndoForm(forms.Form):
    """Why an import is taken back."""

    use_required_attribute = False

    reason = forms.CharField(
        label="Why is it undone?",
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2, "class": "form-control"}),
        error_messages={"required": "Say why the import is undone."},
    )
