"""Addresses of the files that leave."""

app_name = "exports"
urlpatterns: list = []
