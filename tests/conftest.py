"""What all tests share: where the recordings are, a clean environment, no network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SHARED = Path(__file__).parents[2] / "shared"
AUDIO = SHARED / "audio"

settings.register_profile("offrecord", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("offrecord")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches a test, and no model hub is asked."""
    for name in list(os.environ):
        if name.startswith("OFFRECORD_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
