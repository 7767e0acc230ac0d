"""How long, how often and how many: the numbers of the bell, each with its reason."""

from datetime import timedelta

# Longer than the longest conversation after `sending` (10 s for DATA, 60 s for the final reply) and 30 s to spare:
# a slow sender that lives is never declared dead.
LEASE = timedelta(seconds=120)
CONNECT_SECONDS = 5
COMMAND_SECONDS = 10
FINAL_REPLY_SECONDS = 60

# Waits after a refusal that is certain ("not now"); as many tries as waits and one more.
BACKOFF = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
)
# Shares of a wait by which neighbours are spread, so that they do not all come back at once.
JITTER = 0.2
TRIES = 1 + len(BACKOFF)
# The door found that the plan is about to move the bell: look again when the planner has been.
LATER = timedelta(seconds=60)

# A server that does not answer is left alone after so many failures in a row: a minute, doubling up to ten.
BREAKER_OPENS_AFTER = 5
BREAKER_FIRST = timedelta(seconds=60)
BREAKER_LONGEST = timedelta(minutes=10)

# A batch is small enough to be over within its lease, a round short enough to end before the next tick is dropped.
BATCH = 50
ROUND_LASTS = timedelta(seconds=20)
SWEEP_AT_MOST = 5_000
PLAN_EVERY = timedelta(seconds=60)
PLAN_BATCH = 500
PLAN_AT_MOST = 2_000
# An answer at the door holds so long: with a quick server a batch is one answer, with a slow one each mail asks again.
DOOR_HOLDS_SECONDS = 2.0
# After a longer outage than this the missed bells of its first days are not written down one by one.
OUTAGE_LOOKED_BACK = timedelta(days=31)
# How far ahead bells are laid out, in days after today (UTC): every zone's next ten hours are always covered.
PLAN_AHEAD_DAYS = 1
