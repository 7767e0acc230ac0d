"""Pages of documentation that are read off the code, so that they cannot say anything else."""

from collections.abc import Callable

from accounts import policy
from accounts.models import Membership


def roles() -> str:
    """docs/roles.md: the table of permissions."""
    names = [Membership.Role(role).label for role in policy.PERMISSIONS]
    table = [_row("may", *names), _row("---", *(":-:" for _ in names))]
    for permission in policy.Permission:
        carried = ("yes" if permission in permissions else "" for permissions in policy.PERMISSIONS.values())
        table.append(_row(permission.value, *carried))
    people = [_row("role", "for whom"), _row("---", "---")]
    people += [_row(Membership.Role(role).label, words) for role, words in policy.FOR_WHOM.items()]
    return "\n".join(
        (
            "# Roles",
            "",
            'Read off `accounts/policy.py` by `./clinic manage docs_from_code`; the page "Roles" shows the same table.',
            "",
            *table,
            "",
            *people,
            "",
        )
    )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


PAGES: dict[str, Callable[[], str]] = {"docs/roles.md": roles}
"""Where each page lies, from the root of the repository, and what makes its words."""
