"""tokens: they say what was signed, and nothing that was not signed says anything."""

import base64
import random
import re
import string
from typing import get_args

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aggregator.errors import InputError
from aggregator.tokens import (
    Grant,
    Purpose,
    Vote,
    entry_mark,
    keyring,
    read,
    read_return_path,
    reader_mark,
    return_path,
    sign,
)

OLD, NEW = "old-" + "o" * 40, "new-" + "n" * 40
KEYS = keyring(NEW)
TO = "kim@example.org"
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
READERS: tuple[Purpose, ...] = ("unsubscribe", "preferences", "archive")
LETTERS = string.ascii_letters + string.digits + "-_"
marks = st.binary(min_size=8, max_size=8).map(bytes.hex)


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    purpose = draw(st.sampled_from(PURPOSES))
    if purpose == "feedback":
        vote = draw(st.sampled_from(get_args(Vote)))
        return Grant(purpose=purpose, message=draw(marks), entry=draw(marks), vote=vote)
    if purpose in ("browser", "bounce"):
        return Grant(purpose=purpose, message=draw(marks))
    return Grant(purpose=purpose, reader=draw(marks))


@settings(deadline=None)
@given(grants())
def test_a_token_says_what_was_signed_and_is_short_and_opaque(grant: Grant) -> None:
    token = sign(KEYS, grant)
    assert read(KEYS, grant.purpose, token) == grant
    assert token == sign(KEYS, grant)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert len(token) == (39 if grant.purpose == "feedback" else 27)


@settings(deadline=None)
@given(grants(), st.data())
def test_nothing_changed_is_believed(grant: Grant, data: st.DataObject) -> None:
    token = sign(KEYS, grant)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(LETTERS.replace(token[place], "")))
    assert read(KEYS, grant.purpose, token[:place] + other + token[place + 1 :]) is None
    assert read(KEYS, grant.purpose, token[:place]) is None
    assert read(KEYS, grant.purpose, token + other) is None
    assert read(KEYS, grant.purpose, token + "=") is None
    assert read(KEYS, grant.purpose, f" {token}") is None


def test_every_change_of_the_last_letter_is_seen() -> None:
    for purpose, size in (("unsubscribe", 27), ("feedback", 39)):
        grant = Grant(purpose="unsubscribe", reader="0" * 16)
        if purpose == "feedback":
            grant = Grant(purpose="feedback", message="0" * 16, entry="1" * 16, vote="save")
        token = sign(KEYS, grant)
        assert len(token) == size
        assert [letter for letter in LETTERS if read(KEYS, grant.purpose, token[:-1] + letter)] == [token[-1]]


@settings(deadline=None)
@given(grants(), st.sampled_from(PURPOSES))
def test_a_token_of_one_purpose_is_noise_to_another(grant: Grant, other: Purpose) -> None:
    assume(other != grant.purpose)
    assert read(KEYS, other, sign(KEYS, grant)) is None


@settings(deadline=None)
@given(grants(), grants())
def test_halves_of_two_tokens_make_none(one: Grant, two: Grant) -> None:
    assume(one != two)
    first, second = sign(KEYS, one), sign(KEYS, two)
    assert first != second
    mixed = first[:16] + second[16:]  # the tag of one, the payload of the other
    assume(mixed not in (first, second))
    assert read(KEYS, one.purpose, mixed) is None
    assert read(KEYS, two.purpose, mixed) is None


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(PURPOSES))
def test_anything_else_is_none(text: str, purpose: Purpose) -> None:
    assert read(KEYS, purpose, text) is None
    assert read_return_path(KEYS, text) is None


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 2**32))
def test_guessing_finds_nothing(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        guess = "".join(chance.choices(LETTERS, k=chance.choice((26, 27, 28, 38, 39, 40))))
        assert all(read(KEYS, purpose, guess) is None for purpose in PURPOSES)


@settings(deadline=None)
@given(grants())
def test_rotation_the_first_secret_signs_and_each_verifies(grant: Grant) -> None:
    old, both, new = keyring(OLD), keyring(f" {NEW}\n{OLD}\n"), keyring(NEW)
    assert sign(both, grant) == sign(new, grant) != sign(old, grant)
    for keys in (old, new):
        assert read(both, grant.purpose, sign(keys, grant)) == grant
    assert read(new, grant.purpose, sign(old, grant)) is None
    assert read(old, grant.purpose, sign(both, grant)) is None


@pytest.mark.parametrize("text", ["", " \n", "short", "x" * 31, f"{'x' * 40} short", f"short\n{'x' * 40}"])
def test_a_secret_that_is_too_short_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(InputError, match=r"AGGREGATOR_SECRET holds .*secrets\.token_urlsafe\(32\)") as error:
        keyring(text)
    assert "short" not in str(error.value).replace("shorter", "")
    assert "xxxx" not in str(error.value)
    assert "\n" not in str(error.value)


def test_keys_are_never_shown() -> None:
    assert "new-" not in repr(KEYS)
    assert repr(KEYS) == "Keyring()"
    assert keyring("\udcff" * 32).keys  # an environment that is not UTF-8


@pytest.mark.parametrize(
    "grant",
    [
        Grant(purpose="unsubscribe"),
        Grant(purpose="unsubscribe", reader="kim@example.org"),
        Grant(purpose="browser", reader="0" * 16),
        Grant(purpose="feedback", message="0" * 16, entry="0" * 16),
        Grant(purpose="feedback", message="0" * 16, vote="more"),
    ],
)
def test_a_grant_that_lacks_something_is_not_signed(grant: Grant) -> None:
    with pytest.raises(ValueError, match=f"a grant of {grant.purpose} has no "):
        sign(KEYS, grant)


def test_marks_tell_readers_and_entries_apart() -> None:
    readers = [reader_mark(*who) for who in (("speech", TO), ("speech", "lee@example.org"), ("music", TO))]
    found = [*readers, entry_mark("arxiv:2501.01234"), entry_mark("x\udcff")]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[0-9a-f]{16}", mark) for mark in found)
    assert reader_mark("speech", "Kim@Example.org") == readers[0]


def test_nothing_of_the_reader_can_be_guessed_from_a_token() -> None:
    """Who knows the profile and the address still cannot tell that a token is theirs, without the secret."""
    reader = reader_mark("speech", TO)
    sealed = [
        base64.urlsafe_b64decode(sign(keyring(secret), Grant(purpose=purpose, reader=reader)) + "=")
        for secret in (OLD, NEW)
        for purpose in READERS
    ]
    assert all(bytes.fromhex(reader) not in each for each in sealed)
    assert len({each[12:] for each in sealed}) == len(sealed)


# --- the return path -----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(marks, st.sampled_from(["bounces@example.org", "b+x@mail.example.org", f"{'b' * 31}@example.org"]))
def test_a_return_path_names_its_message(mark: str, base: str) -> None:
    address = return_path(KEYS, base, mark)
    local, _, domain = address.rpartition("@")
    assert local.startswith(f"{base.rpartition('@')[0]}+{mark}")
    assert domain == base.rpartition("@")[2]
    assert len(local) <= 64
    for written in (address, f"<{address}>", address.upper(), f" {address}\r\n"):
        assert read_return_path(KEYS, written) == mark
    assert read_return_path(keyring(f"{OLD} {NEW}"), address) == mark
    assert read_return_path(keyring(OLD), address) is None


@settings(deadline=None)
@given(marks, st.integers(0, 31), st.sampled_from("0123456789abcdef"))
def test_a_changed_return_path_names_none(mark: str, place: int, digit: str) -> None:
    local, _, domain = return_path(KEYS, "bounces@example.org", mark).rpartition("@")
    place += len("bounces+")
    assume(local[place] != digit)
    assert read_return_path(KEYS, f"{local[:place]}{digit}{local[place + 1 :]}@{domain}") is None


@pytest.mark.parametrize("address", ["", "<>", "bounces@example.org", "MAILER-DAEMON", f"+{'0' * 32}@x.org",
                                     f"b+{'0' * 32}", f"b+{'0' * 31}@x.org", f"b+{'0' * 32}@x.org"])  # fmt: skip
def test_other_addresses_name_none(address: str) -> None:
    assert read_return_path(KEYS, address) is None


def test_a_return_path_that_gets_too_long_is_refused() -> None:
    with pytest.raises(InputError, match=r"return_path b{32}@example\.org is too long; write at most 31 characters"):
        return_path(KEYS, f"{'b' * 32}@example.org", "0" * 16)
