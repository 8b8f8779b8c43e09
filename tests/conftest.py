"""What all tests share: where the recordings are, a clean environment, no network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from serving import Server

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


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with one worker for all tests that only talk to it."""
    from serving import running

    with running(tmp_path_factory.mktemp("server") / "home") as started:
        yield started
