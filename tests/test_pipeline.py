"""pipeline: the four steps on the real store, renderer and Fetcher; the network, the model and the mail are faked."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from aggregator import pipeline
from aggregator.backfill import backfill
from aggregator.errors import DeliveryError, EmbedError
from aggregator.fetch import Fetcher
from aggregator.model import Batch, Cursor, Entry, Profile, Vectors, Window
from aggregator.outcome import Outcome
from aggregator.render import Renderer
from aggregator.sources import Source
from aggregator.store import Store
from tests.fakes import Clock, ListMailer, WordEmbedder, fetcher_over, pages

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday
FEED = "https://blog.example.org/feed.xml"
OTHER = "https://other.example.org/feed.xml"
ME = Profile(
    name="me",
    email=("me@example.org", "you@example.org"),
    schedule="weekly mon 08:00",
    timezone="UTC",
    interests=("neural audio codecs", "speech recognition"),
    min_score=0.2,
)


def rss(*titles: str, day: datetime = NOW - timedelta(days=1)) -> bytes:
    items = "".join(
        f"<item><title>{title}</title><link>https://blog.example.org/{title.replace(' ', '-')}</link>"
        f"<pubDate>{day:%a, %d %b %Y %H:%M:%S} +0000</pubDate><description>About {title}.</description></item>"
        for title in titles
    )
    return f'<rss version="2.0"><channel><title>Blog</title>{items}</channel></rss>'.encode()


def feed(name: str = "blog", url: str = FEED) -> Source:
    from aggregator.sources.feed import Feed

    return Feed(name=name, url=url)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/aggregator.db") as store:
        store.migrate()
        yield store


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Callable[..., Fetcher]]:
    opened: list[Fetcher] = []

    def over(**answers: object) -> Fetcher:
        fetcher = fetcher_over(pages({FEED: answers.get("feed", 404), OTHER: answers.get("other", 404)}), tmp_path)  # type: ignore[dict-item]
        opened.append(fetcher)
        return fetcher

    yield over
    for fetcher in opened:
        fetcher.close()


def one_digest(store: Store, now: datetime = NOW, *, force: bool = False) -> Outcome:
    return pipeline.digest(
        store, WordEmbedder(), Renderer("Digest <digest@example.org>"), [ME], ["blog"], now=now, force=force
    )


# --- collect


def test_collect_stores_and_next_time_asks_only_what_is_due(store: Store, network: Callable[..., Fetcher]) -> None:
    fetcher = network(feed=rss("Neural audio codecs", "Bread"))
    first = pipeline.collect(store, fetcher, [feed()], now=NOW)
    assert first.counts == {"sources": 1, "entries": 2, "new": 2}
    again = pipeline.collect(store, fetcher, [feed()], now=NOW + timedelta(hours=1))
    assert again.counts["sources"] == 0
    later = pipeline.collect(store, fetcher, [feed()], now=NOW + timedelta(hours=5))
    assert later.counts == {"sources": 1, "entries": 2, "new": 0}


def test_a_source_that_fails_is_one_line_and_the_others_go_on(store: Store, network: Callable[..., Fetcher]) -> None:
    fetcher = network(feed=500, other=rss("Speech recognition"))
    outcome = pipeline.collect(store, fetcher, [feed(), feed("other", OTHER)], now=NOW)
    assert outcome.counts["new"] == 1
    (line,) = outcome.troubles
    assert line.startswith("source blog: ")
    assert "next visit 2026-11-23 " in line
    assert "\n" not in line


def test_failures_back_off_to_a_day_and_a_success_resets(store: Store, network: Callable[..., Fetcher]) -> None:
    now, waits = NOW, []
    fetcher = network(feed=500)
    for _ in range(8):
        pipeline.collect(store, fetcher, [feed()], now=now)
        (state,) = store.sources(["blog"])
        assert state.next_visit is not None
        waits.append((state.next_visit - now).total_seconds() / 3600)
        now = state.next_visit
    for wait, nominal in zip(waits, (1, 2, 4, 8, 16, 24, 24, 24), strict=True):
        assert 0.9 * nominal <= wait <= 1.1 * nominal
    pipeline.collect(store, network(feed=rss("Bread")), [feed()], now=now)
    assert store.failures("blog") == 0


def test_retry_after_holds_for_all_sources_of_the_host_and_for_run_all(
    store: Store, network: Callable[..., Fetcher]
) -> None:
    import httpx

    busy = httpx.Response(503, headers={"Retry-After": "7200"})
    pipeline.collect(store, network(feed=busy), [feed()], now=NOW)
    transport = pages({FEED: rss("Bread")})
    outcome = pipeline.collect(
        store, fetcher_over(transport, Path("/nonexistent")), [feed()], now=NOW + timedelta(hours=1), everything=True
    )
    assert transport.urls == []
    assert outcome.counts["put off"] == len(outcome.notes) == 1
    assert outcome.troubles == []
    assert store.failures("blog") == 1
    pipeline.collect(store, network(feed=rss("Bread")), [feed()], now=NOW + timedelta(hours=3), everything=True)
    assert store.failures("blog") == 0


def test_a_partial_answer_is_kept_told_and_asked_again_soon(store: Store, network: Callable[..., Fetcher]) -> None:
    whole = rss("Neural audio codecs", "Speech recognition")
    half = whole[: whole.index(b"Speech recognition") + 6]
    outcome = pipeline.collect(store, network(feed=half), [feed()], now=NOW)
    assert outcome.counts["partial"] == 1
    assert "answered only in part" in outcome.troubles[0]
    (state,) = store.sources(["blog"])
    assert state.next_visit == NOW + timedelta(hours=1)
    again = pipeline.collect(store, network(feed=whole), [feed()], now=NOW + timedelta(hours=1))
    assert again.counts == {"sources": 1, "entries": 2, "new": 1}


def test_a_bug_in_a_source_shows(store: Store, network: Callable[..., Fetcher]) -> None:
    class Broken(Source):
        def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
            raise ZeroDivisionError

        def parse(self, body: bytes, now: datetime) -> list[Entry]:
            return []

    with pytest.raises(ZeroDivisionError):
        pipeline.collect(store, network(), [Broken(name="broken")], now=NOW)


# --- embed


def test_embed_goes_on_where_it_stopped(store: Store, network: Callable[..., Fetcher]) -> None:
    titles = [f"Paper number {i}" for i in range(150)]
    pipeline.collect(store, network(feed=rss(*titles)), [feed()], now=NOW)
    embedder = WordEmbedder()
    asked = iter([False, True])
    assert pipeline.embed(store, embedder, stop=lambda: next(asked)).counts == {"vectors": 64}
    assert pipeline.embed(store, embedder).counts == {"vectors": 86}
    assert pipeline.embed(store, embedder).counts == {"vectors": 0}
    assert embedder.texts == 150


def test_another_model_embeds_anew(store: Store, network: Callable[..., Fetcher]) -> None:
    pipeline.collect(store, network(feed=rss("Bread")), [feed()], now=NOW)
    first, other = pipeline.embed(store, WordEmbedder()), pipeline.embed(store, WordEmbedder("another"))
    assert first.counts == other.counts == {"vectors": 1}
    assert first.notes == []
    assert other.notes == ["embedded anew: 1, whose vectors are of another model or backend"]


# --- digest


def filled(store: Store, fetcher: Fetcher, now: datetime = NOW) -> None:
    pipeline.collect(store, fetcher, [feed()], now=now, everything=True)


def test_an_issue_is_opened_once_a_period_with_a_message_for_each_address(
    store: Store, network: Callable[..., Fetcher]
) -> None:
    filled(store, network(feed=rss("Neural audio codecs", "Bread")))
    assert one_digest(store).counts == {"issues": 1, "messages": 2}
    assert one_digest(store).counts == {"issues": 0, "messages": 0}
    issue = store.last_issue("me")
    assert issue is not None
    assert (issue.period, issue.picks, issue.since) == ("2026-W48", 1, NOW - timedelta(days=7))
    assert {row.recipient for row in store.outbox()} == {"me@example.org", "you@example.org"}


def test_the_next_issue_begins_where_the_last_ended_and_shows_nothing_twice(
    store: Store, network: Callable[..., Fetcher]
) -> None:
    filled(store, network(feed=rss("Neural audio codecs")))
    one_digest(store)
    week = NOW + timedelta(days=7)
    late = NOW - timedelta(days=6)  # dated before the first issue, and first seen after it
    filled(store, network(feed=rss("Neural audio codecs", "Speech recognition", day=late)), week)
    assert one_digest(store, week).counts["issues"] == 1
    issue = store.last_issue("me")
    assert issue is not None
    assert (issue.since, issue.until, issue.picks) == (NOW, week, 1)


def test_an_extra_issue_counts_as_shown_and_the_scheduled_one_still_comes(
    store: Store, network: Callable[..., Fetcher]
) -> None:
    saturday = NOW - timedelta(days=2)
    filled(store, network(feed=rss("Neural audio codecs", day=saturday - timedelta(days=1))), saturday)
    assert one_digest(store, saturday, force=True).counts["issues"] == 1
    assert one_digest(store, saturday).counts["issues"] == 0
    filled(store, network(feed=rss("Neural audio codecs", "Speech recognition", day=saturday)))
    assert one_digest(store).counts["issues"] == 1
    periods = [(issue.period, issue.picks) for issue in store.issues("me")]
    assert sorted(periods) == [("2026-W48", 1), ("manual-20261121T090000Z", 1)]


def test_an_empty_week_opens_an_issue_without_mail_and_a_broken_one_tells(
    store: Store, network: Callable[..., Fetcher]
) -> None:
    filled(store, network(feed=rss("Bread")))
    assert one_digest(store).counts == {"issues": 1, "messages": 0}
    week = NOW + timedelta(days=7)
    filled(store, network(feed=500), week)
    assert one_digest(store, week).counts == {"issues": 1, "messages": 2}


def test_history_is_no_news(store: Store, network: Callable[..., Fetcher]) -> None:
    filled(store, network(feed=rss("Neural audio codecs", day=NOW - timedelta(days=300))))
    one_digest(store)
    assert store.outbox() == []


def test_a_model_that_cannot_be_loaded_stops_the_step_and_opens_nothing(
    store: Store, network: Callable[..., Fetcher]
) -> None:
    class Missing(WordEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            raise EmbedError("no such model")

    filled(store, network(feed=rss("Neural audio codecs")))
    with pytest.raises(EmbedError):
        pipeline.digest(store, Missing(), Renderer("d@example.org"), [ME], ["blog"], now=NOW)
    assert store.last_issue("me") is None


# --- deliver


@pytest.fixture
def outbox(store: Store, network: Callable[..., Fetcher]) -> Store:
    filled(store, network(feed=rss("Neural audio codecs")))
    one_digest(store)
    return store


def test_every_message_is_sent_once(outbox: Store) -> None:
    mailer = ListMailer()
    assert pipeline.deliver(outbox, mailer, now=NOW).counts == {"sent": 2}
    assert [message.to for message in mailer.sent] == ["me@example.org", "you@example.org"]
    assert pipeline.deliver(outbox, mailer, now=NOW).counts == {"sent": 0}
    assert outbox.outbox_counts() == {"sent": 2}


def test_a_temporary_refusal_is_tried_again_later_with_the_same_bytes(outbox: Store) -> None:
    mailer = ListMailer(DeliveryError("451 try later"))
    first = pipeline.deliver(outbox, mailer, now=NOW)
    assert first.counts == {"sent": 1, "deferred": 1}
    assert "next try 2026-11-23 09:05 UTC" in first.troubles[0]
    assert pipeline.deliver(outbox, mailer, now=NOW + timedelta(minutes=4)).counts["sent"] == 0
    assert pipeline.deliver(outbox, mailer, now=NOW + timedelta(minutes=5)).counts["sent"] == 1
    assert mailer.tried[0] == mailer.sent[-1]


def test_a_temporary_refusal_is_given_up_after_two_days(outbox: Store) -> None:
    mailer = ListMailer(*[DeliveryError("451 try later")] * 200)
    now, waits = NOW, 0
    while "deferred" in outbox.outbox_counts() or "queued" in outbox.outbox_counts():
        pipeline.deliver(outbox, mailer, now=now)
        now, waits = now + timedelta(minutes=5), waits + 1
        assert now < NOW + timedelta(hours=49)
    assert now > NOW + timedelta(hours=43)
    assert outbox.outbox_counts() == {"failed": 2}


def test_a_permanent_refusal_is_told_and_not_repeated(outbox: Store) -> None:
    mailer = ListMailer(DeliveryError("550 no such user", permanent=True))
    first = pipeline.deliver(outbox, mailer, now=NOW)
    assert first.counts == {"sent": 1, "refused": 1}
    assert "550 no such user" in first.troubles[0]
    assert pipeline.deliver(outbox, mailer, now=NOW + timedelta(days=1)).counts == {"sent": 0}


def test_a_refused_login_stops_the_run_and_loses_nothing(outbox: Store) -> None:
    mailer = ListMailer(DeliveryError("535 bad login", stop=True, untried=True))
    first = pipeline.deliver(outbox, mailer, now=NOW)
    assert first.counts == {"sent": 0}
    assert first.troubles == ["535 bad login; the messages wait"]
    assert len(mailer.tried) == 1
    assert outbox.outbox_counts() == {"queued": 2}
    assert pipeline.deliver(outbox, ListMailer(), now=NOW).counts == {"sent": 2}


def test_what_a_crash_left_claimed_is_sent_again(outbox: Store) -> None:
    (claimed,) = outbox.claim(NOW, "dead", timedelta(minutes=15))
    assert outbox.mark_data_sent(claimed.id, NOW, worker="dead", lease=timedelta(minutes=15))
    mailer = ListMailer()
    assert pipeline.deliver(outbox, mailer, now=NOW).counts == {"sent": 2}
    assert claimed.message in mailer.sent


def test_stop_finishes_the_message_in_hand(outbox: Store) -> None:
    mailer = ListMailer()
    assert pipeline.deliver(outbox, mailer, now=NOW, stop=lambda: bool(mailer.sent)).counts == {"sent": 1}


# --- backfill


class History(Source):
    """Keeps a history of one entry a day; fails on the days in `broken`."""

    broken: frozenset[str] = frozenset()

    def visit(self, fetcher: Fetcher, cursor: Cursor | None, now: datetime) -> Batch:
        return Batch(entries=(), cursor={})

    def parse(self, body: bytes, now: datetime) -> list[Entry]:
        return []

    def slices(self, window: Window) -> tuple[Window, ...]:
        days = (window.last - window.first).days + 1
        return tuple(Window(day, day) for day in (window.first + timedelta(days=i) for i in range(days)))

    def backfill(self, fetcher: Fetcher, piece: Window, window: Window, now: datetime) -> Batch:
        from aggregator.errors import ParseError

        if str(piece.first) in self.broken:
            raise ParseError("not today")
        published = datetime.combine(piece.first, datetime.min.time(), UTC)
        entry = Entry(key=f"id:h:{piece.first}", kind="paper", title=f"{piece.first}", url="", published=published)
        return Batch(entries=(entry,), cursor={})


def test_backfill_is_taken_up_where_it_failed(store: Store, network: Callable[..., Fetcher]) -> None:
    window = Window(date(2026, 1, 1), date(2026, 1, 5))
    broken = History(name="history", broken=frozenset({"2026-01-03"}))
    outcome, results = backfill(store, network(), [broken, feed()], window, clock=lambda: NOW)
    assert [result.state for result in results] == ["done", "done", "failed"]
    assert "2026-01-03" in outcome.troubles[0]
    _, again = backfill(store, network(), [History(name="history")], window, clock=lambda: NOW)
    assert [result.state for result in again] == ["before", "before", "done", "done", "done"]
    assert sum(result.new for result in again) == 5


def test_a_young_slice_is_asked_again_on_another_day(store: Store, network: Callable[..., Fetcher]) -> None:
    window = Window((NOW - timedelta(days=20)).date(), NOW.date())
    history = History(name="history")
    backfill(store, network(), [history], window, clock=lambda: NOW)
    _, tomorrow = backfill(store, network(), [history], window, clock=lambda: NOW + timedelta(days=1))
    assert [result.state for result in tomorrow] == ["before"] * 6 + ["done"] * 15


def test_clock_of_the_fakes_moves_only_when_somebody_sleeps() -> None:
    clock = Clock()
    clock.sleep(3)
    assert clock() == 1003.0


# --- sources that are gone, that fail for long, that change their minds


def test_a_source_that_is_gone_is_told_and_left_alone_until_its_options_change(
    store: Store, network: Callable[..., Fetcher]
) -> None:
    outcome = pipeline.collect(store, network(feed=410), [feed()], now=NOW)
    assert "gone for good" in outcome.troubles[0]
    assert "not asked again until its options change" in outcome.troubles[0]
    later = NOW + timedelta(days=40)
    assert pipeline.collect(store, network(feed=rss("Bread")), [feed()], now=later).counts["sources"] == 0
    (state,) = store.sources(["blog"])
    assert state.gone
    assert [health.state for health in store.health(["blog"], NOW - timedelta(days=1), NOW)] == ["gone"]
    moved = feed(url=OTHER)
    assert pipeline.collect(store, network(other=rss("Bread")), [moved], now=later).counts["sources"] == 1
    (state,) = store.sources(["blog"])
    assert not state.gone


def test_after_a_week_of_failures_the_owner_is_told_for_how_long(store: Store, network: Callable[..., Fetcher]) -> None:
    troubles = []
    now = NOW
    while now < NOW + timedelta(days=9):
        troubles += pipeline.collect(store, network(feed=500), [feed()], now=now).troubles
        now += timedelta(hours=1)
    assert "failing for" not in troubles[0]
    assert "failing for 8 days" in troubles[-1]


def test_an_extra_source_is_visited_before_its_time_unless_it_just_was(
    store: Store, network: Callable[..., Fetcher]
) -> None:
    fetcher = network(feed=rss("Bread"))
    pipeline.collect(store, fetcher, [feed()], now=NOW)
    soon = pipeline.collect(store, fetcher, [feed()], now=NOW + timedelta(minutes=59), extra=["blog"])
    later = pipeline.collect(store, fetcher, [feed()], now=NOW + timedelta(minutes=60), extra=["blog"])
    assert (soon.counts["sources"], later.counts["sources"]) == (0, 1)
