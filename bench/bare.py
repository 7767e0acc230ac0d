"""The denominator: a page that signs in, reads one row and renders two lines, on Django's standard middleware."""

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from accounts.models import User

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
PAGE = "<!doctype html><title>{{ person.name }}</title>\n<p>{{ user.name }} reads {{ person.username }}.</p>"


def page(request: HttpRequest, user_id: object) -> HttpResponse:
    """Session, user, one indexed SELECT, a template."""
    person = User.objects.get(id=user_id)
    body = engines["django"].from_string(PAGE).render({"person": person, "user": request.user}, request)
    return HttpResponse(body)


urlpatterns = [path("bare/<uuid:user_id>", page)]
