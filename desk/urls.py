"""Addresses of the clinic's pages."""

app_name = "desk"
urlpatterns: list = []
