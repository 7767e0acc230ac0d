"""Addresses of the patient's pages."""

from datetime import date

from django.urls import path, register_converter

from portal.views import (
    agreement,
    before,
    care,
    devices,
    doors,
    emergency,
    looking,
    messages,
    offline,
    pages,
    procedures,
    questionnaires,
)


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
    path("messages/", messages.messages, name="messages"),
    path("plan/", pages.plan, name="plan"),
    path("agreement/", agreement.agreement, name="agreement"),
    path("before/", before.before, name="before"),
    path("chart/", pages.chart, name="chart"),
    path("procedure/", procedures.tell, name="procedure"),
    path("questions/", questionnaires.questions, name="questions"),
    path("questions/<slug:instrument>/", questionnaires.questionnaire, name="questionnaire"),
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
    path("offline/", offline.offline, name="offline"),
    path("worker.js", offline.worker, name="worker"),
    path("card/<str:card_token>/", emergency.open_card, name="open_card"),
    path("cards/", emergency.my_cards, name="cards"),
    path("cards/new/", emergency.new_card, name="new_card"),
    path("cards/print/", emergency.print_card, name="print_card"),
    path("cards/<uuid:card_id>/name/", emergency.name_card, name="name_card"),
    path("cards/<uuid:card_id>/off/", emergency.revoke_card, name="revoke_card"),
]
