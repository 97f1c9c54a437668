"""Fixtures for pytest: `pytest_plugins = ["baton_adapter.testing.fixtures"]`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from baton_adapter.testing.endpoint import ModelErrors, model_errors
from baton_adapter.testing.model import local_model
from baton_adapter.testing.registry import Registry


@pytest.fixture(scope="session")
def model_url() -> Iterator[str]:
    """The base URL of the local model, started once."""
    with local_model() as url:
        yield url


@pytest.fixture(scope="session")
def refusals() -> Iterator[ModelErrors]:
    """A model endpoint that refuses as its URL says, started once."""
    with model_errors() as errors:
        yield errors


@pytest.fixture
def registry() -> Iterator[Registry]:
    """An orchestrator to register with."""
    server = Registry()
    server.start()
    yield server
    server.stop()
