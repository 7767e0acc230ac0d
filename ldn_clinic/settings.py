"""One settings file, read from the environment, safe by default.

Every value that differs between machines is an environment variable named here; `./clinic` sets them for a single
machine, `docs/operations.md` says how for more than one.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from ldn_clinic.beat import SCHEDULE
from ldn_clinic.credentials import secret

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

TESTING = "pytest" in sys.modules

# One key a line: the first signs, those below it are still believed (`docs/operations.md`, Keys).
SECRET_KEY, *SECRET_KEY_FALLBACKS = secret(os.environ, "SECRET_KEY").split() or [""]
SECRET_KEY_FALLBACKS += env.list("SECRET_KEY_FALLBACKS", default=[])
if not SECRET_KEY:
    raise ImproperlyConfigured("There is no SECRET_KEY. Name its file in SECRET_KEY_FILE.")
# The keys of sealed columns, as `common.keyring.Keyring.parse` reads them.
FIELD_KEYS = secret(os.environ, "FIELD_KEYS")
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
BASE_URL = env.str("CLINIC_BASE_URL", default="http://localhost:8000").rstrip("/")
HTTPS = BASE_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = [BASE_URL]

# Demo mode opens one-click sign-in and shows the caught mail; the launcher only sets it for a database of its own.
DEMO_SAID = env.str("CLINIC_DEMO", default="")
DEMO = DEMO_SAID.lower() not in ("", "0", "no", "off", "false")
STATE_DIR = Path(env.str("CLINIC_STATE_DIR", default=str(BASE_DIR / "var")))
EXPORT_DIR = STATE_DIR / "exports"
MAILBOX_DIR = STATE_DIR / "mailbox"
# Where the heads of the memory's chains are told each hour; an empty value tells nobody. See docs/operations.md.
AUDIT_ANCHOR_FILE = env.str("AUDIT_ANCHOR_FILE", default=str(STATE_DIR / "audit-anchors.jsonl"))
AUDIT_ANCHOR_MAIL = env.list("AUDIT_ANCHOR_MAIL", default=[])
AUDIT_ANCHOR_SYSLOG = env.str("AUDIT_ANCHOR_SYSLOG", default="")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
    "pgtrigger",
    "pghistory",
    "ldn_clinic",
    "common",
    "audit",
    "accounts",
    "patients",
    "symptoms",
    "titration",
    "reminders",
    "exports",
    "imports",
]

MIDDLEWARE = [
    "ldn_clinic.middleware.RequestIdMiddleware",
    "ldn_clinic.middleware.StrictHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "ldn_clinic.middleware.PrivateAnswersMiddleware",
    "ldn_clinic.middleware.SameSiteMiddleware",
    # Pads each answer at random, so that its compressed length betrays no secret.
    "django.middleware.gzip.GZipMiddleware",
    "ldn_clinic.middleware.StillOpenMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.SignedInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "ldn_clinic.middleware.DeclaredAccessMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "ldn_clinic.urls"
WSGI_APPLICATION = "ldn_clinic.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ldn_clinic.context.clinic",
            ],
            # The doors are no Django apps: they hold no rows, so their tags are named here.
            "libraries": {"emergency": "portal.tags"},
        },
    }
]
# Rows that carry who and when need no shared context table for their history.
PGHISTORY_CONTEXT_FIELD = None

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# The application's role owns nothing. The owner's address is given to migrations and tests only.
DATABASES = {"default": env.db_url_config(secret(os.environ, "DATABASE_URL"), engine="django.db.backends.postgresql")}
# What leaves in an export is read by a role that cannot write; only the worker knows its address.
EXPORT_DATABASE = "default"
if owner_url := env.str("DATABASE_OWNER_URL", default=""):
    DATABASES["owner"] = env.db_url_config(owner_url, engine="django.db.backends.postgresql")
IS_WORKER = env.bool("CLINIC_WORKER", default=False)
if IS_WORKER and (export_url := secret(os.environ, "DATABASE_EXPORT_URL")):
    EXPORT_DATABASE = "export"
    DATABASES["export"] = env.db_url_config(export_url, engine="django.db.backends.postgresql")
for database in DATABASES.values():
    # A worker keeps no connection: a stale one is how daemons die. The web keeps one and checks it.
    database["CONN_MAX_AGE"] = 0 if IS_WORKER else 60
    database["CONN_HEALTH_CHECKS"] = True
    database["ATOMIC_REQUESTS"] = False
    database["OPTIONS"] = {"connect_timeout": 5, "tcp_user_timeout": 10_000, "application_name": "ldn-clinic"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

BROKER_URL = env.str("BROKER_URL", default="")
CACHES = {
    "default": {
        "BACKEND": "ldn_clinic.cache.SteadyCache",
        "LOCATION": BROKER_URL,
        "KEY_PREFIX": "ldn-cache",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
    if BROKER_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
# Sessions live in the database: a broker that is down must not sign the clinic out.
SESSION_ENGINE = "accounts.session_engine"
# What was searched for, and a code to be read out at the desk, lie in a session: its row is sealed as a note is.
SESSION_SERIALIZER = "common.sealed.SealedSerializer"
# Nobody stays signed in longer than a long day, nor so long after they last did something.
SIGNED_IN_AT_MOST = timedelta(hours=10)
SIGNED_IN_IDLE = timedelta(minutes=15)
SIGNED_IN_WARNING = timedelta(minutes=2)
SESSION_COOKIE_AGE = int(SIGNED_IN_AT_MOST.total_seconds())
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "ldn_clinic.views.csrf_failure"
PHONE_COOKIE_NAME = "__Host-phone" if HTTPS else "phone"
# Somebody may be a patient and look after another: two secrets, and which of the people the pages are about.
CARER_COOKIE_NAME = "__Host-carer" if HTTPS else "carer"
WHOM_COOKIE_NAME = "__Host-whom" if HTTPS else "whom"
# A sitting in which a phone's PIN was given: it ends with the browser's.
SITTING_COOKIE_NAME = "__Host-sitting" if HTTPS else "sitting"

SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# How many proxies of our own a request passes (the older CLINIC_BEHIND_PROXY says one): what they add is believed, and
# nothing else that a client could have written. Tries at signing in are counted by the address the outermost saw.
TRUSTED_PROXIES = env.int("CLINIC_PROXIES", default=int(env.bool("CLINIC_BEHIND_PROXY", default=False)))
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 400
# No page takes a file but those whose door says so, and those take one (docs/adr/0024-tables-that-come-in.md).
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = ["ldn_clinic.uploads.OneSmallFile"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "worker-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
        "report-uri": ["/csp-reports"],
        "report-to": ["csp"],
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.backends.StaffBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "desk:home"
LOGOUT_REDIRECT_URL = "account_login"
# The user name of staff is their e-mail address; patients have none, so families may share an address.
ACCOUNT_ADAPTER = "accounts.adapter.ClosedAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_TIMEOUT = 5 * 60
ACCOUNT_FORMS = {"login": "accounts.forms.SignInForm", "reset_password": "accounts.forms.NewPasswordMailForm"}

# Tries at a password: so many for a name from an address, counted in the database, and then a rest.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "accounts.lockout.name_digest"
AXES_CLIENT_IP_CALLABLE = "accounts.addresses.counted_address"
AXES_LOCKOUT_CALLABLE = "accounts.lockout.answer"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "login", "password", "next", "csrfmiddlewaretoken"]
# The memory keeps who signed in.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# Beside that only addresses are counted: a count by name would let anybody keep a clinic out. The one exception is for
# second factors, "login_failed": by the person whose password was given right before.
SIGN_IN_FAILURES = "30/5m/ip"
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "10/5m/key",
    "reset_password": "10/m/ip,30/h/ip",
}
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}

# Everybody who works in a clinic shows two factors; a passkey is both.
MFA_ADAPTER = "accounts.mfa_adapter.SealedFactors"
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# The steps before and after the present one, for clocks that go wrong; a step is spent by its first use.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "authenticate": "accounts.forms.CodeForm",
    "reauthenticate": "accounts.forms.CodeAgainForm",
    "activate_totp": "accounts.forms.NewAppForm",
    "add_webauthn": "accounts.forms.NewPasskeyForm",
}

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.str("EMAIL_HOST", default="127.0.0.1")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = secret(os.environ, "EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("CLINIC_MAIL_FROM", default="LDN Clinic <clinic@localhost>")

# Text messages to colleagues about something urgent, through a gateway that takes JSON over TLS; else off.
SMS_GATEWAY_URL = env.str("SMS_GATEWAY_URL", default="")
SMS_GATEWAY_TOKEN = secret(os.environ, "SMS_GATEWAY_TOKEN")
SMS_GATEWAY_FROM = env.str("SMS_GATEWAY_FROM", default="LDN Clinic")

# Patients' phones keep the clinic's words for when they have no connection (docs/adr/0027).
KEEP_WORDS_ON_PHONES = env.bool("KEEP_WORDS_ON_PHONES", default=True)

LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(STATE_DIR / "static")))
NODE_MODULES = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("vendor/bootstrap", NODE_MODULES / "bootstrap" / "dist" / "css"),
    ("vendor/inter", NODE_MODULES / "@fontsource-variable" / "inter" / "files"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # A test run has not collected anything: the manifest would refuse every page.
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = TESTING
# A test makes clients by the thousand, and each would look through all files before its first page.
WHITENOISE_AUTOREFRESH = TESTING

CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
# A page must not wait for a broker that is away: publishing gives up soon and the sweep finds the row.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_BEAT_SCHEDULER = "reminders.beat.BeatingScheduler"
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"()": "common.fault_log.WordlessFormatter", "format": "%(levelname)s %(name)s %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {
        # Mails to administrators would carry a traceback with personal data: errors go to the console only.
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
        # One line for every wrong password, without a name or an address: the memory has it already.
        "axes": {"level": "ERROR"},
    },
}
SILENCED_SYSTEM_CHECKS: list[str] = []
