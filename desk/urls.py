"""Addresses of the clinic's pages."""

from django.urls import path

from desk.views import home, patients, reminders

app_name = "desk"
urlpatterns = [
    path("", home.home, name="home"),
    path("patients/", patients.patients, name="patients"),
    path("patients/new/", patients.register, name="register"),
    path("patients/<uuid:patient_id>/invite/", patients.invite, name="invite"),
    path("patients/<uuid:patient_id>/phones/<uuid:phone_id>/forget/", patients.forget_phone, name="forget_phone"),
    path("reminders/", reminders.reminders, name="reminders"),
    path("reminders/<uuid:reminder_id>/settle/", reminders.settle, name="settle"),
]
