"""Names of works, links, plain text and TeX: examples first, then properties over anything."""
# ruff: noqa: RUF001

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import text

ANYTHING = st.text(st.characters(), max_size=300)
MARKUP = st.lists(
    st.sampled_from(["<p>", "</p", "<a href='x", '"', ">", "<!--", "-->", "<script>", "</script>", "<![CDATA[", "]]>"])
    | st.sampled_from(["&amp;", "&#", "&#x110000;", "&lt;b&gt;", "<br/>", "word", " ", "\n", "\0", "\u202e", "\ud800"]),
    max_size=40,
).map("".join)
TEX = st.lists(
    st.sampled_from(
        ["$", "{", "}", "\\", "\\frac", "\\alpha", "^", "_", "~", "%", "--", "\\begin{x}", "\\end{x}", "[", "]"]
    )
    | st.sampled_from(
        ["\\href", "\\(", "\\)", "\\textbf{", "a", " ", "2", "\\'", "\\verb|", "\\item", "&", "#", "\n\n"]
    ),
    max_size=30,
).map("".join)
LINKS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP", "ftp"]),
    st.sampled_from(["www.", "www.www.", "", "user:pw@", "WWW."]),
    st.sampled_from(
        ["example.org", "Example.ORG:80", "example.org:443", "example.org:8080", "www.com", "[::1]", "köln.de"]
    ),
    st.lists(st.sampled_from(["/", "a", "%41", "%zz", "ä", " ", "//", ".."]), max_size=6).map("".join),
    st.lists(
        st.sampled_from(["?", "#", "&", "a=1", "utm_source=x", "b", "=", "+", "%20", "%ff", "ref=y"]), max_size=8
    ).map("".join),
)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("2501.01234", "2501.01234"),
        (" 2501.01234v12 ", "2501.01234"),
        ("arXiv:2501.01234v2", "2501.01234"),
        ("oai:arXiv.org:2203.01250v3", "2203.01250"),
        ("http://arxiv.org/abs/2501.01234v1", "2501.01234"),
        ("https://www.arxiv.org/pdf/2501.01234v2.pdf", "2501.01234"),
        ("https://arxiv.org/html/2501.01234?x=1#s", "2501.01234"),
        ("https://export.arxiv.org/abs/cs/0501018v1", "cs/0501018"),
        ("https://arxiv.org/abs/math.GT/0309136", "math/0309136"),
        ("https://alphaxiv.org/abs/2501.01234", "2501.01234"),
        ("https://www.alphaxiv.org/overview/2501.01234v2", "2501.01234"),
        ("https://huggingface.co/papers/2501.01234", "2501.01234"),
        ("https://ar5iv.labs.arxiv.org/html/2501.01234", "2501.01234"),
        ("https://doi.org/10.48550/arXiv.2501.01234", "2501.01234"),
        ("doi:10.48550/ARXIV.2501.01234", "2501.01234"),
        ("https://example.org/abs/2501.01234", None),
        ("https://huggingface.co/someone/2501.01234", None),
        ("https://arxiv.org/list/cs.SD/new", None),
        ("2513.01234", None),
        ("a paper, 2501.01234, and more", None),
        ("https://doi.org/10.1000/2501.01234", None),
        ("", None),
    ],
)
def test_arxiv_id(given_: str, expected: str | None) -> None:
    assert text.arxiv_id(given_) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://arxiv.org/pdf/2501.01234v2", "arxiv:2501.01234"),
        ("https://doi.org/10.48550/arXiv.2501.01234", "arxiv:2501.01234"),
        ("http://dx.doi.org/10.1109/TASLP.2021.3122291", "doi:10.1109/taslp.2021.3122291"),
        ("https://doi.org/10.1000%2Fa", "doi:10.1000/a"),
        ("https://doi.org/", "url:https://doi.org"),
        ("http://www.Example.org/a/?utm_source=x&b=2&a=1#top", "url:https://example.org/a?a=1&b=2"),
    ],
)
def test_key_of(url: str, expected: str) -> None:
    assert text.key_of(url) == expected


def test_canonical_is_one_spelling() -> None:
    spellings = [
        "http://example.org/a%20b?x=1&y=",
        "https://www.example.org:443/a b/?y=&x=1&fbclid=z&mc_cid=1#part",
        "HTTP://user:pw@EXAMPLE.org:80/a%20b/?gclid=1&y&x=1&UTM_Source=s",
    ]
    assert {text.canonical(url) for url in spellings} == {"https://example.org/a%20b?x=1&y="}
    assert text.canonical("http://example.org:8080/") == "https://example.org:8080"
    assert text.canonical("http://[::1]:80/x") == "https://[::1]/x"
    assert text.canonical("mailto:a@example.org ") == "mailto:a@example.org"
    assert text.canonical("http://[broken/") == "http://[broken/"
    assert text.canonical("https://example.org/?reference=1") == "https://example.org?reference=1"


def test_safe_link() -> None:
    assert text.safe_link(" https://example.org/a b\n") == "https://example.org/a%20b"
    for bad in ("javascript:alert(1)", "java\nscript:alert(1)", "//example.org/x", "/x", "https://", "file:///etc", ""):
        assert text.safe_link(bad) == ""
    assert text.safe_link("data:text/html,x") == text.safe_link("https://example.org/" + "a" * 5000) == ""


@given(LINKS | ANYTHING)
def test_links_never_fail(url: str) -> None:
    once = text.canonical(url)
    assert text.canonical(once) == once
    assert text.key_of(url)
    safe = text.safe_link(url)
    assert text.safe_link(safe) == safe
    if safe:
        assert text.key_of(safe) == text.key_of(url)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>One &amp; <b>two</b></p><ul><li>three</li><li>four</li></ul>", "One & two\nthree\nfour"),
        ("a<br>b<br/>c\nd", "a\nb\nc\nd"),
        ("<style>p{}</style>x<script>if (a<b) {}</script>y<!-- <p>no</p> -->z", "x\ny z"),
        ("1 < 2 and a<b", "1 < 2 and a<b"),
        ("&lt;b&gt; stays, <img alt='a > b' src=x> goes", "<b> stays, goes"),
        ("<think>so</think> and <eos>, <g-emoji>x</g-emoji><o:p>y</o:p>", "<think>so</think> and <eos>, xy"),
        ("<![CDATA[a <b>]]> c", "a <b> c"),
        ("a\x00b\x1fc\u202ed\u2028e\ud800f &#0; &#xD800; &#99999999999999999999;", "abcd\nef \ufffd \ufffd \ufffd"),
        ("<script>never closed", ""),
        ("", ""),
    ],
)
def test_plain(markup: str, expected: str) -> None:
    assert text.plain(markup) == expected


def test_plain_looks_at_no_more_than_the_limit() -> None:
    assert text.plain("<b>abc</b>def", limit=6) == "abc"


@given(ANYTHING | MARKUP)
def test_plain_never_fails_and_leaves_clean_text(markup: str) -> None:
    clean = text.plain(markup)
    clean.encode("utf-8")
    assert all(text.fold(line) == line != "" for line in clean.splitlines())


@pytest.mark.parametrize(
    "piece",
    [
        "<a '",
        "<a \"'",
        "<!--",
        "</script",
        "<script></script ",
        "<",
        "&",
        "&#1",
        "<![CDATA[",
        "<x",
        "<x>",
        "<a 'x>",
        "<!",
        "]]>",
    ],
)
def test_plain_takes_linear_time(piece: str) -> None:
    start = time.process_time()
    text.plain(piece * (64_000 // len(piece)) + ">")
    assert time.process_time() - start < 1


@given(ANYTHING)
def test_fold_is_one_clean_line(line: str) -> None:
    folded = text.fold(line)
    assert text.fold(folded) == folded
    assert not any(c in folded for c in "\n\r\t\x00\u2028\u2029\u202e")
    folded.encode("utf-8")


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"$O(n\log n)$", "O(n log n)"),
        (r"$\alpha$-mix", "α-mix"),
        (r"\textit{x} and \texttt{y}", "x and y"),
        (r"{\"o} Erd\H{o}s, Fran\c{c}ois", "ö Erdős, François"),
        (r"$\mathbb{R}^d$", "ℝᵈ"),
        (r"10\% and 5% of $\approx$90\%", "10% and 5% of ≈90%"),
        ("TED-LIUM~3 at 5~dB, ~50 of them", "TED-LIUM 3 at 5 dB, ~50 of them"),
        ("words -- more--or---less, pages 1--2, a --flag", "words – more–or—less, pages 1–2, a --flag"),
        ("$5 million and $6", "$5 million and $6"),
        ("a $50K budget, $5-$10 an hour", "a $50K budget, $5-$10 an hour"),
        ("CO$_2$, $x^2$, $10^{-3}$, $L^{-1/2}$, 5$^{th}$", "CO₂, x², 10⁻³, L^(-1/2), 5th"),
        (r"$25.7^\circ$C", "25.7°C"),
        (r"$a<b$ and $c>d$", "a<b and c>d"),
        (r"\href{https://example.org/a_b}{the code}", "the code"),
        (r"\method{} beats \model by \foo{much}", "method beats model by much"),
        (r"\(\alpha\) and \[x^2\]", "α and x²"),
        ("A {DOPE} set {a, b}", "A DOPE set {a, b}"),
        ("``quoted''", "“quoted”"),
        (r"https://example.org/~me/a_b%20c is \emph{here}", "https://example.org/~me/a_b%20c is here"),
        (r"\textbf{never closed", "never closed"),
        ("folded\n  over   lines", "folded over lines"),
        ("plain & simple #1, 100%", "plain & simple #1, 100%"),
        (r"AT\&T \& co", "AT&T & co"),
    ],
)
def test_unicode(tex: str, expected: str) -> None:
    assert text.unicode(tex) == expected


@settings(max_examples=300)
@given(ANYTHING | TEX)
def test_unicode_never_fails(tex: str) -> None:
    assert text.fold(text.unicode(tex)) == text.unicode(tex)


@pytest.mark.parametrize("piece", ["\\", "$", "$a", "\\frac", "\\begin{", "^{", "{", "{a^", "\\(", "$x$1"])
def test_unicode_takes_no_long_time(piece: str) -> None:
    start = time.process_time()
    text.unicode(piece * (8000 // len(piece)))
    assert time.process_time() - start < 1


def test_cut() -> None:
    words = "One sentence. Another one follows here, e.g. this one. And a third."
    assert text.cut(words, 100) == words
    assert text.cut(words, 60) == "One sentence. Another one follows here, e.g. this one."
    assert text.cut(words, 48) == "One sentence. Another one follows here, e.g.…"
    assert text.cut(words, 20) == "One sentence."
    assert text.cut("Word " * 10, 12) == "Word Word…"
    assert text.cut("x" * 50, 10) == "x" * 9 + "…"
    assert text.cut("一句话。另一句话在这里。", 6) == "一句话。"
    assert text.cut("abc", 0) == ""
    long = (
        f"A first sentence of more than eighty characters, which says what all of the paper is about. {'And on ' * 60}"
    )
    assert text.cut(long, 300) == long.partition(" And")[0], "the last whole sentence, if it says enough"
    assert text.cut("Nine words about speech now. https://e.org/b", 40) == "Nine words about speech now."


@pytest.mark.parametrize(
    ("words", "limit", "expected"),
    [
        ("It follows Smith et al. (2020) and goes on and on and on.", 30, "It follows Smith et al.…"),
        ("See it in Fig. 2 of the paper, which is long.", 16, "See it in Fig.…"),
        ("It runs 3.5 times as fast as before.", 12, "It runs 3.5…"),
        ("Written by J. Doe of some place far away.", 16, "Written by J.…"),
        ("One of many, i.e. a short sentence of words.", 20, "One of many, i.e. a…"),
        ("It works vs. the others. And so on, it says.", 26, "It works vs. the others."),
        ("Is it so? Yes! And then more words.", 16, "Is it so? Yes!"),
        ('He said "stop!" and went on for long.', 18, 'He said "stop!"…'),
        ("He left (at last.) Then came others.", 20, "He left (at last.)"),
        ("First. Then a very long sentence follows.", 22, "First. Then a very…"),
        ("A 面向低资源语言的流式语音识别方法", 10, "A 面向低资源语言…"),
        ("Na\u0301" * 9, 5, "Na\u0301N…"),
        ("Z" + "\u0301" * 9, 5, "…"),
        ("ab 👩\u200d🔬👩\u200d🔬👩\u200d🔬", 6, "ab…"),
        ("abcd👩\u200d🔬👩\u200d🔬", 7, "abcd…"),
        ("ก็ดีมากจริงๆ", 3, "ก็…"),
        ("words https://example.org/a-very-long-address", 22, "words https://example…"),
    ],
)
def test_cuts_are_accurate(words: str, limit: int, expected: str) -> None:
    assert text.cut(words, limit) == expected


@given(ANYTHING, st.integers(0, 60))
def test_cut_is_never_longer(words: str, limit: int) -> None:
    assert len(text.cut(words, limit)) <= limit
