"""Addresses of the tables that come in."""

from django.urls import path

from imports import views

app_name = "imports"
urlpatterns = [
    path("", views.index, name="list"),
    path("patients.<str:kind>", views.empty_table, name="template"),
    path("<uuid:import_id>", views.show, name="show"),
    path("<uuid:import_id>/accept", views.accept, name="accept"),
    path("<uuid:import_id>/discard", views.discard, name="discard"),
    path("<uuid:import_id>/undo", views.undo, name="undo"),
]
