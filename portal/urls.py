"""Addresses of the patient's pages."""

from datetime import date

from django.urls import path, register_converter

from portal import views


class IsoDate:
    """A date in an address, as in 2026-03-02; anything else is no address of ours."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


register_converter(IsoDate, "date")

app_name = "portal"
urlpatterns = [
    path("", views.tonight, name="tonight"),
    path("night/<date:night>/", views.night, name="night"),
    path("plan/", views.plan, name="plan"),
    path("chart/", views.chart, name="chart"),
    path("open/<str:token>/", views.open_invitation, name="open"),
    path("prove/", views.prove, name="prove"),
    path("leave/", views.leave, name="leave"),
]
