"""text: sentences of a line, and machines' words made plain."""

import re

import pytest

from aggregator.text import fold, prose, sentences

ABSTRACT = (
    "Recent work by Kim et al. (2020) is fast, e.g. on a phone, vs. 3.5 s before, i.e. slow. We propose X (cf. "
    "Fig. 3 and Eq. 2). It has a WER of 2.4% on test-other! Does it scale? “It does.” Results hold for dev, test, etc. "
    "Code is at https://example.org/a.b."
)


def test_abbreviations_and_numbers_end_no_sentence() -> None:
    assert sentences(ABSTRACT) == [
        "Recent work by Kim et al. (2020) is fast, e.g. on a phone, vs. 3.5 s before, i.e. slow.",
        "We propose X (cf. Fig. 3 and Eq. 2).",
        "It has a WER of 2.4% on test-other!",
        "Does it scale?",
        "“It does.” Results hold for dev, test, etc.",
        "Code is at https://example.org/a.b.",
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("   ", 0),
        ("no stop at all", 1),
        ("A blank is lost here.Then we go on.", 2),
        ("我们提出了一种新的流式语音识别方法。并在十二种语言上进行了评估。", 2),
        ("It is shown by K. Livescu and J. Doe Jr. in Sec. 4 of vol. 2.", 1),
        ("(1)", 1),
        ("The delay is 320 ms. An error is rare. It takes 5 s. We like it so.", 4),
        ("It is 3 m. long and has 2 s. of speech.", 1),
        ("We do three things. (i)", 1),
        ("... ... ...", 1),
        ("." * 5000, 1),
    ],
)
def test_edges(text: str, number: int) -> None:
    found = sentences(text)
    assert len(found) == number
    assert all(found)


def test_sentences_are_the_whole_text() -> None:
    for text in (ABSTRACT, "A. b. C! d? " * 300, "x.Y z. Abc.Def ghi. (1) no"):
        line = fold(text)
        assert re.sub(r"\s", "", "".join(sentences(line))) == re.sub(r"\s", "", line)


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("Plain words, with 3.5 dB and wav2vec2.0.", "Plain words, with 3.5 dB and wav2vec2.0."),
        ("<think>what do they want?</think>The **answer** is `short`.", "The answer is short."),
        ("<think>never ends", ""),
        ("# Summary\n\n- one\n- two\n", "Summary one two"),
        ("See [the page](https://evil.example/x) or https://evil.example/y?z=1.", "See the page or"),
        ("Go to evil.com, www.evil.example/a or evil.example/pay now; me@evil.example.", "Go to, or now;."),
        ("![pic](data:text/html,x) click javascript:alert(1)", "pic click"),
        ("<script>alert(1)</script><b>bold</b> &amp; <img src=x onerror=y>more", "bold & more"),
        ("a\x00b\u202ec\r\nd", "abc d"),
        ("<https://evil.example/>", ""),
        ("e.g. this, i.e. that, U.S. and et al. stay", "e.g. this, i.e. that, U.S. and et al. stay"),
        ("2 * 3 * 4 and snake_case_name stay", "2 * 3 * 4 and snake_case_name stay"),
    ],
)
def test_what_a_machine_wrote_becomes_plain_words(said: str, plain: str) -> None:
    assert prose(said) == plain


@pytest.mark.timeout(20)
@pytest.mark.parametrize("bad", ["<think>", "[", "![", "a.", "*", "**a", "x@", "`", "http://", "<", "a-"])
def test_no_text_takes_long(bad: str) -> None:
    prose(bad * 20_000)
    sentences(fold(bad * 10_000))
