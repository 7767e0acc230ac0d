"""The emergency card: the same words for everybody, open while everything else is away."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import open_page
from portal import words


@require_safe
@open_page("emergency card, the same words for everybody")
def card(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/emergency.html", {"card": words.card_words(), "stop": words.stop_words()})
