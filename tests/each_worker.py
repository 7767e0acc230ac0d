"""Loaded before Django's settings are read: what every process of a test run needs.

Workers of a parallel run share one Valkey; each gets a numbered database of its own, so that one does not empty the
other's cache. Hypothesis keeps no time per example: a busy machine is not a defect.
"""

import os

from hypothesis import settings

if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and (broker := os.environ.get("BROKER_URL")):
    os.environ["BROKER_URL"] = f"{broker.rpartition('/')[0]}/{worker.removeprefix('gw')}"

settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")
