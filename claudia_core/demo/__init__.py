"""The demo job: a real analysis of real Python source trees, as a task with a child task per package."""

from claudia_core.demo.analysis import FileFigures, FunctionFigures, analyse
from claudia_core.demo.figures import PackageFigures, complexity_frame, figures_of
from claudia_core.demo.job import Demo
from claudia_core.demo.sources import Package, find_packages

__all__ = [
    "Demo",
    "FileFigures",
    "FunctionFigures",
    "Package",
    "PackageFigures",
    "analyse",
    "complexity_frame",
    "figures_of",
    "find_packages",
]
