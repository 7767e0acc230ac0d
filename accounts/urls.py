"""Addresses of the pages about one's own sign-in; the rest of them are allauth's."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("session/", views.session_state, name="session_state"),
    path("session/stay/", views.stay, name="stay"),
    path("session/back/", views.back, name="back"),
    path("sessions/", views.sessions, name="sessions"),
    path("sessions/end/", views.end_session, name="end_session"),
    path("sessions/end-others/", views.end_other_sessions, name="end_other_sessions"),
    path("go-on/<str:key>/", views.go_on, name="go_on"),
    path("go-on/<str:key>/confirm/", views.confirm_in_demonstration, name="confirm_in_demonstration"),
]
