"""Templates of mail: escaped, strict, in a sandbox, bounded."""

import pytest

from claudia_core.errors import InvalidValue, NotFound, TooLarge
from claudia_core.integrations.mail.templates import Templates, plain_text

DATA = {"userName": "Ann", "taskName": "Data Processing", "duration": "5 minutes", "result": "Success"}


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates()


def test_the_guides_template(templates: Templates) -> None:
    """`task_completed` is there from the start, as HTML and as text."""
    made = templates.render("task_completed", DATA)
    assert made.subject == "Data Processing is done"
    assert "<p>Hi Ann,</p>" in made.html
    assert "Result: Success" in made.text
    assert "<" not in made.text


def test_what_is_filled_in_is_escaped(templates: Templates) -> None:
    """A task's name is not HTML, nor another template, and does not break the subject's line."""
    evil = '<script>alert("x")</script>{{ 7 * 7 }}\r\nBcc: all@example.org'
    made = templates.render("task_completed", DATA | {"taskName": evil})
    assert "<script>" not in made.html
    assert "&lt;script&gt;" in made.html
    assert "49" not in made.html
    assert "\n" not in made.subject
    assert "\r" not in made.subject


def test_what_is_missing_is_an_error(templates: Templates) -> None:
    """No mail with gaps goes out."""
    with pytest.raises(InvalidValue, match="taskName"):
        templates.render("task_completed", {})
    with pytest.raises(NotFound, match="task_completed"):
        templates.render("nothing", {})


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ x.__init__.__globals__ }}",
        "{{ 'a' * 10**9 }}",
        "{{ [1] * 1000 }}",
        "{{ 10 ** 100000 }}",
        "{% for i in range(10**9) %}{% endfor %}",
        "{{ x.append(1) }}",
        "{{ 1 / 0 }}",
    ],
)
def test_the_sandbox_holds(templates: Templates, source: str) -> None:
    """Attributes of Python's insides, huge products and changes of what was given are refused."""
    templates.register("mine", subject="s", html=source)
    with pytest.raises(InvalidValue, match="html"):
        templates.render("mine", {"x": []})


def test_sizes_are_bounded(templates: Templates) -> None:
    """Templates and what they come to have a limit; what is no template is refused when it is registered."""
    templates.register("mine", subject="s", html="{% for i in range(99999) %}xxxxxxxxxxxxxxxxxxxx{% endfor %}")
    with pytest.raises(TooLarge):
        templates.render("mine", {})
    with pytest.raises(TooLarge):
        templates.register("mine", subject="s", html="x" * 100_001)
    with pytest.raises(InvalidValue, match="cannot be read"):
        templates.register("mine", subject="{{", html="")


def test_html_as_text() -> None:
    """Tags go, blocks are lines, scripts and styles are nothing."""
    source = "<style>p{}</style><h1>Hi</h1><p>a &amp; b<br>c</p><script>x</script>"
    assert plain_text(source) == "Hi\na & b\nc\n"
