"""What comes from outside is refused by name, before anything is written."""

import json
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudia_core.errors import InvalidValue, TooLarge
from claudia_core.model.times import from_text, require_utc, to_text
from claudia_core.model.values import (
    MAX_COUNT,
    MAX_NESTING,
    clean_text,
    require_count,
    require_json,
    require_labels,
    require_tags,
    require_text,
    shown,
)


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no repr today")


def cyclic():
    value = []
    value.append(value)
    value.append(value)
    return value


def nested(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


BAD_JSON = {
    "an object": object(),
    "bytes": b"x",
    "a set": {1},
    "a datetime": datetime.now(UTC),
    "NaN": float("nan"),
    "NaN deep inside": {"a": [1, {"b": float("nan")}]},
    "infinity": [float("inf")],
    "a key that is a number": {1: "a"},
    "a key that is None": {"a": {None: 1}},
    "a cycle": cyclic(),
    "a lone surrogate": "\ud800",
    "a lone surrogate in a key": {"\udfff": 1},
    "65 bits": 2**64,
    "65 bits below zero": {"a": [-(2**63) - 1]},
    "5000 digits": 10**5000,
    "nested too deep": nested(MAX_NESTING + 1),
    "nested absurdly deep": nested(100_000),
    "a numpy number": np.int64(3),
    "an array": np.array([1]),
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_what_is_not_json_is_refused(name):
    """The field is named, and it is an InvalidValue whatever is wrong."""
    with pytest.raises(InvalidValue, match="payload") as caught:
        require_json(BAD_JSON[name], "payload")
    assert caught.value.field == "payload"
    assert len(str(caught.value)) < 500


def test_size():
    """Counted in bytes of JSON, with the limit in the message."""
    assert require_json("x" * 98, "payload", 100) == "x" * 98
    with pytest.raises(TooLarge, match="101 bytes of JSON, over the limit of 100") as caught:
        require_json("x" * 99, "payload", 100)
    assert caught.value.field == "payload"
    with pytest.raises(TooLarge):
        require_json("ä" * 50, "payload", 100)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(json_values)
def test_json_is_kept_as_it_is(value):
    """A copy that is equal, NUL and all, and that no later change of the caller's reaches."""
    copy = require_json(value, "payload")
    assert json.dumps(copy) == json.dumps(value)
    if isinstance(value, dict | list) and value:
        value.clear()
        assert copy


def test_tuples_become_lists():
    """As JSON has no tuples."""
    assert require_json({"a": (1, 2)}, "payload") == {"a": [1, 2]}
    assert require_json(nested(MAX_NESTING), "payload")


COUNTS = [
    (0, 0),
    (3, 3),
    (2.5, 2.5),
    (4.0, 4),
    (-0.0, 0),
    (MAX_COUNT, MAX_COUNT),
    (np.int64(3), 3),
    (np.uint8(3), 3),
    (np.float32(2.5), 2.5),
    (np.float64(2.0), 2),
    (Fraction(1, 2), 0.5),
]


@pytest.mark.parametrize(("value", "expected"), COUNTS, ids=repr)
def test_counts(value, expected):
    """Plain int or float, whatever kind of number came in."""
    count = require_count(value, "current")
    assert count == expected
    assert type(count) is type(expected)


BAD_COUNTS = [
    -1,
    -0.5,
    MAX_COUNT + 1,
    1e300,
    10**5000,
    Fraction(10**400),
    float("nan"),
    float("inf"),
    np.float64("nan"),
    True,
    np.True_,
    "3",
    None,
    [1],
    np.array([1]),
    np.array([1, 2]),
    1j,
    Unprintable(),
]


@pytest.mark.parametrize("value", BAD_COUNTS, ids=lambda value: f"{type(value).__name__} {shown(value)[:20]}")
def test_bad_counts(value):
    """Negative, absurd, or no number at all; the message says what would be right."""
    with pytest.raises(InvalidValue, match=r"current is .*use a number from 0 to") as caught:
        require_count(value, "current")
    assert caught.value.field == "current"


BAD_TEXTS = ["", "  ", "a\x00b", "a\x1bb", "a\x7f", "a\x9bb", "\ud800", "x" * 11, 3, None, b"x", Unprintable()]


@pytest.mark.parametrize("value", BAD_TEXTS, ids=shown)
def test_bad_texts(value):
    """Empty, too long, control characters, broken Unicode, not text."""
    with pytest.raises(InvalidValue) as caught:
        require_text(value, "name", 10)
    assert caught.value.field == "name"


@pytest.mark.parametrize("value", ["a", "ä 🚀", "a\nb\tc", "日本語"])
def test_good_texts(value):
    """Any printable text, line breaks and tabs too."""
    assert require_text(value, "name", 10) == value


def test_cleaning():
    """Messages and tracebacks are made safe instead of refused, and cut."""
    assert clean_text("a\x00b\ud800c", 10) == "a\ufffdb\ufffdc"
    assert clean_text("x" * 20, 10) == "x" * 9 + "…"
    with pytest.raises(InvalidValue, match="reason is int"):
        clean_text(3, 10, "reason")


@given(st.text(), st.integers(1, 20))
def test_cleaned_text_is_within_its_limit(value, limit):
    """Whatever comes in, what comes out can be stored."""
    cleaned = clean_text(value, limit)
    assert len(cleaned) <= limit
    assert cleaned.encode() is not None


def test_tags_and_labels():
    """Each once and in order; a text instead of a list is a mistake that is named."""
    assert require_tags(["b", "a", "b"]) == ("b", "a")
    assert require_labels({"team": "data", "empty": ""}) == {"team": "data", "empty": ""}
    for tags in ("one", b"one", {"a": 1}, 5, None, [1], ["x" * 101], [""], list(map(str, range(51)))):
        with pytest.raises(InvalidValue, match="tags"):
            require_tags(tags)
    for labels in ("one", ["a"], 5, {"a": 1}, {1: "a"}, {"": "a"}, {str(n): "" for n in range(51)}):
        with pytest.raises(InvalidValue, match="labels"):
            require_labels(labels)


def test_times():
    """Any zone becomes UTC; without one the meaning would be a guess. Texts of moments sort as the moments do."""
    east = timezone(timedelta(hours=5))
    assert require_utc(datetime(2026, 1, 1, 5, tzinfo=east), "deadline") == datetime(2026, 1, 1, tzinfo=UTC)
    assert require_utc(datetime(2026, 1, 1, 5, tzinfo=east), "deadline").tzinfo is UTC
    for bad in (datetime(2026, 1, 1), "2026-01-01", None, datetime.min.replace(tzinfo=east)):  # noqa: DTZ001
        with pytest.raises(InvalidValue, match="deadline"):
            require_utc(bad, "deadline")


moments = st.datetimes(timezones=st.just(UTC))


@given(moments, moments)
def test_texts_of_moments(first, second):
    """They sort as the moments do, and give them back."""
    assert (to_text(first) < to_text(second)) == (first < second)
    assert from_text(to_text(first)) == first
