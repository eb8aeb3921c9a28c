"""What to do about a server program that a test needs and this machine may not have."""

import os
from pathlib import Path

import pytest


def require(server: str, path: str | os.PathLike[str] | None) -> Path:
    """The path of `server`'s program; without it the test is skipped, or fails where CLAUDIA_CI is set.

    `path` is usually `shutil.which(...)`, so None means that it was not found.
    """
    if path is not None and Path(path).exists():
        return Path(path)
    reason = f"{server} is not installed" if path is None else f"{server} is not installed: no {path}"
    if os.environ.get("CLAUDIA_CI"):
        pytest.fail(f"{reason}, and CI must not skip", pytrace=False)
    pytest.skip(reason)
