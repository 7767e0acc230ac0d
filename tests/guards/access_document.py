"""Writes `docs/access-matrix.md` from the doors in the code and the lines of the matrix; asks no database."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLResolver, get_resolver

from accounts.access import ALLAUTH_VIEWS, Door
from tests.guards.matrix import LINES, NEVER, OURS, READING, SECRETS, expected
from tests.personas import PERSONAS, Persona

KINDS = {
    "clinic": "Pages of the clinic",
    "person": "Pages about one's own sign-in",
    "patient": "Pages of the patient",
    "public": "Pages open to everybody",
}
HEAD = """\
# Who may open what

Written from the code: from the door each view declares, from the roles in `accounts/policy.py` and from the lines in
`tests/guards/matrix.py`. `tests/security/test_s01_document.py` fails when it differs from them, and
`tests/guards/test_s01_access_matrix.py` knocks at every address as every person with every method and compares the
answer. After a change: `CLINIC_DOCS=write ./clinic test tests/security/test_s01_document.py`.

A cell is the status of the answer. Where the address or the form names somebody, the first number is for ids of one's
own clinic or record and the second for somebody else's and for ids that nobody has: these two get the same status, the
same body, and cost the same statements in the database.

| status | means |
|---|---|
| 200 | shown, or done and shown |
| 302 | sent on: to the page after a deed, to the sign-in, or to the second proof |
| 403 | a colleague without the permission; the page says whom to ask, and the try is recorded |
| 404 | nothing there, for whom it is not there |
| 405 | not a method of this page |
| 422 | let in, and the empty form is sent back with its sentences |
| 503 | let in; nothing is alive in a test run, and the health page says so |

To everybody an address that does not stand here answers 404, and a method that does not stand here 405.

| person | is |
|---|---|
"""
COMERS = {
    "own": "the patient alone",
    "view": "patient or carer",
    "log": "patient or carer; writing: who may log",
    "phone": "whose phone it is",
}
WHO = {
    "signed out": "a browser that carries nothing",
    "patient": "a remembered phone of the patient asked about",
    "other patient": "a remembered phone of another patient of the same clinic",
    "carer": "somebody the patient let tell their nights",
    "carer who may only look": "somebody the patient let see their plan",
    "expired carer": "a carer whose time is over",
    "stranger": "a prescriber of another clinic",
    "former member": "signed in, with a place in the clinic that has ended",
    "deactivated": "a prescriber whose account was switched off while signed in",
}


def text() -> str:
    """The whole document."""
    return HEAD + "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for persona in PERSONAS:
        yield f"| {persona.name} | {WHO.get(persona.name) or 'a member of the clinic with that role'} |"
    for kind, title in KINDS.items():
        yield from ("", f"## {title}", "")
        yield from _table([name for name in LINES if OURS[name].kind == kind])
    yield from ("", "## Pages of the sign-in", "")
    yield "These are django-allauth's own. They show nobody's data, to anybody; all its others answer 404."
    yield from ("", *(f"- `{name}`" for name in sorted(ALLAUTH_VIEWS)))


def _table(names: list[str]) -> Iterator[str]:
    routes = dict(_routes(get_resolver().url_patterns))
    yield f"| page | needs | method | {' | '.join(persona.name for persona in PERSONAS)} |"
    yield f"|---|---|---|{'---|' * len(PERSONAS)}"
    for name in names:
        for methods in (READING, ("POST",), NEVER):
            cells = [_cell(name, persona, methods[0]) for persona in PERSONAS]
            if set(cells) != {"405"}:
                yield f"| `{routes[name]}` | {_needs(OURS[name])} | {', '.join(methods)} | {' | '.join(cells)} |"


def _routes(patterns: list[Any], space: str = "", before: str = "/") -> Iterator[tuple[str, str]]:
    """Every address as it is written in the code, by its name."""
    for pattern in patterns:
        here = f"{before}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else space, here)
        else:
            yield f"{space}{pattern.name}", here


def _needs(door: Door) -> str:
    if door.permission is not None:
        return door.permission.value
    return ", ".join(
        ([f"the right to {door.rights}"] if door.rights else []) + (["a fresh code"] if door.proof else [])
    )


def _cell(name: str, persona: Persona, method: str) -> str:
    line = LINES[name]
    known = expected(name, persona, method, mine=True, known=True)
    unknown = expected(name, persona, method, mine=not line.about_somebody, known=not SECRETS & set(line.ids))
    return str(known) if known == unknown else f"{known} / {unknown}"
