"""How a medicine bears on low-dose naltrexone: the classes that names are matched to and that the rules ask about."""

from enum import StrEnum


class MedicineClass(StrEnum):
    """The classes of clinical facts 2.1 and 2.2. `UNKNOWN` is a name nobody recognised: it stays visible as such."""

    SHORT = "short"
    LONG = "long"
    PARTIAL = "partial"
    HIDDEN = "hidden"
    """An opioid sold against diarrhoea."""
    KRATOM = "kratom"
    """Kratom and its alkaloids, tianeptine: outside the pharmacy record."""
    ILLICIT = "illicit"
    WARN = "warn"
    """Loperamide, dextromethorphan: asked about, not a stop at label dose."""
    NALTREXONE = "naltrexone"
    """Another product that holds naltrexone: the same medicine twice."""
    THYROID = "thyroid"
    IMMUNOSUPPRESSANT = "immunosuppressant"
    CHECKPOINT = "checkpoint"
    """Cancer immunotherapy by checkpoint inhibitors."""
    THIORIDAZINE = "thioridazine"
    DISULFIRAM = "disulfiram"
    ANTICOAGULANT = "anticoagulant"
    ALLOWED = "allowed"
    """Recognised, and no opioid."""
    UNKNOWN = "unknown"


OPIOIDS = frozenset(
    {
        MedicineClass.SHORT,
        MedicineClass.LONG,
        MedicineClass.PARTIAL,
        MedicineClass.HIDDEN,
        MedicineClass.KRATOM,
        MedicineClass.ILLICIT,
    }
)
"""What must not be taken with naltrexone."""
