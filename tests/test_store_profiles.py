"""What hangs on a profile: pauses, its history under another name, and that it can be forgotten to the last byte."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import tables
from aggregator.model import Message, Profile
from aggregator.store import History, Paused, Store
from aggregator.store.engine import SQLITE
from tests.stores import DATABASES, DAY, NOW, add, candidates, digest, embed, fresh_store, paper, rows

HOUR = timedelta(hours=1)
ANNA = "anna.secret@example.org"


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        yield opened


def letter(profile: str, period: str, to: str) -> Message:
    raw = f"To: {to}\r\nSubject: for {to}\r\n\r\nHello {to}, this is only for {profile}.\r\n".encode() * 20
    return Message(f"{profile}/{period}/{to}", "d@example.org", to, f"<{profile}.{period}@x>", f"for {to}", raw)


def issue(store: Store, profile: str, period: str, to: str = ANNA, *, shown: int = 0) -> None:
    """An issue with a message, and with the first so many papers as picks."""
    picked = candidates(store, profile)[:shown] if shown else []
    week = int(period[-2:])
    since, until = NOW + (week - 48) * 7 * DAY, NOW + (week - 47) * 7 * DAY
    told = digest(*picked, period=period, profile=profile)
    assert store.queue(profile, period, since, until, now=until, digest=told, messages=[letter(profile, period, to)])


def bounce(store: Store, profile: str, address: str, number: int = 1) -> None:
    with store._writing() as session:
        session.add(
            tables.Bounce(
                report=f"<report.{profile}.{number}@mx>",
                profile=profile,
                address=address,
                message="<m@x>",
                at=NOW + number * DAY,
                hard=number > 1,
                status="5.1.1",
                text=f"no {address} here",
                **({"counted": True} if "counted" in tables.Bounce.model_fields else {}),
            )
        )


# --- pauses


def test_a_pause_keeps_its_first_reason_and_date(store: Store) -> None:
    assert store.pause("me", "", "holidays", now=NOW)
    assert not store.pause("me", "", "again", now=NOW + DAY)
    assert store.pause("me", "a@example.org", "5.1.1\nno such user", now=NOW)
    assert store.pauses() == [
        Paused(profile="me", address="", since=NOW, reason="holidays"),
        Paused(profile="me", address="a@example.org", since=NOW, reason="5.1.1 no such user"),
    ]


def test_resume_takes_back_one_or_all(store: Store) -> None:
    for address in ("", "a@example.org", "b@example.org"):
        store.pause("me", address, "x", now=NOW)
    store.pause("you", "", "x", now=NOW)
    assert store.resume("me", "a@example.org") == 1
    assert store.resume("me", "a@example.org") == 0
    assert store.resume("me") == 2
    assert [one.profile for one in store.pauses()] == ["you"]


def test_who_receives(store: Store) -> None:
    people = [
        Profile(name=name, email=to, schedule="daily 08:00", timezone="UTC", interests=("x",))
        for name, to in {"one": ("a@x.org", "b@x.org"), "two": ("a@x.org",), "three": ("c@x.org",)}.items()
    ]
    assert store.receivers(people) == {"one": ("a@x.org", "b@x.org"), "two": ("a@x.org",), "three": ("c@x.org",)}
    store.pause("one", "a@x.org", "x", now=NOW)
    store.pause("two", "a@x.org", "x", now=NOW)
    store.pause("three", "", "x", now=NOW)
    assert store.receivers(people) == {"one": ("b@x.org",), "two": (), "three": ()}


def test_upper_and_lower_case_make_no_other_address(store: Store) -> None:
    me = Profile(
        name="me",
        email=("Me@x.org", "you@x.org", "me@x.org"),
        schedule="daily 08:00",
        timezone="UTC",
        interests=("x",),
    )
    assert store.receivers([me]) == {"me": ("Me@x.org", "you@x.org")}
    store.pause("me", "ME@x.org", "x", now=NOW)
    assert store.receivers([me]) == {"me": ("you@x.org",)}
    assert store.resume("me", "me@x.org") == 1


def test_what_came_back_is_told_once_an_address(store: Store) -> None:
    bounce(store, "me", "a@x.org", 1)
    bounce(store, "me", "a@x.org", 2)
    bounce(store, "you", "a@x.org", 3)
    first, second = store.returned(NOW)
    assert (first.profile, first.reports, first.hard, first.at) == ("me", 2, True, NOW + 2 * DAY)
    assert second.profile == "you"
    assert [one.profile for one in store.returned(NOW + 3 * DAY)] == ["you"]


# --- names


def test_a_new_name_keeps_the_history(store: Store) -> None:
    add(store, paper(1), paper(2))
    embed(store)
    issue(store, "old", "2026-W46")
    issue(store, "old", "2026-W47", shown=1)
    store.pause("old", ANNA, "x", now=NOW)
    bounce(store, "old", ANNA)
    assert store.rename(["nobody", "old"], "new") == 1
    assert store.rename(["nobody", "old"], "new") == 0
    assert [one.period for one in store.issues("new")] == ["2026-W47", "2026-W46"]
    assert len(candidates(store, "new")) == 1
    assert len(candidates(store, "old")) == 2
    assert [(one.profile, one.address) for one in store.pauses()] == [("new", ANNA)]
    assert [row.profile for row in store.outbox()] == ["new", "new"]
    assert store.histories() == {"new": History(2, 1, "2026-W47", NOW)}
    assert [one.profile for one in store.returned(NOW)] == ["new"]


def test_two_histories_become_one_without_losing_or_doubling_anything(store: Store) -> None:
    add(store, paper(1), paper(2), paper(3))
    embed(store)
    issue(store, "old", "2026-W46", shown=1)
    issue(store, "old", "2026-W47", "a@x.org", shown=1)
    issue(store, "new", "2026-W47", "b@x.org", shown=2)
    issue(store, "new", "2026-W48", "b@x.org")
    store.pause("old", "", "the older", now=NOW)
    store.pause("new", "", "the younger", now=NOW + DAY)
    assert store.rename(["old"], "new") == 1
    assert sorted(one.period for one in store.issues("new")) == ["2026-W46", "2026-W47", "2026-W48"]
    shown = rows(store, "SELECT entry_id FROM pick WHERE profile = 'new' ORDER BY entry_id")
    assert len(shown) == len(set(shown)) == 2
    assert rows(store, "SELECT count(*) FROM pick WHERE profile <> 'new'") == [(0,)]
    assert {row.recipient for row in store.outbox() if row.period == "2026-W47"} == {"a@x.org", "b@x.org"}
    assert len(store.outbox()) == 4
    assert [(one.profile, one.reason) for one in store.pauses()] == [("new", "the older")]
    assert store.integrity() == []


def test_a_name_that_is_its_own_former_one_changes_nothing(store: Store) -> None:
    add(store, paper(1))
    embed(store)
    issue(store, "me", "2026-W47", shown=1)
    assert store.rename(["me"], "me") == 0
    assert (len(store.issues("me")), len(store.outbox()), candidates(store, "me")) == (1, 1, [])


def test_a_name_changes_between_two_steps(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store, Store(f"sqlite:///{tmp_path / 'a.db'}") as other:
        issue(store, "old", "2026-W47")
        done = threading.Event()

        def rename() -> None:
            other.rename(["old"], "new")
            done.set()

        with store.lock("work"):
            thread = threading.Thread(target=rename)
            thread.start()
            assert not done.wait(0.2)
            assert store.issues("old")
        thread.join(10)
        assert store.issues("new")


# --- forgetting


def fill(store: Store) -> None:
    add(store, paper(1), paper(2))
    embed(store)
    for week in range(40, 47):
        issue(store, "anna", f"2026-W{week}")
    issue(store, "anna", "2026-W47", shown=1)
    issue(store, "anna", "2026-W48", "anna.second@example.org")
    issue(store, "bert", "2026-W47", "bert@example.org", shown=2)
    store.pause("anna", ANNA, f"no {ANNA}", now=NOW)
    bounce(store, "anna", ANNA)
    bounce(store, "bert", "bert@example.org", 2)
    for name in ("anna", "bert"):
        store.answer(name, paper(1).key, "like", now=NOW)
        store.note_written(digest(profile=name).profile, now=NOW)


def test_addresses_that_are_stored_of_a_profile(store: Store) -> None:
    fill(store)
    store.pause("anna", "", "x", now=NOW)
    assert store.addresses("anna") == ["anna.second@example.org", ANNA]
    assert store.addresses("nobody") == []


def test_forgetting_leaves_no_row_and_touches_nobody_else(store: Store) -> None:
    fill(store)
    before = store.traces(["anna"], store.addresses("anna"))
    assert before == {"issue": 9, "pick": 1, "message": 9, "pause": 1, "bounce": 1, "answer": 1, "written": 1}
    others = (store.issues("bert"), [row for row in store.outbox() if row.profile == "bert"], store.returned(NOW)[-1:])
    addresses = store.addresses("anna")
    done = store.forget("anna")
    assert done.rows == before
    assert done.clean
    assert store.traces(["anna"], addresses) == {}
    assert store.histories().keys() == {"bert"}
    assert (store.issues("bert"), store.outbox(), store.returned(NOW)) == (others[0], others[1], others[2])
    assert len(candidates(store, "anna")) == 2
    assert store.integrity() == []
    assert store.forget("anna").rows == dict.fromkeys(before, 0)


def test_traces_find_an_address_in_any_table(store: Store) -> None:
    add(store, paper(1, summary=f"Write to {ANNA.upper()}, please."))
    assert store.traces(["anna"], [ANNA]) == {"entry": 1}
    assert store.traces(["arxiv"], ["nobody@example.org"]) == {}
    issue(store, "bert", "2026-W47", ANNA)
    assert store.traces(["anna"], [ANNA]) == {"entry": 1, "message": 1}
    assert store.traces(["anna_", "ber%"], ["anna_secret@example.org"]) == {}


def test_an_address_within_another_is_no_trace_of_it(store: Store) -> None:
    issue(store, "joanna", "2026-W47", "joanna@example.org")
    issue(store, "lab/two", "2026-W47", "anna@example.org.uk")
    assert store.traces(["anna", "lab"], ["anna@example.org"]) == {}
    assert store.traces(["lab/two"], []) == {"issue": 1, "message": 1}
    store.pause("you", "x@example.org", "mail to <anna@example.org>, she says.", now=NOW)
    assert store.traces(["anna"], ["anna@example.org"]) == {"pause": 1}
    add(store, paper(1, authors=("Anna\\nanna@example.org",)))
    assert store.traces(["anna"], ["anna@example.org"]) == {"pause": 1, "entry": 1}


def test_the_bytes_are_gone_from_the_file(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        fill(store)
        names = (ANNA.encode(), b"anna.second@", b"only for anna")

        def held() -> set[bytes]:
            files = [path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".lock"]
            return {name for name in names if any(name in content for content in files)}

        assert held() == set(names)
        assert store.forget("anna").clean
        assert held() == set()
        assert (tmp_path / "a.db-wal").stat().st_size == 0
        assert "bert@example.org" in (tmp_path / "a.db").read_bytes().decode("latin-1")


def test_a_reader_that_keeps_the_log_is_told(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'a.db'}", patience=0.05) as store:
        store.migrate()
        fill(store)
        other = SQLITE.connect(tmp_path / "a.db")  # not sqlite3: locks of one process do not part two libraries
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM message").fetchone()
        assert not store.forget("anna").clean
        assert not store.compact()
        other.close()
        assert store.compact()
        assert ANNA.encode() not in (tmp_path / "a.db").read_bytes()


# --- clocks


def test_what_comes_after_the_clock_was_set_back_is_news_of_the_next_issue(store: Store) -> None:
    add(store, now=NOW)
    issue(store, "me", "2026-W47")
    back = NOW - timedelta(hours=1)
    add(store, paper(1, published=back), now=back)
    embed(store)
    assert candidates(store, since=NOW - 7 * DAY, until=NOW) == []
    assert len(candidates(store, since=NOW, until=NOW + DAY)) == 1


def test_issues_of_days_to_come_are_passed_over(store: Store) -> None:
    issue(store, "me", "2026-W46")
    issue(store, "me", "2026-W49")
    issue(store, "me", "2026-W50")
    issue(store, "you", "2026-W49")
    assert store.disbelieve(NOW) == [("me", "2026-W49"), ("me", "2026-W50"), ("you", "2026-W49")]
    assert store.disbelieve(NOW) == []
    last = store.last_issue("me")
    assert last is not None
    assert last.until == NOW - 7 * DAY
    assert store.has_issue("me", "2026-W50")
    first = store.last_issue("you")
    assert first is not None
    assert first.until <= NOW


def test_what_is_passed_over_once_stays_so(store: Store) -> None:
    """Hours later the issue would be believed, and what became news meanwhile would lie before its end."""
    issue(store, "me", "2026-W47")
    add(store, now=NOW - DAY)
    store.queue("me", "2026-11-23", NOW, NOW + 30 * HOUR, now=NOW + 30 * HOUR, digest=None, messages=[])
    add(store, paper(1, published=NOW), now=NOW + HOUR)
    last = store.last_issue("me")
    assert last is not None
    assert (last.since, last.until) == (NOW, NOW)
    embed(store)
    assert len(candidates(store, since=last.until, until=NOW + 8 * HOUR)) == 1
