"""What holds for every test."""

from collections.abc import Iterator

import pytest

from claudia_core.capture.scope import current_scope
from tests import loopback

pytest_plugins = ["claudia_core.testing.plugin", "pytester"]


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """No test reaches beyond this machine."""
    with pytest.MonkeyPatch.context() as patch:
        loopback.install(patch)
        yield


@pytest.fixture(autouse=True)
def no_breadcrumbs_of_others() -> None:
    """Breadcrumbs outside of any scope belong to the program: those of the tests before are not of this one."""
    current_scope().trail.clear()
