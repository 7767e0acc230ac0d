"""What may be said in the environment, and what is passed on."""

import pytest

from launch import places, settings, testing
from launch.failure import Failure


class TestGiven:
    def test_with_nothing_said_everything_is_our_own_and_the_demo_is_on(self):
        given = settings.read({})
        assert (given.database_url, given.broker_url, given.mail_host) == (None, None, None)
        assert given.demo
        assert given.base_url == "http://localhost:8000"

    @pytest.mark.parametrize("said", ["0", "no", "off", "false", "No"])
    def test_the_demo_can_be_switched_off(self, said):
        assert not settings.read({"CLINIC_DEMO": said}).demo

    def test_words_are_told_from_the_default(self):
        assert not settings.read({}).demo_in_words
        assert settings.read({"CLINIC_DEMO": settings.YES_ON_THIS_DATABASE}).demo_in_words

    def test_a_given_database_is_no_demo(self):
        assert not settings.read({"DATABASE_URL": "postgres://o:p@db/clinic"}).demo

    def test_a_given_database_becomes_a_demo_only_in_words(self):
        environ = {"DATABASE_URL": "postgres://o:p@db/clinic", "CLINIC_DEMO": "yes-on-this-database"}
        assert settings.read(environ).demo

    @pytest.mark.parametrize("said", ["1", "yes", "true", "on", "YES-ON-THIS-DATABASE"])
    def test_a_short_yes_is_refused_on_a_given_database(self, said):
        with pytest.raises(Failure, match="CLINIC_DEMO=yes-on-this-database"):
            settings.read({"DATABASE_URL": "postgres://o:p@db/clinic", "CLINIC_DEMO": said})

    @pytest.mark.parametrize("said", ["abc", "0", "65536", "-1", "80.5"])
    def test_a_port_is_a_port(self, said):
        with pytest.raises(Failure, match="PORT must be a number"):
            settings.read({"PORT": said})

    def test_the_address_follows_the_port(self):
        assert settings.read({"PORT": "8123"}).base_url == "http://localhost:8123"

    @pytest.mark.parametrize(
        ("said", "sentence"),
        [
            ({"SECRET_KEY": "short"}, "SECRET_KEY is too short"),
            ({"ALLOWED_HOSTS": "clinic.example,*"}, "ALLOWED_HOSTS"),
            ({"CLINIC_BASE_URL": "http://clinic.example"}, "need https://"),
            ({"CLINIC_BASE_URL": "http://localhost.clinic.example"}, "need https://"),
        ],
        ids=["short key", "any host", "no TLS", "almost this machine"],
    )
    def test_what_the_application_would_refuse_is_said_at_once(self, said, sentence):
        with pytest.raises(Failure, match=sentence):
            settings.read(said)

    @pytest.mark.parametrize("url", ["https://clinic.example", "http://127.0.0.1:8000", "http://clinic.localhost:8000"])
    def test_tls_or_this_machine_will_do(self, url):
        assert settings.read({"CLINIC_BASE_URL": url}).base_url == url

    def test_the_database_may_be_named_in_a_file(self, tmp_path):
        (tmp_path / "url").write_text("postgres://o:p@db/clinic\n")
        given = settings.read({"DATABASE_URL_FILE": str(tmp_path / "url")})
        assert given.database_url == "postgres://o:p@db/clinic"
        assert not given.demo

    @pytest.mark.parametrize("url", ["sqlite:///x", "mysql://a@b/c", "psql://a@b/c"])
    def test_only_postgres(self, url):
        with pytest.raises(Failure, match="DATABASE_URL must begin with postgres://"):
            settings.read({"DATABASE_URL": url})


class TestPassedOn:
    def test_the_owners_address_is_not_passed_on(self):
        said = {
            "DATABASE_URL": "postgres://owner:secret@db/x",
            "DATABASE_OWNER_URL": "secret",
            "DEBUG": "1",
            "PATH": "/bin",
        }
        passed = settings.passed_on(said)
        assert "secret" not in " ".join(passed.values())
        assert "DEBUG" not in passed

    def test_secrets_are_handed_on_in_files_only(self):
        said = dict.fromkeys(("SECRET_KEY", "FIELD_KEYS", "DATABASE_URL_FILE"), "secret")
        assert "secret" not in settings.passed_on(said).values()

    def test_our_own_programs_come_first(self):
        assert settings.passed_on({"PATH": "/bin"})["PATH"].startswith(str(places.VENV))

    def test_a_mail_servers_password_goes_only_to_that_server(self):
        said = {"EMAIL_HOST_PASSWORD": "secret", "EMAIL_USE_TLS": "1"}
        assert settings.passed_on(said)["EMAIL_USE_TLS"] == "1"
        assert not {"EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS"} & settings.passed_on(said, own_mail=True).keys()

    def test_what_is_said_about_another_postgres_does_not_hold_for_ours(self):
        said = {"PGSSLMODE": "require", "PGOPTIONS": "-c fsync=on", "PATH": "/bin"}
        settings.forget_postgres(said)
        assert said == {"PATH": "/bin"}


class TestStateFolder:
    def test_a_user_keeps_the_data_in_the_project(self):
        folder = places.state_folder(None, is_root=False, project_is_reachable=True)
        assert folder == places.ROOT / "var"

    def test_what_is_given_wins(self, tmp_path):
        assert places.state_folder(str(tmp_path), is_root=True, project_is_reachable=False) == tmp_path

    def test_root_below_a_closed_folder_goes_outside(self, monkeypatch, tmp_path):
        monkeypatch.setattr(places, "SHARED", tmp_path)
        folder = places.state_folder(None, is_root=True, project_is_reachable=False)
        assert folder.parent == tmp_path

    def test_data_once_outside_are_found_again_when_the_project_opens(self, monkeypatch, tmp_path):
        monkeypatch.setattr(places, "SHARED", tmp_path)
        outside = places.state_folder(None, is_root=True, project_is_reachable=False)
        outside.mkdir()
        assert places.state_folder(None, is_root=True, project_is_reachable=True) == outside

    def test_two_clones_have_two_folders(self, monkeypatch, tmp_path):
        names = set()
        for clone in ("a/clinic", "b/clinic"):
            monkeypatch.setattr(places, "ROOT", tmp_path / clone)
            names.add(places.clone_name())
        assert len(names) == 2


class TestPytestOptions:
    def test_a_whole_run_uses_every_core_and_leaves_the_long_ones_out(self):
        options = testing.options([], in_ci=False)
        assert "not long" in options
        assert "-n" in options

    def test_ci_runs_the_long_ones(self):
        assert "-m" not in testing.options([], in_ci=True)

    @pytest.mark.parametrize("arguments", [["-m", "long"], ["-mlong"], ["-m=long"]])
    def test_a_given_choice_is_kept(self, arguments):
        assert "not long" not in testing.options(arguments, in_ci=False)

    @pytest.mark.parametrize("arguments", [["tests/unit"], ["-n", "0"], ["-n0"], ["--pdb"], ["-s"]])
    def test_a_part_or_a_debugger_runs_in_one_process(self, arguments):
        assert "loadfile" not in testing.options(arguments, in_ci=False)

    @pytest.mark.parametrize(
        ("arguments", "wanted"),
        [([], True), (["-q"], True), (["tests"], True), (["tests/unit"], False), (["tests/browser"], True)],
    )
    def test_a_browser_is_only_fetched_for_browser_tests(self, arguments, wanted):
        assert testing.wants_browser(arguments) is wanted
