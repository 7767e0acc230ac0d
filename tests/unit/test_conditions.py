"""A condition by whatever it is called: the rules ask for codes, people write words."""

import pytest

from patients import conditions


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("hashimoto", "hashimoto"),
        ("Hashimoto's", "hashimoto"),
        ("Hashimoto’s thyroiditis", "hashimoto"),
        ("Crohn's disease", "crohn"),
        ("Crohns", "crohn"),
        ("ulcerative_colitis", "ulcerative_colitis"),
        ("Ulcerative Colitis (left-sided)", "ulcerative_colitis"),
        ("UC", "ulcerative_colitis"),
        ("MS", "multiple_sclerosis"),
        ("Multiple sclerosis", "multiple_sclerosis"),
        ("multiple-sclerosis", "multiple_sclerosis"),
        ("Endometriosis", "endometriosis"),
        ("gout", "gout"),
        ("Long COVID", "long_covid"),
    ],
)
def test_its_code(words: str, code: str) -> None:
    assert conditions.code_of(words) == code


def test_no_name_stands_for_two_conditions() -> None:
    named = [name for one in conditions.all_conditions().values() for name in {one.code, one.name.lower(), *one.also}]
    assert len(named) == len(set(named))
