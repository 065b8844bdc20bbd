"""A week's digest for the tests of compose and render: real titles, authors and ids; every sentence is our own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aggregator.compose import compose
from aggregator.model import Candidate, Digest, Entry, Kind, Profile, Ranked, Reason, Sighting, SourceHealth, Summary
from aggregator.text import sentences, unicode

SINCE = datetime(2026, 11, 14, 7, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)
STREAMING = "Streaming speech recognition"
CODECS = "Neural audio codecs and tokens"
DEEPFAKES = "Audio deepfake detection"
MODELS = "Speech language models"

PROFILE = Profile(
    name="speech",
    email=("kim@example.org",),
    schedule="weekly sat 08:00",
    timezone="Europe/Berlin",
    interests=(STREAMING, CODECS, DEEPFAKES, MODELS),
    max_entries=18,
)

HOSTILE = (
    "<script>alert(1)</script> & <img src=x onerror=alert(2)>",
    "On a<b and c>d: when $a<b$ holds & \"quotes\" 'too'",
    "=?utf-8?q?hello=0D=0ABcc=3A_evil=40x.org?=",
    "line one\r\nBcc: evil@example.org\r\n\r\nbody\x00\x1b[31m\u2028\u2029\u0085end",
    "面向低资源语言的流式语音识别\uff1a一种统一的自监督方法\uff0c兼顾延迟与准确率\uff0c并在十二种语言上进行了评估",
    "التعرف على الكلام العربي في الوقت الحقيقي باستخدام الشبكات العصبية",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324" * 9 + " vowels: é e\u0301 ạ̈",
    "A very long title that goes on " * 9 + "and ends",
    "Speech 🎙️ to music 🎼 with 👩‍🔬 in the loop",
    "Unbreakable" + "x" * 200,
    "\u202eevil reversed\u202c and \ud800 a lone surrogate",
    "{{ 7 * 7 }} {% raw %} and a [link](javascript:alert(1))",
)

_LONG = (
    "We look at what happens when a recogniser may see only a short part of the future. The idea is to move the "
    "attention in time so that every frame finds its context in the chunk it belongs to. On two public corpora the "
    "error falls by $12\\%$ relative at the same delay of 320 ms. An ablation shows that most of the gain comes from "
    "masking the right context at random while training. We also report the cost on a phone, where the real-time "
    "factor stays below 0.3 with a model of 30 million parameters. The code and the recipes are public. "
)


def pick(
    title: str,
    *,
    kind: Kind = "paper",
    score: float = 0.62,
    reason: str = STREAMING,
    also: str = "",
    number: str = "2611.01234",
    url: str = "",
    summary: str = _LONG,
    authors: tuple[str, ...] = ("Khanh Le", "Duc Chau"),
    upvotes: int = 0,
    code: str = "",
    source: str = "",
    day: int = 18,
) -> Ranked:
    """A ranked entry: a paper seen on arXiv, and on Hugging Face if it has upvotes; or what a feed brought."""
    is_paper = kind == "paper"
    link = url or f"https://arxiv.org/abs/{number}"
    signals: dict[str, int | str] = {"pdf": f"https://arxiv.org/pdf/{number}", "version": 2} if is_paper else {}
    sightings = [Sighting("arxiv-audio", "arxiv", link, signals)] if is_paper else [Sighting(source, "feed", link)]
    if upvotes:
        found: dict[str, int | str] = {"upvotes": upvotes, "page": f"https://huggingface.co/papers/{number}"}
        found |= {"code": code} if code else {}
        sightings.append(Sighting("hf-daily", "huggingface", link, found))
        signals = signals | found
    entry = Entry(
        key=f"arxiv:{number}" if is_paper else f"url:{link}",
        kind=kind,
        title=title,
        url=link,
        published=datetime(2026, 11, day, 9, tzinfo=UTC),
        summary=summary,
        authors=authors,
        categories=("cs.SD", "eess.AS") if is_paper else (),
        signals=signals,
    )
    reasons = [Reason("interest", text, score) for text in (reason, also) if text]
    return Ranked(Candidate(entry=entry, sightings=tuple(sightings)), score, tuple(reasons))


def week() -> list[Ranked]:
    """What a usual week brings, best first: fourteen papers, six others, and some below the threshold."""
    found = [
        pick(
            "Improving Streaming Speech Recognition With Time-Shifted Contextual Attention And Dynamic Right Context "
            "Masking",
            score=0.91, number="2502.15158", upvotes=41, code="https://github.com/khanld/chunkformer", also=MODELS,
        ),
        pick(
            "Emotional Face-to-Speech", score=0.87, reason=CODECS, number="2502.01046", upvotes=12,
            authors=("Jiaxin Ye", "Boyuan Cao", "Hongming Shan"),
            summary="A voice is made from a face and the feeling it shows. Discrete tokens of a neural codec are drawn "
            "step by step, coarse before fine. Listeners preferred it to two earlier systems.",
        ),
        pick(
            "Unmasking Deepfakes: Leveraging Augmentations and Features Variability for Deepfake Speech Detection",
            score=0.83, reason=DEEPFAKES, number="2501.05545", authors=("Inbal Rimon", "Oren Gal", "Haim Permuter"),
        ),
        pick(
            "An LLM Benchmark for Addressee Recognition in Multi-modal Multi-party Dialogue", score=0.74, reason=MODELS,
            number="2501.16643",
            authors=("Koji Inoue", "Divesh Lala", "Mikey Elmers", "Keiko Ochi", "Tatsuya Kawahara"),
        ),
        pick(
            "Baichuan-Audio: A Unified Framework for End-to-End Speech Interaction", score=0.71, reason=MODELS,
            number="2502.17239", upvotes=1, authors=("Tianpeng Li", "Jun Liu", "Tao Zhang", *("Yuanbo Fang",) * 11),
        ),
        pick("SCDiar: a streaming diarization system based on speaker change detection and speech recognition",
             score=0.66, number="2501.16641",
             authors=("Naijun Zheng", "Xucheng Wan", "Kai Liu", "Ziqing Du", "Zhou Huan")),
        pick("URO-Bench: A Comprehensive Benchmark for End-to-End Spoken Dialogue Models", score=0.64, reason=MODELS,
             number="2502.17810",
             authors=("Ruiqi Yan", "Xiquan Li", "Wenxi Chen", "Zhikang Niu", "Chen Yang", "Ziyang Ma")),
        pick("Large Model Empowered Streaming Semantic Communications for Speech Translation", score=0.58,
             number="2501.05859", authors=("Zhenzi Weng", "Zhijin Qin", "Geoffrey Ye Li")),
    ]  # fmt: skip
    found += [
        pick(f"{name}: {rest}", score=0.55 - n / 100, reason=CODECS if n % 2 else MODELS, number=f"2611.0{n}000")
        for n, (name, rest) in enumerate(
            [
                ("WavTokenizer", "an Efficient Acoustic Discrete Codec Tokenizer for Audio Language Modeling"),
                ("Mimi-Lite",
                 "Codecs at $\\leq 1$ kbps with $\\mathcal{O}(n \\log n)$ attention by Schr\\\"odinger bridges"),
                ("CardioLive", "Empowering Video Streaming with Online Cardiac Monitoring"),
                ("Moshi", "a speech-text foundation model for real-time dialogue"),
                ("X-Codec", "Codec Does Matter: Exploring the Semantic Shortcoming of Codec"),
                ("SpeechGPT", "Empowering Large Language Models with Intrinsic Cross-Modal Conversational Abilities"),
            ]
        )
    ]  # fmt: skip
    found += [
        pick(
            "What we learnt from serving speech models to a million calls", kind="post", score=0.61, source="Deepgram",
            url="https://deepgram.com/learn/serving-speech", authors=("Müller, Jürgen",), day=19,
            summary="Three months of traffic, and where the delay really comes from. It was seldom the model.",
        ),
        pick("A listening test anyone can run at home", kind="post", score=0.44, source="BAIR blog", reason=CODECS,
             url="https://bair.berkeley.edu/blog/listening", authors=(), summary="Two boxes and a script."),
        pick("torchaudio 2.9", kind="release", score=0.41, source="pytorch/audio releases", authors=(),
             url="https://github.com/pytorch/audio/releases/tag/v2.9.0", summary="", reason=STREAMING),
        pick("How neural codecs hear the world", kind="video", score=0.52, source="Two Minute Papers", reason=CODECS,
             url="https://www.youtube.com/watch?v=abc123def45", authors=(), day=17,
             summary="Eleven minutes on why a codec that is good for ears can be poor for a language model."),
        pick("Below the threshold", score=0.2, number="2611.99999"),
    ]  # fmt: skip
    found += [
        pick(
            f"Not shown {n}",
            score=0.4 - n / 2000,
            number=f"2611.7{n:04}",
            reason=PROFILE.interests[min(n % 7, 3) // (n % 2 + 1)],
        )
        for n in range(90)
    ]
    found += [pick(f"Unshown {n}", score=0.1, number=f"2611.8{n:04}") for n in range(60)]
    return sorted(found, key=lambda item: -item.score)


HEALTHY = (
    *(SourceHealth(name, "ok") for name in ("arxiv-audio", "hf-daily", "Deepgram", "BAIR blog", "Two Minute Papers")),
    *(
        SourceHealth(name, "quiet")
        for name in ("AssemblyAI", "ESPnet releases", "Interspeech", "Kyutai", "speechbrain")
    ),
)
BROKEN = (
    SourceHealth("ISCA archive", "failed", "GET https://isca-archive.example.org/feed: no answer within 30 s"),
    SourceHealth("hf-models", "partial", "days from 2026-11-18 on: HTTP 500"),
)


def digest(
    ranked: list[Ranked] | None = None,
    *,
    profile: Profile = PROFILE,
    period: str = "2026-W47",
    sources: tuple[SourceHealth, ...] = HEALTHY + BROKEN,
) -> Digest:
    """The digest of a usual week, or of the entries given."""
    found = compose(
        profile, week() if ranked is None else ranked, period=period, since=SINCE, until=NOW, sources=sources
    )
    assert found is not None
    return found


def event(name: str, day: int, *, zone: str = "AoE", sort: str = "paper", place: str = "", hour: int = 12) -> Entry:
    """A conference's deadline, so many days after NOW; at 11:59:59 UTC, which is midnight on Howland Island."""
    return Entry(
        key=f"url:https://{name.lower().partition(':')[0].replace(' ', '')}.example.org/{sort}",
        kind="event",
        title=name,
        url=f"https://{name.lower().partition(':')[0].replace(' ', '')}.example.org/",
        published=SINCE,
        due=NOW.replace(hour=0) + timedelta(days=day, hours=hour, seconds=-1),
        signals={"type": sort, "zone": zone or "UTC"} | ({} if zone else {"day": f"{NOW + timedelta(days=day):%F}"}),
        summary=place,
    )


DEADLINES = (
    event("ICASSP 2027: end of rebuttal", 3, place="Acoustics, Speech and Signals. Toronto, Canada.", sort="rebuttal"),
    event("NAACL 2027", 5, zone="UTC-12", place="Mexico City, Mexico"),
    event("ISMIR 2027", 12, zone="America/New_York", place="Singapore", sort="abstract", hour=29),
    event("WASPAA 2027", 20, zone="Europe/Berlin", place="Tahoe City, USA", hour=23),
    event("Speech meetup Amsterdam", 24, zone="", place="Science Park 904, Amsterdam", sort="event"),
    event("Interspeech 2027", 96, place="São Paulo, Brazil"),
)

MENTIONS = (
    Sighting("reddit-machinelearning", "feed", "https://www.reddit.com/r/MachineLearning/comments/1abcde/chunkformer/",
             {"points": 12, "comments": 4}),
    Sighting("AssemblyAI blog", "feed", "https://www.assemblyai.com/blog/streaming-this-month"),
    Sighting("Two Minute Papers", "feed", "https://www.youtube.com/watch?v=zzz123def45", {"views": 48_210}),
    Sighting("HF forum", "feed", "https://discuss.huggingface.co/t/chunkformer/4711"),
    Sighting("asr-weekly", "feed", "https://asr-weekly.example.org/p/47"),
    Sighting("speech-zone", "feed", "https://speech.zone/forums/topic/chunks/"),
)  # fmt: skip


SAYS_HF = Summary("Attention that moves in time & a random mask of the right context lower the error at equal delay.")


def full() -> Digest:
    """A usual week with mentions, deadlines, marked sentences, a summary and a source that is gone."""
    ranked = week()
    first, second, third, *more = ranked
    _, idea, result, *_ = sentences(unicode(_LONG))
    ranked = [
        replace(first, candidate=replace(first.candidate, mentions=MENTIONS), telling=idea),
        replace(second, candidate=replace(second.candidate, mentions=MENTIONS[:1])),
        replace(third, telling=result),
        *(
            replace(item, telling=result, gist=(idea, result), summary=None if n % 3 else SAYS_HF)
            for n, item in enumerate(more[:9])
        ),
        *more[9:],
    ]
    gone = SourceHealth("old-speech-blog", "gone", "HTTP 410")
    return replace(digest(ranked, sources=(*HEALTHY, *BROKEN, gone)), deadlines=DEADLINES)


def hostile() -> list[Ranked]:
    """Entries whose every text and link is untrusted in the worst way."""
    papers = [
        pick(title, score=0.9 - n / 100, number=f"2611.{n:05}", summary=f"{title}. {_LONG}", authors=(title, "李 明"),
             reason=STREAMING, upvotes=n, code="javascript:alert(3)")
        for n, title in enumerate(HOSTILE)
    ]  # fmt: skip
    posts = [
        pick(title, kind="post", score=0.5, source=title, url=f"data:text/html,{n}", summary=title)
        for n, title in enumerate(HOSTILE)
    ]
    return papers + posts
