"""All addresses. A view without a declared door answers 404, whatever stands here."""

from django.urls import include, path

from ldn_clinic import views

handler404 = "ldn_clinic.views.not_found"
handler500 = "ldn_clinic.views.fault"

urlpatterns = [
    path("", include("desk.urls")),
    path("p/", include("portal.urls")),
    path("exports/", include("exports.urls")),
    path("imports/", include("imports.urls")),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/factors/", include("allauth.mfa.urls")),
    path("csp-reports", views.csp_reports, name="csp_reports"),
    path("healthz", views.health, name="health"),
    path("healthz/live", views.live, name="live"),
    path("healthz/ready", views.ready, name="ready"),
    path("healthz/reminders", views.reminders_health, name="reminders_health"),
    path("demo/", views.demo, name="demo"),
    path("demo/sign-in", views.demo_sign_in, name="demo_sign_in"),
    path("demo/phone", views.demo_phone, name="demo_phone"),
    path("demo/mail/", views.demo_mail, name="demo_mail"),
    path("demo/mail/<str:key>", views.demo_message, name="demo_message"),
]
