"""A small source tree with one file that cannot be decoded and one that cannot be parsed."""

from pathlib import Path

import pytest


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    files = {
        "single.py": b"x = 1\n",
        "good/__init__.py": b'"""A package."""\n',
        "good/deep/logic.py": b"def f(a):\n    if a and a:\n        return 1\n\ndef g(): pass\n",
        "bad/fine.py": b"class A:\n    def m(self): pass\n",
        "bad/latin.py": b"a = 1\nb = 2\nname = 'gr\xfcn'\n",
        "bad/syntax.py": b"def broken(:\n",
        "empty/notes.txt": b"no Python here",
        ".hidden/x.py": b"x = 1\n",
        "__pycache__/x.py": b"x = 1\n",
    }
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder
