"""The denominator: a page that signs in, reads one row and renders two lines, on Django's standard middleware."""

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from patients.models import Patient

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
PAGE = "<!doctype html><title>{{ patient.name }}</title>\n<p>{{ user.name }} reads {{ patient.record_number }}.</p>"


def page(request: HttpRequest, patient_id: object) -> HttpResponse:
    """Session, user, one indexed SELECT, a template."""
    patient = Patient.objects.get(id=patient_id)
    body = engines["django"].from_string(PAGE).render({"patient": patient, "user": request.user}, request)
    return HttpResponse(body)


urlpatterns = [path("bare/<uuid:patient_id>", page)]
