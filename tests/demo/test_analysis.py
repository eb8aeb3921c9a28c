"""The figures of a source file: complexity, lines, and what cannot be read."""

import textwrap
import warnings

import pytest

from claudia_core.demo.analysis import Lines, analyse


def figures(source):
    return analyse(textwrap.dedent(source).encode(), "file.py")


def complexities(source):
    return {function.name: function.complexity for function in figures(source).functions}


@pytest.mark.parametrize(
    ("body", "complexity"),
    [
        ("pass", 1),
        ("if a: pass", 2),
        ("if a: pass\n    elif b: pass\n    else: pass", 3),
        ("for x in y: pass\n    else: pass", 2),
        ("while a: pass", 2),
        ("try: pass\n    except A: pass\n    except B: pass\n    finally: pass", 3),
        ("with a: pass", 1),
        ("return a if b else c", 2),
        ("return a and b and c or d", 4),
        ("return [x for x in y if x if z]", 4),
        ("return {x: z for x in y for z in x}", 3),
        ("return lambda: a or b", 2),
        ("match a:\n        case 1: pass\n        case 2: pass\n        case _: pass", 3),
        ("match a:\n        case _ if a: pass\n        case other: pass", 2),
        ("assert a, b", 1),
    ],
)
def test_complexity_is_one_more_than_the_decisions(body, complexity):
    """Each kind of decision counts as the docstring of `analyse` says."""
    assert complexities(f"def f():\n    {body}\n") == {"f": complexity}


def test_asynchronous_functions_count_alike():
    """`async def`, `async for` and `async with` are counted as their synchronous forms."""
    source = """
        async def f():
            async for x in y:
                async with x:
                    pass
        """
    assert complexities(source) == {"f": 2}


def test_functions_inside_count_on_their_own():
    """A nested function adds nothing to the one around it, and is named after it and its classes."""
    source = """
        class A:
            def f(self):
                def g():
                    if a: pass
                    class B:
                        def h(self):
                            while a: pass
                return g
        """
    assert complexities(source) == {"A.f": 1, "A.f.g": 2, "A.f.g.B.h": 2}
    assert figures(source).classes == 2


def test_lines_are_code_comment_or_blank():
    """Docstrings and lines with only a comment are comment; hashes and gaps inside other strings are not."""
    source = '''\
        """A module.

        # still the docstring
        """
        # a comment
        x = 1  # code

        text = """
        # not a comment
        """
        '''
    assert figures(source).lines == Lines(code=4, comment=4, blank=2)


def test_a_form_feed_ends_no_line():
    """Line numbers are those of the parser, whatever other characters end a line elsewhere."""
    assert figures('x = 1\n\f\ny = """\n# text\x0b\n"""\n').lines == Lines(code=4, comment=0, blank=1)


def test_an_empty_file_has_nothing():
    """No lines, no functions, no classes."""
    empty = figures("")
    assert (empty.lines, empty.functions, empty.classes) == (Lines(), (), 0)


def test_the_declared_encoding_is_used():
    """A coding line is obeyed, as Python obeys it (PEP 263)."""
    source = "# -*- coding: latin-1 -*-\ndef grün(): pass\n".encode("latin-1")
    assert analyse(source, "file.py").functions[0].name == "grün"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (b"x = 1\ny = 2\nz = '\xff'\n", UnicodeDecodeError),
        (b"# coding: nonsense\n", SyntaxError),
        (b"def f(:\n", SyntaxError),
        (b"x = 1\0", SyntaxError),
        (b"x = " + b"(" * 1000, SyntaxError),
    ],
    ids=["undecodable", "unknown encoding", "syntax", "null byte", "nesting"],
)
def test_what_cannot_be_read_raises(source, error):
    """A file that is no Python raises the parser's own error."""
    with pytest.raises(error):
        analyse(source, "file.py")


def test_the_error_names_the_file():
    """The traceback of a syntax error shows the name that was given."""
    with pytest.raises(SyntaxError) as caught:
        analyse(b"x = = 1\n", "package/broken.py")
    assert (caught.value.filename, caught.value.lineno) == ("package/broken.py", 1)


def test_warnings_about_foreign_code_are_not_shown():
    """An invalid escape in the analysed source is not this program's warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        analyse(rb'x = "\d"' + b"\n", "file.py")
    assert caught == []
