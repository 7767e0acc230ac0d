"""Signs by code, however they are named, and the clusters that rules look for among them (clinical facts 2.6)."""

from collections.abc import Iterable, Mapping

from titration.engine.advice.case import Night

WITHDRAWAL: Mapping[str, frozenset[str]] = {
    "sweating or chills": frozenset({"sweats_chills", "sweating", "chills"}),
    "anxiety or agitation": frozenset({"anxiety", "agitation", "restlessness"}),
    "vomiting": frozenset({"vomiting"}),
    "diarrhoea or cramps": frozenset({"diarrhoea", "stomach_cramps"}),
    "body or bone ache": frozenset({"aches"}),
    "yawning": frozenset({"yawning"}),
    "runny nose or watery eyes": frozenset({"runny_nose"}),
    "gooseflesh": frozenset({"gooseflesh"}),
    "tremor": frozenset({"tremor"}),
    "racing pulse": frozenset({"racing_pulse", "palpitations"}),
    "large pupils": frozenset({"large_pupils"}),
}
"""The checklist of opioid withdrawal: each sign with the codes that tell it."""

AGITATION = frozenset({"anxiety", "agitation", "restlessness"})

LIVER_ALONE = frozenset({"jaundice", "dark_urine"})
"""One of these is enough."""

LIVER_TOGETHER = frozenset(
    {"pale_stools", "fever", "fatigue", "low_appetite", "nausea", "vomiting", "diarrhoea", "stomach_cramps"}
)
"""Each alone means little."""

FAST_PULSE = "palpitations"
"""Palpitations, a racing pulse and a resting pulse that has risen are one sign of the thyroid, told three ways."""

ALLERGY = frozenset({"hives", "face_swelling", "wheeze"})
"""Signs of an allergy (clinical facts 2.6): one is enough."""

LUNG = frozenset({"breathless"})
"""New trouble breathing: one is enough; a cough counts beside a fever (clinical facts 2.6)."""

COUGH, FEVER = "cough", "fever"

THYROID: Mapping[str, frozenset[str]] = {
    FAST_PULSE: frozenset({"palpitations", "racing_pulse"}),
    "tremor": frozenset({"tremor"}),
    "intolerance of heat": frozenset({"heat_intolerance"}),
    "weight loss": frozenset({"weight_loss"}),
}
"""The signs that thyroxine has become too much (R18), each with the codes that tell it."""

DREAMS = frozenset({"vivid_dreams", "nightmares"})

BOWEL_AND_STOMACH = frozenset({"diarrhoea", "nausea", "vomiting"})

TROUBLING = frozenset({"moderate", "severe"})

_WORDS: tuple[tuple[str, str], ...] = (
    ("hives", "hives"),
    ("urticaria", "hives"),
    ("nettle rash", "hives"),
    ("swelling of face", "face_swelling"),
    ("swelling of the face", "face_swelling"),
    ("swollen face", "face_swelling"),
    ("face swelling", "face_swelling"),
    ("facial swelling", "face_swelling"),
    ("swollen lip", "face_swelling"),
    ("swollen tongue", "face_swelling"),
    ("tongue swelling", "face_swelling"),
    ("throat swelling", "face_swelling"),
    ("wheez", "wheeze"),
    ("breathless", "breathless"),
    ("short of breath", "breathless"),
    ("shortness of breath", "breathless"),
    ("trouble breathing", "breathless"),
    ("difficulty breathing", "breathless"),
    ("difficult to breathe", "breathless"),
    ("cough", "cough"),
    ("dark urine", "dark_urine"),
    ("jaundice", "jaundice"),
    ("yellow", "jaundice"),
    ("pale stool", "pale_stools"),
    ("heat", "heat_intolerance"),
    ("weight loss", "weight_loss"),
    ("losing weight", "weight_loss"),
    ("flush", "flushing"),
    ("vivid", "vivid_dreams"),
    ("nightmare", "nightmares"),
    ("falling asleep", "trouble_falling_asleep"),
    ("insomnia", "trouble_falling_asleep"),
    ("waking at night", "waking_at_night"),
    ("early waking", "early_waking"),
    ("headache", "headache"),
    ("vomit", "vomiting"),
    ("being sick", "vomiting"),
    ("throwing up", "vomiting"),
    ("threw up", "vomiting"),
    ("nausea", "nausea"),
    ("nauseous", "nausea"),
    ("feeling sick", "nausea"),
    ("felt sick", "nausea"),
    ("queasy", "nausea"),
    ("cramp", "stomach_cramps"),
    ("stomach pain", "stomach_cramps"),
    ("abdominal pain", "stomach_cramps"),
    ("stomach ache", "stomach_cramps"),
    ("diarrh", "diarrhoea"),
    ("diarhoea", "diarrhoea"),
    ("diarrea", "diarrhoea"),
    ("loose stool", "diarrhoea"),
    ("watery stool", "diarrhoea"),
    ("loose bowel", "diarrhoea"),
    ("constipation", "constipation"),
    ("dizz", "dizziness"),
    ("fatigue", "fatigue"),
    ("low energy", "fatigue"),
    ("tired", "fatigue"),
    ("anxi", "anxiety"),
    ("restless", "restlessness"),
    ("agitat", "agitation"),
    ("panic", "panic"),
    ("irritab", "irritability"),
    ("flat mood", "flat_mood"),
    ("appetite", "low_appetite"),
    ("dry mouth", "dry_mouth"),
    ("flu", "flu_like"),
    ("goose", "gooseflesh"),
    ("sweat", "sweats_chills"),
    ("chill", "sweats_chills"),
    ("ache", "aches"),
    ("body pain", "aches"),
    ("bone pain", "aches"),
    ("muscle pain", "aches"),
    ("yawn", "yawning"),
    ("runny nose", "runny_nose"),
    ("watery eyes", "runny_nose"),
    ("tearing", "runny_nose"),
    ("tremor", "tremor"),
    ("shak", "tremor"),
    ("pupil", "large_pupils"),
    ("palpitation", "palpitations"),
    ("racing thoughts", "racing_thoughts"),
    ("racing", "racing_pulse"),
    ("rash", "rash"),
    ("fever", "fever"),
    ("flare", "flare"),
)
"""What a name holds, and the code it means; the first that fits."""


def code_of(name: str) -> str:
    """The code of a sign by its code or its name; an unknown name is its own code."""
    plain = " ".join(name.lower().replace("_", " ").replace("-", " ").split())
    return next((code for words, code in _WORDS if words in plain), plain.replace(" ", "_"))


def told(nights: Iterable[Night]) -> frozenset[str]:
    """The codes of every sign told in these nights."""
    return frozenset(code for night in nights for code in night.severities)


def withdrawal(codes: Iterable[str]) -> tuple[str, ...]:
    """Which of the checklist's signs these codes tell."""
    known = frozenset(codes)
    return tuple(sign for sign, means in WITHDRAWAL.items() if known & means)


def thyroid(codes: Iterable[str]) -> list[str]:
    """Which signs of too much thyroxine these codes tell."""
    known = frozenset(codes)
    return [sign for sign, means in THYROID.items() if known & means]


def troubling(night: Night, codes: frozenset[str] | None = None) -> tuple[str, ...]:
    """The signs of a night, or those of these codes, that are moderate or worse."""
    return tuple(
        code
        for code, severity in night.severities.items()
        if severity in TROUBLING and (codes is None or code in codes)
    )
