"""The whole timetable. Beat only ticks: fixed intervals in UTC, nothing here has a meaning for one patient.

A tick that is doubled, late or missing changes nothing but delay.
"""

TICK_SECONDS = 30.0

SCHEDULE = {
    # Plans, claims and delivers what is due, and writes the worker's canary row.
    "reminders-round": {"task": "reminders.tick", "schedule": TICK_SECONDS, "options": {"expires": 25}},
    # Appends the advance of plans the clinic left to the system, where the gate is open.
    "planned-advances": {"task": "titration.tick", "schedule": 300.0, "options": {"expires": 280}},
    # Looks by the rules at who has changed since, and at whoever's midnight has come.
    "judging": {"task": "titration.judge_round", "schedule": 30.0, "options": {"expires": 25}},
    # Picks up exports whose message or worker was lost, and shreds files that have expired.
    "exports-sweep": {"task": "exports.tick", "schedule": 60.0, "options": {"expires": 50}},
    # Seals what the memory was told: an event without its seal for 30 s is named by audit_verify.
    "memory-seal": {"task": "audit.seal", "schedule": 10.0, "options": {"expires": 9}},
    # Tells the heads of the chains outside, so that a chain cut off or written anew can be found out.
    "memory-anchor": {"task": "audit.anchor", "schedule": 3600.0, "options": {"expires": 3000}},
    # Reads every chain from its beginning and logs what was touched.
    "memory-verify": {"task": "audit.verify", "schedule": 24 * 3600.0, "options": {"expires": 3600}},
    # Forgets sessions, codes and invitations that let nobody in any more, and counts them in the memory.
    "retention": {"task": "retention.tick", "schedule": 24 * 3600.0, "options": {"expires": 3600}},
}
