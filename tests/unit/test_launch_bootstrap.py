"""When `.venv` is good enough, and what the locks promise."""

import re

import pytest

from launch import bootstrap
from launch.places import ROOT

LOCKS = sorted(ROOT.glob("requirements*.txt"))


def pins(path):
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", path.read_text(), re.MULTILINE))


@pytest.fixture
def stamped(monkeypatch, tmp_path):
    """A `.venv` that says it holds what we write into its stamp."""
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp")
    return tmp_path / "stamp"


class TestStamp:
    def test_without_one_it_is_built(self, stamped):
        assert not bootstrap.is_ready("runtime")

    def test_the_development_packages_serve_the_application_too(self, stamped):
        stamped.write_text(bootstrap.stamp("dev"))
        assert bootstrap.is_ready("runtime")
        assert bootstrap.is_ready("dev")

    def test_the_applications_packages_do_not_serve_development(self, stamped):
        stamped.write_text(bootstrap.stamp("runtime"))
        assert bootstrap.is_ready("runtime")
        assert not bootstrap.is_ready("dev")

    def test_a_changed_lock_is_built_anew(self, stamped, monkeypatch, tmp_path):
        stamped.write_text(bootstrap.stamp("dev"))
        changed = tmp_path / "requirements-dev.txt"
        changed.write_text("other==1\n")
        monkeypatch.setitem(bootstrap.LOCKS, "dev", changed)
        assert not bootstrap.is_ready("dev")

    def test_a_desk_keeps_its_tools_when_the_lock_changes(self, stamped):
        stamped.write_text("dev 0000 3.11 /somewhere\n")
        assert bootstrap._kind_to_build("runtime") == "dev"


class TestLocks:
    @pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
    def test_every_package_is_pinned_with_hashes_and_no_address_is_named(self, path):
        text = path.read_text()
        entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE).strip())
        assert entries
        assert [entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
        assert not re.search(r"https?://|--index-url|--find-links", text)

    def test_the_application_is_tested_with_the_versions_it_runs_on(self):
        runtime, dev = pins(ROOT / "requirements.txt"), pins(ROOT / "requirements-dev.txt")
        assert {name: version for name, version in runtime.items() if dev.get(name) != version} == {}
        assert pins(ROOT / "requirements-boot.txt").items() <= dev.items()

    @pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.in")), ids=lambda path: path.name)
    def test_every_wish_says_what_it_is_for(self, path):
        wishes = [line for line in path.read_text().splitlines() if line and not line.startswith(("#", "-r "))]
        assert [line for line in wishes if "#" not in line] == []

    def test_the_locked_styles_name_no_registry(self):
        assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


def test_what_the_machine_trusts_is_trusted():
    """In a network with a root certificate of its own nothing could be fetched otherwise."""
    told = bootstrap.trust()
    assert not told or set(told) == {"PIP_CERT", "NODE_EXTRA_CA_CERTS", "UV_SYSTEM_CERTS"}
