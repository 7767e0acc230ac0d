"""Addresses of the files that leave."""

from django.urls import path

from exports import views

app_name = "exports"
urlpatterns = [
    path("", views.index, name="list"),
    path("ask", views.ask, name="ask"),
    path("memory", views.memory, name="memory"),
    path("<uuid:export_id>", views.show, name="show"),
    path("<uuid:export_id>/file", views.file, name="file"),
]
