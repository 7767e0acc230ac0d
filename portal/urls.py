"""Addresses of the patient's pages."""

from datetime import date

from django.urls import path, register_converter

from portal.views import care, devices, doors, emergency, looking, pages


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
    path("", pages.tonight, name="tonight"),
    path("night/<date:night>/", pages.night, name="night"),
    path("plan/", pages.plan, name="plan"),
    path("chart/", pages.chart, name="chart"),
    path("open/<str:token>/", doors.open_invitation, name="open"),
    path("prove/", doors.prove, name="prove"),
    path("link/<str:link>/", doors.link, name="link"),
    path("leave/", doors.leave, name="leave"),
    path("devices/", devices.devices, name="devices"),
    path("devices/<uuid:phone_id>/forget/", devices.forget, name="forget_device"),
    path("pin/", devices.pin, name="pin"),
    path("pin/new/", devices.new_pin, name="new_pin"),
    path("care/<str:care_token>/", care.open_care, name="open_care"),
    path("whom/", care.whom, name="whom"),
    path("helpers/", care.helpers, name="helpers"),
    path("helpers/new/", care.ask_help, name="ask_help"),
    path("helpers/<uuid:grant_id>/end/", care.end_help, name="end_help"),
    path("who-looked/", looking.who_looked, name="who_looked"),
    path("emergency/", emergency.card, name="emergency"),
]
