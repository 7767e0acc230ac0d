"""Addresses of the patient's pages."""

app_name = "portal"
urlpatterns: list = []
