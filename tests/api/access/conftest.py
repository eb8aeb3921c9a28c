"""One site for all tests of access."""

import pytest

from tests.api.access.serving import served


@pytest.fixture(scope="package")
def site():
    with served() as running:
        yield running
