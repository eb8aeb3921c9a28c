"""What the demo found out: figures of a package, how they add up, and how they become a DataFrame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from claudia_core.demo.analysis import FileFigures, FunctionFigures

if TYPE_CHECKING:
    import pandas as pd

    from claudia_core.app import Claudia

PACKAGE_TYPE = "package"
"""Type of the demo's child tasks."""


@dataclass(kw_only=True)
class PackageFigures:
    """A package, or all of them together, added up file by file. `errors` counts files that could not be analysed."""

    package: str
    tree: str = ""
    files: int = 0
    code: int = 0
    comment: int = 0
    blank: int = 0
    classes: int = 0
    functions: int = 0
    complexity: int = 0
    """The sum over all functions."""
    max_complexity: int = 0
    most_complex: str = ""
    errors: int = 0

    @property
    def mean_complexity(self) -> float:
        """Mean complexity of a function; 0 without functions."""
        return self.complexity / self.functions if self.functions else 0.0

    def add(self, file: FileFigures, name: str) -> None:
        """Add a file called `name`."""
        self.files += 1
        self.code += file.lines.code
        self.comment += file.lines.comment
        self.blank += file.lines.blank
        self.classes += file.classes
        self.functions += len(file.functions)
        self.complexity += sum(function.complexity for function in file.functions)
        worst = max(file.functions, key=lambda function: function.complexity, default=None)
        if worst is not None:
            self._take_worst(worst.complexity, _place(worst, name))

    def add_error(self) -> None:
        """Add a file that could not be analysed."""
        self.files += 1
        self.errors += 1

    def include(self, other: PackageFigures) -> None:
        """Add all of another package's figures."""
        for name in ("files", "code", "comment", "blank", "classes", "functions", "complexity", "errors"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self._take_worst(other.max_complexity, other.most_complex)

    def _take_worst(self, complexity: int, place: str) -> None:
        if complexity > self.max_complexity:
            self.max_complexity, self.most_complex = complexity, place

    def to_document(self) -> dict[str, Any]:
        """As plain JSON: the result of a task."""
        return {**asdict(self), "mean_complexity": round(self.mean_complexity, 2)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> PackageFigures:
        """The figures that `to_document` wrote."""
        return cls(**{key: value for key, value in document.items() if key != "mean_complexity"})


def _place(function: FunctionFigures, file: str) -> str:
    return f"{function.name} ({file}:{function.line})"


def figures_of(claudia: Claudia, task_id: str) -> list[PackageFigures]:
    """The figures of a demo job's finished packages, read from its child tasks' results: from any process, any time.

    Raises:
        TaskNotFound: there is no such task.
    """
    claudia.tasks.get(task_id)
    found: list[PackageFigures] = []
    after = None
    while True:
        page = claudia.tasks.children(task_id, after=after)
        results = (claudia.tasks.get(task.id).result for task in page.tasks if task.type == PACKAGE_TYPE)
        found += [PackageFigures.from_document(result) for result in results if isinstance(result, dict)]
        if page.next is None:
            return found
        after = page.next


def complexity_frame(figures: Iterable[PackageFigures]) -> pd.DataFrame:
    """One row a package, the most complex first.

    Columns: tree, files, lines (of code), functions, mean_complexity and max_complexity (of a function), most_complex
    (that function, its file and line), errors (files that could not be analysed).
    """
    import pandas as pd

    rows = [
        {
            "package": item.package,
            "tree": item.tree,
            "files": item.files,
            "lines": item.code,
            "functions": item.functions,
            "mean_complexity": round(item.mean_complexity, 2),
            "max_complexity": item.max_complexity,
            "most_complex": item.most_complex,
            "errors": item.errors,
        }
        for item in figures
    ]
    columns = ["package", "tree", "files", "lines", "functions", "mean_complexity", "max_complexity", "most_complex"]
    frame = pd.DataFrame(rows, columns=[*columns, "errors"]).set_index("package")
    return frame.sort_values(["max_complexity", "lines"], ascending=False)
