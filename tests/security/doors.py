"""Doors as real as any, and behind them views that forget who asks: only the database stands between the clinics."""

from collections.abc import Iterator

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from accounts.access import clinic_page, public_page
from accounts.policy import Permission
from common import walls
from patients.models import Patient
from titration.models import Prescription

MODELS = (Patient, Prescription)


def rows() -> list[str]:
    """The clinic of every row that can be seen."""
    return sorted(
        str(clinic) for model in MODELS for clinic in model.objects.across_clinics().values_list("clinic_id", flat=True)
    )


@clinic_page(Permission.READ_PATIENTS, action="test.look")
def look(request: HttpRequest) -> HttpResponse:
    """All rows."""
    return JsonResponse(rows(), safe=False)


@clinic_page(Permission.READ_PATIENTS, action="test.nest")
def nest(request: HttpRequest) -> HttpResponse:
    """All rows, after a while in which the database was told that nobody acts."""
    with walls.acting(clinic=None):
        if rows():
            return JsonResponse(["seen as nobody"], safe=False)
    return JsonResponse(rows(), safe=False)


@clinic_page(Permission.READ_PATIENTS, action="test.fail")
def fail(request: HttpRequest) -> HttpResponse:
    """An error of ours in the middle."""
    raise RuntimeError(len(rows()))


@clinic_page(Permission.READ_PATIENTS, action="test.break")
def broken(request: HttpRequest) -> HttpResponse:
    """An error of the database's in the middle."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / (SELECT count(*) * 0 FROM patients_patient)")
    return HttpResponse()


@clinic_page(Permission.READ_PATIENTS, action="test.hang_up")
def hang_up(request: HttpRequest) -> HttpResponse:
    """The connection is lost in the middle."""
    rows()
    connection.connection.close()
    return JsonResponse(rows(), safe=False)


@clinic_page(Permission.READ_PATIENTS, action="test.stream")
def stream(request: HttpRequest) -> StreamingHttpResponse:
    """What is asked while the answer leaves is asked by nobody: the door has closed behind it."""

    def late() -> Iterator[str]:
        for _ in range(3):
            yield f"{len(rows())} "

    return StreamingHttpResponse(late())


@public_page("test: anybody")
def anybody(request: HttpRequest) -> HttpResponse:
    """All rows that nobody in particular may see."""
    return JsonResponse(rows(), safe=False)


VIEWS = (look, nest, fail, broken, hang_up, stream, anybody)
urlpatterns = [path(view.__name__, view) for view in VIEWS]
