"""Sealed words: what opens them, what does not, and what is never said when they do not open."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import keyring, sealed
from common.keyring import KeyMissing, Keyring, KeysRefused, SealBroken

OLD, NEW = keyring.new_line("old"), keyring.new_line("new")
RING = Keyring.parse(NEW + "\n" + OLD)
WORDS = st.text(min_size=1).filter(lambda text: text.isprintable())
PURPOSES = st.sampled_from(["patient.email", "symptom_log.note", "medicine.words"])


@given(WORDS, PURPOSES)
def test_what_was_sealed_opens_and_shows_nothing(words, purpose):
    stored = RING.seal(words, purpose)
    assert RING.open(stored, purpose) == words
    assert keyring.key_id_of(stored) == "new"
    assert len(words) < 8 or words not in stored


@given(WORDS, PURPOSES)
def test_the_same_words_are_never_sealed_to_the_same_text(words, purpose):
    assert RING.seal(words, purpose) != RING.seal(words, purpose)


@given(WORDS, PURPOSES, st.data())
def test_a_changed_byte_does_not_open(words, purpose, data):
    stored = RING.seal(words, purpose)
    head, _, packed = stored.rpartition(":")
    raw = bytearray(base64.urlsafe_b64decode(packed))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken) as caught:
        RING.open(f"{head}:{base64.urlsafe_b64encode(raw).decode()}", purpose)
    assert str(caught.value) == f"a sealed {purpose} is not as it was written"


@given(WORDS, st.data())
def test_a_cut_text_does_not_open(words, data):
    stored = RING.seal(words, "patient.email")
    end = data.draw(st.integers(len("sealed1:new:"), len(stored) - 1))
    with pytest.raises(SealBroken):
        RING.open(stored[:end], "patient.email")


@given(WORDS)
def test_words_moved_to_another_column_do_not_open(words):
    with pytest.raises(SealBroken):
        RING.open(RING.seal(words, "patient.email"), "medicine.words")


@given(WORDS, PURPOSES)
def test_a_key_that_is_not_on_the_ring_is_named_and_the_words_are_not(words, purpose):
    with pytest.raises(KeyMissing) as caught:
        Keyring.parse(OLD).open(RING.seal(words, purpose), purpose)
    assert caught.value.key_id == "new"
    assert str(caught.value) == f"the key 'new' that seals {purpose} is not on the ring"


@given(WORDS, PURPOSES)
def test_a_text_under_another_keys_name_does_not_open(words, purpose):
    stored = RING.seal(words, purpose).replace("sealed1:new:", "sealed1:old:")
    with pytest.raises(SealBroken):
        RING.open(stored, purpose)


@given(WORDS, PURPOSES)
def test_an_older_key_still_opens(words, purpose):
    assert RING.open(Keyring.parse(OLD).seal(words, purpose), purpose) == words


@given(WORDS)
def test_words_that_never_were_sealed_are_given_as_they_are(words):
    assert RING.open(words, "patient.email") == words


def test_words_that_look_sealed_are_sealed_as_any_others():
    words = RING.seal("a", "patient.email")
    assert RING.open(RING.seal(words, "patient.email"), "patient.email") == words


def test_nothing_stays_nothing():
    assert RING.seal("", "patient.email") == ""
    assert RING.open("", "patient.email") == ""


class TestIndex:
    @given(WORDS)
    def test_equal_words_are_found_whichever_key_made_the_index(self, words):
        for line in (OLD, NEW):
            assert Keyring.parse(line).index(words, "patient.email") in RING.indexes(words, "patient.email")

    def test_case_and_blanks_do_not_matter(self):
        assert RING.index(" Ann@Mail.example ", "patient.email") == RING.index("ann@mail.example", "patient.email")

    def test_it_differs_by_purpose_key_and_words(self):
        found = {
            RING.index("a", "patient.email"),
            RING.index("b", "patient.email"),
            RING.index("a", "carer.email"),
            *Keyring.parse(OLD).indexes("a", "patient.email"),
        }
        assert len(found) == 4


class TestRing:
    def test_the_first_key_seals_and_remarks_are_skipped(self):
        ring = Keyring.parse(f"# made in spring\n\n{NEW}  # current\n{OLD}\n")
        assert [key.id for key in ring.keys] == ["new", "old"]

    @pytest.mark.parametrize(
        "text",
        ["", "# only a remark", "id", "id:short", f"Bad id:{OLD.partition(':')[2]}", f"{OLD}\n{OLD}", OLD + "!"],
        ids=["nothing", "a remark", "no key", "a short key", "a bad id", "twice the same", "a stray letter"],
    )
    def test_what_is_no_ring_is_refused_without_showing_it(self, text):
        with pytest.raises(KeysRefused) as caught:
            Keyring.parse(text)
        assert OLD.partition(":")[2] not in str(caught.value)

    def test_a_key_does_not_show_itself(self):
        assert repr(RING) == "Keyring(keys=(Key('new'), Key('old')))"


class TestUnopened:
    """A row with words that cannot be opened still loads; reading the words raises."""

    @pytest.fixture
    def unopened(self, settings):
        field = sealed.SealedTextField("patient.email")
        stored = RING.seal("ann@mail.example", "patient.email")
        settings.FIELD_KEYS = OLD
        return field.from_db_value(stored, None, None)

    @pytest.mark.parametrize(
        "read", [str, bool, len, list, lambda words: words + "", lambda words: words == "", lambda words: f"{words}"]
    )
    def test_reading_it_in_any_way_raises(self, unopened, read):
        with pytest.raises(KeyMissing):
            read(unopened)

    def test_it_shows_nothing_in_a_trace(self, unopened):
        assert repr(unopened) == "Unopened()"

    def test_it_is_not_written_back(self, unopened):
        with pytest.raises(KeyMissing):
            sealed.SealedTextField("patient.email").get_db_prep_save(unopened, None)


def test_words_longer_than_allowed_are_refused_unseen(settings):
    field = sealed.SealedTextField("medicine.words", max_length=3)
    with pytest.raises(ValueError, match=r"^medicine\.words is longer than 3 characters$"):
        field.get_db_prep_save("four", None)
