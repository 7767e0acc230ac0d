"""The life of a reminder, as one table of legal moves; the database enforces the same table.

    pending -> claimed -> sending -> sent | failed | uncertain

What nobody can know (the reply was lost) is `uncertain`: shown to staff, settled by a person, never re-sent by itself.
"""

import enum


class State(enum.StrEnum):
    PENDING = "pending"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


S = State
LEGAL_MOVES: dict[State, frozenset[State]] = {
    S.PENDING: frozenset({S.CLAIMED, S.EXPIRED, S.CANCELLED, S.FAILED}),
    # Back to pending when the lease ran out or the door said "later": nothing had left the machine.
    S.CLAIMED: frozenset({S.PENDING, S.SENDING, S.EXPIRED, S.CANCELLED, S.FAILED}),
    # Back to pending only on a certain refusal: the server took nothing.
    S.SENDING: frozenset({S.SENT, S.PENDING, S.FAILED, S.UNCERTAIN}),
    S.UNCERTAIN: frozenset({S.SENT, S.FAILED}),
    S.SENT: frozenset(),
    S.FAILED: frozenset(),
    S.EXPIRED: frozenset(),
    S.CANCELLED: frozenset(),
}
LEASED = frozenset({S.CLAIMED, S.SENDING})
FINAL = frozenset(state for state, moves in LEGAL_MOVES.items() if not moves)
