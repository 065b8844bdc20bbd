"""What an edit does to a digest: forms are noted, lines of the edit are told, and only the edit moves anything."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.comparing import Difference, Edit, Trial, edits, tried
from aggregator.model import Follow, Profile
from aggregator.pipeline import digest
from aggregator.render import Renderer
from aggregator.store import Store
from tests.fakes import WordEmbedder
from tests.stores import DATABASES, DAY, NOW, add, fresh_store, paper, rows

SPEECH = "streaming speech recognition with low latency"
MUSIC = "symbolic music generation with harmony"
BIRDS = "bird song detection in the field"
ME = Profile(
    name="me",
    email=("me@example.org",),
    schedule="weekly mon 08:00",
    timezone="UTC",
    interests=(SPEECH, MUSIC),
    min_score=0.3,
    max_entries=6,
)
RICH = replace(
    ME,
    weights={SPEECH: 1.5},
    keywords=("wav2vec*",),
    follows=(Follow(name="Ada Lovelace", variants=("A. Lovelace",), affiliation="London"),),
    seeds=("arxiv:2611.00001",),
    venues=("Interspeech",),
    muted=("ECG",),
    muted_topics=("stock markets",),
    surprises=1,
    sections=("top", "interests"),
)


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Store]:
    """A store with four papers of each of three subjects, numbered 1 to 12, each a little further from its subject."""
    with fresh_store("sqlite", tmp_path) as store:
        far = ["estimation", "of", "ocean", "currents", "by", "satellites", "over", "many", "seasons"]
        add(
            store,
            *(
                paper(4 * subject + number, title=f"{text.title()} {number}", summary=" ".join(far[: 2 * number]))
                for subject, text in enumerate((SPEECH, MUSIC, BIRDS))
                for number in (1, 2, 3, 4)
            ),
        )
        yield store


def trial(store: Store, profile: Profile) -> Trial:
    return tried(store, WordEmbedder(), profile, (), period="preview-x", since=NOW - 7 * DAY, until=NOW)


def difference(store: Store, old: Profile, new: Profile) -> Difference:
    assert trial(store, old).difference is None
    found = trial(store, new).difference
    assert found
    return found


def numbers(found: Difference, name: str) -> list[int]:
    return [int(move.entry.key[-2:]) for move in getattr(found, name)]


# --- forms


@pytest.mark.parametrize("profile", [ME, RICH], ids=["plain", "rich"])
def test_a_form_comes_back_as_it_was(store: Store, profile: Profile) -> None:
    new = replace(profile, interests=(BIRDS,), weights={}, email=("new@example.org",))
    assert store.written_before(profile) is None
    assert store.note_written(profile, now=NOW)
    assert not store.note_written(profile, now=NOW + DAY)
    assert store.written_before(profile) is None
    assert store.note_written(new, now=NOW + 2 * DAY)
    assert store.written_before(new) == (replace(profile, email=new.email), NOW + DAY)
    assert store.written_before(profile) == (replace(new, email=profile.email), NOW + 2 * DAY)
    assert store.written_before(replace(ME, name="you")) is None


def test_what_nothing_is_ranked_by_is_no_edit_and_is_not_kept(store: Store) -> None:
    store.note_written(ME, now=NOW)
    other = replace(ME, email=("x@example.org",), schedule="daily 08:00", language="de", format="compact")
    assert store.written_before(other) is None
    assert not store.note_written(other, now=NOW)
    assert "example.org" not in str(rows(store, "SELECT form FROM written"))


def test_a_form_of_an_older_release_lacks_a_field(store: Store) -> None:
    store.note_written(RICH, now=NOW)
    with store._writing() as session:
        session.connection().exec_driver_sql("""UPDATE written SET form = '{"interests": ["x"], "gone": 1}'""")
    assert store.written_before(RICH) == (replace(RICH, interests=("x",)), NOW)


def test_a_new_name_keeps_the_forms_and_forgetting_forgets_them(store: Store) -> None:
    store.note_written(ME, now=NOW)
    new = replace(ME, name="new", was=("me",), interests=(BIRDS,))
    assert store.rename(new.was, new.name) == 1
    before = store.written_before(new)
    assert before
    assert before[0].interests == ME.interests
    assert store.histories().keys() == {"new"}
    assert store.forget("new").rows["written"] == 1
    assert store.written_before(new) is None


def test_an_issue_notes_how_the_profile_is_written(store: Store) -> None:
    add(store, paper(1, title=SPEECH))
    done = digest(store, WordEmbedder(), Renderer("d@example.org"), [ME], (), now=NOW)
    assert done.counts["issues"] == 1
    assert store.written_before(replace(ME, interests=(BIRDS,))) == (ME, NOW)


# --- lines


def test_every_line_of_an_edit_is_told() -> None:
    new = replace(
        RICH,
        interests=(SPEECH, BIRDS),
        weights={SPEECH: 2, BIRDS: 0.5},
        keywords=("hubert", "wav2vec*"),
        follows=(Follow(name="Ada Lovelace", variants=("A. Lovelace",)),),
        muted=(),
        min_score=0.35,
        sections=("interests", "top"),
    )
    assert list(edits(RICH, new)) == [
        Edit("interests", MUSIC, ""),
        Edit("interests", "", f"{BIRDS} (weight 0.5)"),
        Edit("keywords", "", "hubert"),
        Edit("follows", "Ada Lovelace (A. Lovelace, London)", ""),
        Edit("follows", "", "Ada Lovelace (A. Lovelace)"),
        Edit("muted", "ECG", ""),
        Edit("weights", "1.5", "2", SPEECH),
        Edit("min_score", "0.3", "0.35"),
        Edit("sections", "top, interests", "interests, top"),
    ]
    assert list(edits(ME, replace(ME, interests=(MUSIC, SPEECH)))) == [
        Edit("interests", f"{SPEECH}; {MUSIC}", f"{MUSIC}; {SPEECH}", "order")
    ]
    assert list(edits(RICH, replace(RICH, name="x", language="de"))) == []


# --- what comes of it


def test_the_first_time_and_without_an_edit_there_is_nothing_to_compare(full: Store) -> None:
    first, again = trial(full, ME), trial(full, ME)
    assert (first.first, first.difference) == (True, None)
    assert (again.first, again.difference) == (False, None)
    assert first.letter
    assert again.letter
    assert first.letter.picks == again.letter.picks


def test_an_interest_more_brings_its_papers_and_takes_the_place_of_others(full: Store) -> None:
    found = difference(full, ME, replace(ME, interests=(*ME.interests, BIRDS)))
    assert set(numbers(found, "came")) <= {9, 10, 11, 12}
    assert found.came
    for move in found.came:
        assert move.after.number
        assert move.before.number is None
        assert move.before.left_out == "below min_score 0.3"
        assert move.after.reason
        assert move.after.reason.text == BIRDS
        assert move.before.score is not None
        assert move.after.score is not None
        assert move.before.score < 0.3 <= move.after.score
    assert found.edits == (Edit("interests", "", BIRDS),)
    assert found.at == NOW


def test_only_the_edit_makes_a_difference(full: Store) -> None:
    new = replace(ME, interests=(SPEECH,), min_score=0.35)
    found = difference(full, ME, new)
    letters = [trial(full, one).letter for one in (ME, new)]
    before, after = ([pick.entry.key for pick in letter.picks] if letter else [] for letter in letters)
    assert [move.entry.key for move in found.came] == [key for key in after if key not in before]
    assert [move.entry.key for move in found.went] == [key for key in before if key not in after]
    moves = (*found.came, *found.went, *found.rose, *found.fell)
    assert {move.entry.key: move.before.number for move in moves if move.before.number} == {
        move.entry.key: before.index(move.entry.key) + 1 for move in moves if move.before.number
    }
    both = [key for key in before if key in after]
    assert found.stayed == sum(before.index(key) == after.index(key) for key in both)
    assert found.stayed + found.pushed + len(found.rose) + len(found.fell) == len(both)


def test_what_is_muted_went_and_says_by_which_word(full: Store) -> None:
    found = difference(full, ME, replace(ME, muted=("harmony",)))
    assert found.went
    for move in found.went:
        assert move.after.score is None
        assert move.after.left_out == "muted: harmony"
    back = trial(full, ME).difference
    assert back
    assert {move.before.left_out for move in back.came} == {"muted: harmony"}


def test_a_weight_makes_its_papers_rise_and_the_others_fall(full: Store) -> None:
    before = replace(ME, max_entries=20, weights={SPEECH: 0.5, MUSIC: 0.5})
    found = difference(full, before, replace(before, weights={SPEECH: 0.5, MUSIC: 0.8}))
    assert found.rose
    assert set(numbers(found, "rose")) <= {5, 6, 7, 8}
    for move in found.rose:
        assert (move.after.number or 0) < (move.before.number or 0)
        assert (move.after.score or 0) > (move.before.score or 0)
    assert found.edits == (Edit("weights", "0.5", "0.8", MUSIC),)


def test_a_higher_threshold_only_leaves_out(full: Store) -> None:
    light = replace(ME, weights={SPEECH: 0.5, MUSIC: 0.5})
    found = difference(full, light, replace(light, min_score=0.95))
    assert not found.came
    assert {move.after.left_out for move in found.went} == {"below min_score 0.95"}
    assert (found.rose, found.fell) == ((), ())


def test_fewer_places_leave_no_place(full: Store) -> None:
    found = difference(full, ME, replace(ME, max_entries=1, sections=("top",)))
    assert {move.after.left_out for move in found.went} == {"no place left"}


def test_a_week_without_anything_has_an_empty_difference(store: Store) -> None:
    found = difference(store, ME, replace(ME, interests=(BIRDS,)))
    assert (found.came, found.went, found.stayed) == ((), (), 0)
    assert len(found.edits) == 3


def test_a_file_of_references_that_is_gone_stops_nothing(full: Store, tmp_path: Path) -> None:
    file = tmp_path / "refs.bib"
    file.write_text(f"@article{{a, title={{{BIRDS}}}, eprint={{2611.00099}}, archiveprefix={{arXiv}}}}\n")
    trial(full, replace(ME, seeds=(str(file),)))
    only = replace(ME, interests=(), seeds=(str(file),))
    trial(full, only)
    file.unlink()
    found = trial(full, ME).difference
    assert found
    assert Edit("seeds", str(file), "") in found.edits
    assert len(found.came) == len(trial(full, ME).letter.picks)  # type: ignore[union-attr]
    assert {move.before.left_out for move in found.came} == {"nothing to rank by"}
