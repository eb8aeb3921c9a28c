"""The token's file and cookies."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from claudia_core.api.tokens import server_token
from claudia_core.errors import SettingsError
from claudia_core.settings import default_settings

TOKEN = "a-token-that-is-long-enough"


@pytest.fixture
def database(tmp_path):
    return tmp_path / "claudia.db"


def test_the_first_start_makes_a_token_for_the_owner_only(database):
    """32 random bytes in a file beside the database that only its owner can read; nothing else is left there."""
    token = server_token(default_settings(), database)
    file = database.with_name("token")
    assert file.read_text() == f"{token}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(token) == 43
    assert [path.name for path in database.parent.iterdir()] == ["token"]


def test_the_next_start_uses_it_again(database):
    """A link stays good over a restart."""
    assert server_token(default_settings(), database) == server_token(default_settings(), database)


def test_servers_that_start_together_agree(database):
    """Of many that make the first token at once, one wins and all use it."""
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: server_token(default_settings(), database), range(64)))
    assert len(found) == 1
    assert [path.name for path in database.parent.iterdir()] == ["token"]


def test_a_token_that_others_could_read_is_replaced(database):
    """It may have been read: a new one takes its place."""
    first = server_token(default_settings(), database)
    database.with_name("token").chmod(0o644)
    second = server_token(default_settings(), database)
    assert first != second
    assert stat.S_IMODE(database.with_name("token").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", ["", "short", "with a space in the middle", "line\nbreak-and-more-text", "grün" * 9]
)
def test_an_unusable_file_is_refused(database, content):
    """A damaged file is not used, and not replaced in silence: the error names it and says what a token is."""
    file = database.with_name("token")
    file.touch(0o600)
    file.write_text(content)
    with pytest.raises(SettingsError, match="token holds no usable token"):
        server_token(default_settings(), database)


def test_a_link_in_the_files_place_is_not_followed(database, tmp_path):
    """Nobody makes the server use, or replace, another file."""
    other = tmp_path / "other"
    other.write_text(f"{TOKEN}\n")
    database.with_name("token").symlink_to(other)
    with pytest.raises(SettingsError, match="cannot be used"):
        server_token(default_settings(), database)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    """The message names the file and the way without one."""
    with pytest.raises(SettingsError, match="CLAUDIA_TOKEN"):
        server_token(default_settings(), tmp_path / "none" / "claudia.db")


def test_the_setting_wins(database):
    """CLAUDIA_TOKEN is used as it is, and no file is made."""
    assert server_token(default_settings(token=TOKEN), database) == TOKEN
    assert not database.with_name("token").exists()


@pytest.mark.parametrize("token", ["", "short", "has spaces in it, many", "a" * 513, "0123456789abcdeé"])
def test_a_weak_or_unusable_setting_is_refused(token):
    """A token must be long enough to withstand guessing, and fit into a link; the message does not repeat it."""
    with pytest.raises(SettingsError) as caught:
        server_token(default_settings(token=token), None)
    assert token == "" or token not in str(caught.value)


def test_without_a_file_every_start_has_its_own():
    """A store in memory has no place for a token."""
    assert server_token(default_settings(), None) != server_token(default_settings(), None)
