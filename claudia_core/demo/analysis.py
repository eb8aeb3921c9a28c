"""What one Python file holds: functions with their complexity, classes, lines. Pure: bytes in, figures out."""

from __future__ import annotations

import ast
import io
import threading
import tokenize
import warnings
from dataclasses import dataclass, field
from typing import NamedTuple

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
BRANCHES = frozenset({ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler})

_parsing = threading.Lock()  # a filter for warnings holds for the whole process


class Lines(NamedTuple):
    """Lines of a file. A docstring counts as comment, an empty line within it as blank."""

    code: int = 0
    comment: int = 0
    blank: int = 0


@dataclass(frozen=True, slots=True)
class FunctionFigures:
    """A function or method: its name with the classes and functions around it, and its cyclomatic complexity."""

    name: str
    line: int
    complexity: int


@dataclass(frozen=True, slots=True)
class FileFigures:
    """One source file, analysed."""

    lines: Lines
    classes: int
    functions: tuple[FunctionFigures, ...]


def analyse(source: bytes, name: str) -> FileFigures:
    """The figures of a source file; `name` is what its errors call it.

    Cyclomatic complexity (McCabe, 1976) is one more than the decisions in the function itself. Decisions are if,
    elif, a conditional expression, for, while, except, each `for` and `if` of a comprehension, each `and` or `or`, and
    each case of a match that can fail. Functions and classes defined inside count on their own.

    Raises:
        UnicodeDecodeError: it is not in the encoding that it declares, or not in UTF-8 where it declares none.
        SyntaxError: it is not Python, or declares an unknown encoding.
        RecursionError, MemoryError: it is nested too deeply for the parser.
    """
    text = decode(source)
    census = _Census()
    census.take(_parse(text, name))
    functions = tuple(FunctionFigures(found.name, found.line, found.complexity) for found in census.functions)
    return FileFigures(census.count_lines(text), census.classes, functions)


def decode(source: bytes) -> str:
    """The text of a source file, by its byte order mark or its coding line (PEP 263), else UTF-8."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    return source.decode(encoding)


def _parse(text: str, name: str) -> ast.Module:
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # such as an invalid escape: not this program's to report
        return ast.parse(text, name)


@dataclass(slots=True)
class _Scope:
    """A module, class or function while its nodes are looked at; `name` has the names of those around it."""

    name: str = ""
    line: int = 0
    complexity: int = 1


@dataclass(slots=True)
class _Census:
    """One walk over a syntax tree that notes all that is counted: walking is most of the work."""

    classes: int = 0
    functions: list[_Scope] = field(default_factory=list)
    docs: set[int] = field(default_factory=set)
    """Numbers of the lines of docstrings."""
    strings: set[int] = field(default_factory=set)
    """Numbers of the further lines of all strings: they may look like comments."""

    def take(self, tree: ast.Module) -> None:
        self._note_docstring(tree)
        pending: list[tuple[ast.AST, _Scope]] = [(tree, _Scope())]
        while pending:
            node, scope = pending.pop()
            if isinstance(node, DEFINITIONS):
                scope = self._open(node, scope)
            elif isinstance(node, ast.Constant | ast.JoinedStr):
                self._note_string(node)
            else:
                scope.complexity += _decisions(node)
            pending.extend([(child, scope) for child in ast.iter_child_nodes(node)])

    def _open(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, around: _Scope) -> _Scope:
        self._note_docstring(node)
        scope = _Scope(f"{around.name}.{node.name}" if around.name else node.name, node.lineno)
        if isinstance(node, ast.ClassDef):
            self.classes += 1
        else:
            self.functions.append(scope)
        return scope

    def _note_docstring(self, node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            self.docs.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))

    def _note_string(self, node: ast.Constant | ast.JoinedStr) -> None:
        if node.end_lineno is not None and node.end_lineno > node.lineno:
            self.strings.update(range(node.lineno + 1, node.end_lineno + 1))

    def count_lines(self, text: str) -> Lines:
        code = comment = blank = 0
        for number, line in enumerate(io.StringIO(text, newline=None), start=1):  # splitlines() knows too many ends
            content = line.strip()
            if not content:
                blank += 1
            elif number in self.docs or (content.startswith("#") and number not in self.strings):
                comment += 1
            else:
                code += 1
        return Lines(code, comment, blank)


def _decisions(node: ast.AST) -> int:
    kind = type(node)
    if kind in BRANCHES:
        return 1
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    if isinstance(node, ast.match_case):
        return int(node.guard is not None or not _always_matches(node.pattern))
    return 0


def _always_matches(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None
