"""How files fall into packages."""

import os
import sys
from pathlib import Path

import pytest

from claudia_core.demo.sources import find_packages
from claudia_core.errors import InvalidValue


def test_folders_are_packages_and_single_modules_are_one_more(tree):
    """Each folder with Python files is a package; files at the top are together; hidden folders and caches are not."""
    found = {package.name: [package.name_of(file) for file in package.files] for package in find_packages(tree)}
    assert found == {
        "tree modules": ["single.py"],
        "bad": ["bad/fine.py", "bad/latin.py", "bad/syntax.py"],
        "good": ["good/__init__.py", "good/deep/logic.py"],
    }


def test_the_default_is_the_interpreters_own_library():
    """Without a folder: the standard library with its tests, and site-packages, apart from each other."""
    found = {(package.tree, package.name) for package in find_packages()}
    assert {("standard library", "asyncio"), ("standard library", "json"), ("site-packages", "pytest")} <= found
    assert ("standard library", "site-packages") not in found


def test_links_are_not_followed(tree):
    """A link to a folder above does not make an endless tree."""
    (tree / "loop").symlink_to(tree)
    (tree / "good" / "loop").symlink_to(tree)
    assert sum(len(package.files) for package in find_packages(tree)) == 6


@pytest.mark.parametrize("name", ["no/such/folder", "single.py", "empty"])
def test_a_folder_without_python_is_refused(tree, name):
    """No folder, a file, or a folder without Python files: an error that names it."""
    with pytest.raises(InvalidValue, match=Path(name).name) as caught:
        find_packages(tree / name)
    assert caught.value.field == "folder"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_names_that_are_no_text_are_made_readable(tree):
    """A file name in a foreign encoding, or with control characters, is shown with replacements."""
    (tree / "good" / os.fsdecode(b"gr\xfcn\x1b[2J.py")).write_text("x = 1\n")
    good = next(package for package in find_packages(tree) if package.name == "good")
    assert "good/gr\ufffdn\ufffd[2J.py" in map(good.name_of, good.files)
