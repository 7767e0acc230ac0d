"""What a request for an export carries."""

from django import forms


class AskForm(forms.Form):
    """Of one patient, or of all the asker may see; the key makes the same click sent twice one job."""

    request_key = forms.UUIDField(widget=forms.HiddenInput)
    patient = forms.UUIDField(widget=forms.HiddenInput, required=False)
