"""What a worker does for the memory: seals it, anchors it, and looks whether somebody touched it."""

import logging

from celery import shared_task

from audit import anchoring, sealing, verifying
from common import clock

log = logging.getLogger(__name__)


@shared_task(name="audit.seal")
def seal() -> None:
    """Seal what was written since the last tick."""
    sealing.seal(at=clock.now())


@shared_task(name="audit.anchor")
def anchor() -> None:
    """Tell the heads of the chains outside."""
    anchoring.anchor(at=clock.now())


@shared_task(name="audit.verify")
def verify() -> None:
    """Read every chain, and hold it against the anchors kept in a file; what is wrong goes to the log, which names ids
    only. Without the anchors a chain cut off at its end would fit in itself."""
    try:
        anchors = anchoring.kept()
    except (OSError, ValueError, KeyError) as error:
        log.error("memory: the kept anchors cannot be read: %s", type(error).__name__)
        anchors = []
    for fault in verifying.verify(at=clock.now(), anchors=anchors).faults:
        log.error("memory: %s", fault)
