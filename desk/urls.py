"""Addresses of the clinic's pages."""

from django.urls import path

from desk.views import (
    contact,
    courses,
    helpers,
    home,
    memory,
    emergency,
    helpers,
    home,
    patient,
    patients,
    people,
    prescribe,
    reminders,
    restricted,
)

app_name = "desk"
urlpatterns = [
    path("", home.home, name="home"),
    path("patients/", patients.patients, name="patients"),
    path("patients/new/", patients.register, name="register"),
    path("patients/<uuid:patient_id>/", patient.patient, name="patient"),
    path("patients/<uuid:patient_id>/chart.svg", patient.chart_svg, name="chart_svg"),
    path("patients/<uuid:patient_id>/prescribe/", prescribe.prescribe, name="prescribe"),
    path("patients/<uuid:patient_id>/contact/", contact.contact, name="contact"),
    path("patients/<uuid:patient_id>/invite/", patients.invite, name="invite"),
    path("patients/<uuid:patient_id>/phones/<uuid:phone_id>/forget/", patients.forget_phone, name="forget_phone"),
    path("patients/<uuid:patient_id>/access/", restricted.access, name="patient_access"),
    path("patients/<uuid:patient_id>/access/restrict/", restricted.restrict, name="patient_restrict"),
    path("patients/<uuid:patient_id>/access/add/", restricted.add, name="patient_team_add"),
    path("patients/<uuid:patient_id>/access/remove/<uuid:user_id>/", restricted.remove, name="patient_team_remove"),
    path("patients/<uuid:patient_id>/access/open/", restricted.open_again, name="patient_open_again"),
    path("patients/<uuid:patient_id>/helpers/", helpers.helpers, name="helpers"),
    path("patients/<uuid:patient_id>/helpers/<uuid:grant_id>/end/", helpers.end_help, name="end_help"),
    path("courses/<uuid:prescription_id>/hold/", courses.hold, name="hold"),
    path("courses/<uuid:prescription_id>/advance/", courses.advance, name="advance"),
    path("courses/<uuid:prescription_id>/stop/", courses.stop, name="stop"),
    path("steps/", courses.advance_several, name="advance_several"),
    path("reports/<uuid:report_id>/answer/", courses.answer_report, name="answer_report"),
    path("reminders/", reminders.reminders, name="reminders"),
    path("reminders/<uuid:reminder_id>/settle/", reminders.settle, name="settle"),
    path("memory/", memory.memory, name="memory"),
    path("people/roles/", people.roles, name="roles"),
    path("emergency/", emergency.open_record, name="emergency"),
    path("emergency/<uuid:access_id>/end/", emergency.end, name="emergency_end"),
    path("emergency/reviews/", emergency.reviews, name="emergency_reviews"),
    path("emergency/reviews/<uuid:access_id>/", emergency.review, name="emergency_review"),
    path("emergency/reviews/<uuid:access_id>/end/", emergency.end_of_review, name="emergency_review_end"),
]
