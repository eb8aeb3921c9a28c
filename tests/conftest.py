"""What holds for every test."""

from collections.abc import Iterator

import pytest

from tests import loopback

pytest_plugins = ["claudia_core.testing.plugin", "pytester"]


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """No test reaches beyond this machine."""
    with pytest.MonkeyPatch.context() as patch:
        loopback.install(patch)
        yield
