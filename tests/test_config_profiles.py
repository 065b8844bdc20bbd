"""Profiles in files of their own, schedules as lists, and former names: read, and every mistake with file and line."""

from pathlib import Path

import pytest

from aggregator.config import Config, load, origin
from aggregator.errors import ConfigError, InputError
from tests.test_config import BLOG, GOOD, ME

ANNA = 'email = "anna@example.org"\ninterests = ["speech"]\n'


def write(folder: Path, config: str, **pages: str) -> Path:
    (folder / "profiles").mkdir(exist_ok=True)
    for name, text in pages.items():
        (folder / "profiles" / f"{name}.toml").write_text(text, encoding="utf-8")
    path = folder / "config.toml"
    path.write_text(config, encoding="utf-8")
    return path


def read(folder: Path, config: str, **pages: str) -> Config:
    return load(write(folder, config, **pages))


def mistakes(folder: Path, config: str, **pages: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, config, **pages)
    return str(caught.value).splitlines()


def test_each_file_is_a_profile_called_like_the_file(tmp_path: Path) -> None:
    config = read(tmp_path, BLOG, bert='name = "Herbert"\n' + ANNA.replace("anna", "bert"), anna=ANNA)
    assert [(one.name, one.email) for one in config.profiles] == [
        ("anna", ("anna@example.org",)),
        ("Herbert", ("bert@example.org",)),
    ]


def test_files_come_behind_the_profiles_of_config_toml(tmp_path: Path) -> None:
    assert [one.name for one in read(tmp_path, GOOD, anna=ANNA).profiles] == ["me", "anna"]
    (tmp_path / "profiles" / ".hidden.toml").write_text("nonsense")
    (tmp_path / "profiles" / "notes.txt").write_text("nonsense")
    assert len(load(tmp_path / "config.toml").profiles) == 2


def test_every_mistake_names_its_file_and_line(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        GOOD.replace('"me@example.org"', '"me@@example.org"'),
        anna="# a comment\n" + ANNA.replace("interests", "intrests"),
        bert='email = "bert@example.org"\n',
        carl=ANNA + 'schedule = "weekly mno 08:00"\npassword = "x"\n',
    )
    assert len(found) == 5
    assert found[0].startswith("config.toml:3: email: 'me@@example.org'")
    assert found[1] == "profiles/anna.toml:3: intrests: there is no such key (did you mean `interests`?)"
    assert found[2] == "profiles/bert.toml:1: interests: is missing"
    assert found[3].startswith("profiles/carl.toml:3: schedule: 'weekly mno 08:00' is no schedule (did you mean")
    assert found[4].startswith("profiles/carl.toml:4: password: secrets do not belong into this file")


def test_a_name_is_there_once_over_all_files(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GOOD, me=ANNA) == [
        "profiles/me.toml:1: name: there is another profile called 'me'; rename one"
    ]
    other = mistakes(tmp_path, GOOD, me=ANNA + 'name = "x"\n', anna='name = "x"\n' + ANNA)
    assert other == ["profiles/me.toml:3: name: there is another profile called 'x'; rename one"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('email = "x\n', "profiles/anna.toml:1: this is not TOML: the line ends inside a text; is a quote missing?"),
        ("\n[[profile]]\n" + ANNA, "profiles/anna.toml:2: profile: this file is one profile; write its keys without"),
    ],
)
def test_a_file_that_is_no_profile(text: str, expected: str, tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, BLOG, anna=text)
    assert line.startswith(expected)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    (tmp_path / "profiles" / "anna.toml").mkdir()
    with pytest.raises(InputError, match=r"anna\.toml cannot be read"):
        load(path)
    (tmp_path / "profiles" / "anna.toml").rmdir()
    (tmp_path / "profiles" / "anna.toml").write_bytes(b"\nname = '\xff'\n")
    with pytest.raises(ConfigError, match=r"^profiles/anna\.toml:2: this is not UTF-8"):
        load(path)


def test_without_any_profile_there_is_an_error(tmp_path: Path) -> None:
    assert mistakes(tmp_path, BLOG) == ["config.toml:4: profile: is missing: there must be at least one [[profile]]"]


def test_a_profile_in_single_brackets_is_told_also_beside_files(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, GOOD.replace("[[profile]]", "[profile]"), anna=ANNA)
    assert line == "config.toml:1: profile: must be written [[profile]], in double brackets"


def test_where_a_profile_is_written(tmp_path: Path) -> None:
    path = write(tmp_path, BLOG + ME, anna=ANNA)
    assert [origin(path, name) for name in ("me", "anna", "nobody")] == ["config.toml:5", "profiles/anna.toml:1", ""]


# --- keys


def test_a_schedule_may_be_a_list(tmp_path: Path) -> None:
    text = GOOD.replace("interests", 'schedule = ["weekly mon 08:00", "weekly thu 18:00"]\ninterests')
    assert read(tmp_path, text).profiles[0].schedule == "weekly mon 08:00; weekly thu 18:00"
    (line,) = mistakes(tmp_path, text.replace('"weekly thu 18:00"', '"weekly thru 18:00"'))
    assert "did you mean `weekly mon, thu 08:00, 18:00`?" in line
    for wrong in ("[]", "[1]", "7", '["weekly mon 08:00", 7]'):
        (line,) = mistakes(tmp_path, GOOD.replace("interests", f"schedule = {wrong}\ninterests"))
        assert line.startswith("config.toml:4: schedule: must be a text in quotes")


def test_former_names_are_nobodys_name(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD, anna=ANNA + 'was = ["ann", "annie"]\n')
    assert config.profiles[1].was == ("ann", "annie")
    assert mistakes(tmp_path, GOOD, anna=ANNA + 'was = ["me"]\n') == [
        "profiles/anna.toml:3: was: 'me' is the name of a profile now; take it out, or rename that profile"
    ]
    twice = mistakes(tmp_path, GOOD, anna=ANNA + 'was = ["x"]\n', bert=ANNA + 'was = ["x"]\n')
    assert twice == ["profiles/bert.toml:3: was: 'x' was another profile already; take it out of one of them"]


def test_space_around_a_former_name_is_no_part_of_it(tmp_path: Path) -> None:
    now = "is the name of a profile now; take it out, or rename that profile"
    assert mistakes(tmp_path, GOOD.replace('name = "me"', 'name = "me"\nwas = ["me "]')) == [
        f"config.toml:3: was: 'me' {now}"
    ]
    assert mistakes(tmp_path, GOOD.replace('name = "me"', 'name = "me "\nwas = ["me"]')) == [
        f"config.toml:3: was: 'me' {now}"
    ]


@pytest.mark.parametrize("second", ["me@example.org", "me@EXAMPLE.org", "ME@example.org"])
def test_an_address_is_there_once(second: str, tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, GOOD.replace('"me@example.org"', f'["me@example.org", "{second}"]'))
    assert line.startswith("config.toml:3: email: ")
    assert line.endswith("is there twice; each address gets one message, so keep one of them")


def test_days_that_no_calendar_has_are_refused(tmp_path: Path) -> None:
    assert mistakes(tmp_path, f"{GOOD}\n[mail]\nkeep_days = 999999\n")[0].endswith(
        "keep_days: must be 36500 or less, not 999999"
    )
