"""words: the Hub's names for tasks, libraries and languages, and what is said of a work in plain words.

The pipelines are those of PIPELINE_DATA in huggingface.js, packages/tasks; languages are ISO 639-1.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from aggregator import text

PIPELINES = frozenset(
    re.findall(
        r"\S+",
        """any-to-any audio-classification audio-text-to-text audio-to-audio automatic-speech-recognition
        depth-estimation document-question-answering feature-extraction fill-mask graph-ml
        image-classification image-feature-extraction image-segmentation image-text-to-image
        image-text-to-text image-text-to-video image-to-3d image-to-image image-to-text image-to-video
        keypoint-detection mask-generation multiple-choice object-detection question-answering
        reinforcement-learning robotics sentence-similarity summarization table-question-answering
        table-to-text tabular-classification tabular-regression tabular-to-text text-classification
        text-generation text-ranking text-retrieval text-to-3d text-to-audio text-to-image text-to-speech
        text-to-video text2text-generation time-series-forecasting token-classification translation
        unconditional-image-generation video-classification video-text-to-text video-to-video
        visual-document-retrieval visual-question-answering voice-activity-detection zero-shot-classification
        zero-shot-image-classification zero-shot-object-detection""",
    )
)
_SHORT = {
    "asr": "automatic-speech-recognition", "stt": "automatic-speech-recognition",
    "speech-to-text": "automatic-speech-recognition", "speech-recognition": "automatic-speech-recognition",
    "tts": "text-to-speech", "vad": "voice-activity-detection",
}  # fmt: skip

_LANGUAGES: dict[str, str] = dict(
    re.findall(
        r"(\w+)=(\w+)",
        """af=Afrikaans am=Amharic ar=Arabic as=Assamese az=Azerbaijani be=Belarusian bg=Bulgarian bn=Bengali
    bo=Tibetan br=Breton bs=Bosnian ca=Catalan cs=Czech cy=Welsh da=Danish de=German el=Greek en=English eo=Esperanto
    es=Spanish et=Estonian eu=Basque fa=Persian fi=Finnish fo=Faroese fr=French fy=Frisian ga=Irish gd=Gaelic
    gl=Galician gu=Gujarati ha=Hausa he=Hebrew hi=Hindi hr=Croatian ht=Haitian hu=Hungarian hy=Armenian id=Indonesian
    ig=Igbo is=Icelandic it=Italian ja=Japanese jv=Javanese ka=Georgian kk=Kazakh km=Khmer kn=Kannada ko=Korean
    ku=Kurdish ky=Kyrgyz lb=Luxembourgish lg=Ganda ln=Lingala lo=Lao lt=Lithuanian lv=Latvian mg=Malagasy mi=Maori
    mk=Macedonian ml=Malayalam mn=Mongolian mr=Marathi ms=Malay mt=Maltese my=Burmese nb=Norwegian ne=Nepali nl=Dutch
    nn=Norwegian no=Norwegian oc=Occitan om=Oromo or=Odia pa=Punjabi pl=Polish ps=Pashto pt=Portuguese qu=Quechua
    ro=Romanian ru=Russian rw=Kinyarwanda sa=Sanskrit sd=Sindhi si=Sinhala sk=Slovak sl=Slovenian sn=Shona so=Somali
    sq=Albanian sr=Serbian st=Sotho su=Sundanese sv=Swedish sw=Swahili ta=Tamil te=Telugu tg=Tajik th=Thai ti=Tigrinya
    tk=Turkmen tl=Tagalog tn=Tswana tr=Turkish ts=Tsonga tt=Tatar ug=Uyghur uk=Ukrainian ur=Urdu uz=Uzbek
    vi=Vietnamese wo=Wolof xh=Xhosa yi=Yiddish yo=Yoruba yue=Cantonese zh=Chinese zu=Zulu
    multilingual=many""",
    )
)
_NOUNS = {"models": "model", "datasets": "dataset", "spaces": "Space"}
_TASK = re.compile(r"task_categories:([\w-]{1,60})")
_TECHNICAL = re.compile(
    r"[a-z_]+:.*|\d+-?bit|fp\d+|bf16|gguf|safetensors|pytorch|jax|tf|onnx|rust|mlx|custom_code|imatrix|eval-results"
    r"|autotrain_compatible|endpoints_compatible|text-(?:generation|embeddings)-inference|model-index|static|docker"
    r"|gradio|streamlit|compressed-tensors",
    re.IGNORECASE,
)
_MOST_LANGUAGES = 12
_MOST_WORDS = 15
_MOST_SOURCES = 4


@dataclass(frozen=True, slots=True)
class Facts:
    """What the API says of a work; `tags` as it gives them, `about` the owner's own words if there are any."""

    what: str
    owner: str
    task: str
    library: str
    tags: tuple[str, ...]
    about: str

    @property
    def tasks(self) -> tuple[str, ...]:
        """The pipelines it belongs to; a dataset names them in its tags."""
        named = (match[1] for tag in self.tags if (match := _TASK.fullmatch(tag)))
        return tuple(dict.fromkeys(task for task in (self.task, *named) if task))


def pipeline(name: str) -> str:
    """The pipeline's name on the Hub. Raises ValueError with the nearest right one."""
    plain = "-".join(name.lower().replace("_", "-").split())
    if plain in PIPELINES:
        return plain
    near = [_SHORT[plain]] if plain in _SHORT else get_close_matches(plain, sorted(PIPELINES), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "see https://huggingface.co/tasks"
    raise ValueError(f"{name!r} is no pipeline of the Hub; {hint}")


def sentence(facts: Facts) -> str:
    """What is known of a work in plain words, so that it can be compared with an interest.

    Only what stays the same: downloads and likes are counted in the signals, since a text that changes with every
    visit would be embedded anew every time.
    """
    task = ", ".join(spoken(task) for task in facts.tasks)
    begin = f"{task[:1].upper()}{task[1:]} {_NOUNS[facts.what]}".strip()
    begin = begin if task else begin[:1].upper() + begin[1:]
    parts = [f"{begin} by {facts.owner}" if facts.owner else begin]
    parts += [f"for {clean}"] if (clean := text.fold(facts.library)[:60]) else []
    parts += [f"in {_joined(names)}"] if (names := languages(facts.tags)) else []
    sentences = [" ".join(parts), *([facts.about.rstrip(".")] if facts.about else [])]
    sentences += [f"License {terms[0]}"] if (terms := _values(facts.tags, "license")) else []
    sentences += [f"Made from {_joined(bases)}"] if (bases := _bases(facts.tags)) else []
    sentences += [f"Trained on {_joined(data)}"] if (data := _values(facts.tags, "dataset")[:_MOST_SOURCES]) else []
    sentences += [f"Tags: {', '.join(words)}"] if (words := _words(facts)) else []
    return ". ".join(sentences) + "."


def spoken(name: str) -> str:
    """A pipeline's name as one says it: "text to speech"; the last hyphens of "zero-shot" and the like stay."""
    return text.fold(name.replace("-", " ").replace("zero shot", "zero-shot"))


def languages(tags: Iterable[str]) -> list[str]:
    """The languages that the tags name, in words, each once; codes that are not known are left out."""
    codes = (tag.removeprefix("language:") for tag in tags)
    found = list(dict.fromkeys(_LANGUAGES[code] for code in codes if code in _LANGUAGES))
    named = [name for name in found if name != "many"]
    if len(named) > _MOST_LANGUAGES:
        return [f"{len(named)} languages"]
    return named or (["many languages"] if found else [])


def _bases(tags: Iterable[str]) -> list[str]:
    """The works it was made from: "base_model:ID", which further tags repeat as "base_model:finetune:ID"."""
    return [base for base in _values(tags, "base_model") if ":" not in base][:_MOST_SOURCES]


def _words(facts: Facts) -> list[str]:
    """The tags that are words about the work, not about its files; the owner gives them freely."""
    told = {facts.task, facts.library, *_LANGUAGES}
    free = (tag for tag in facts.tags if tag not in told and not _TECHNICAL.fullmatch(tag))
    folded = (text.fold(tag)[:60] for tag in free)
    return [tag for tag in dict.fromkeys(folded) if tag][:_MOST_WORDS]


def _values(tags: Iterable[str], name: str) -> list[str]:
    start = f"{name}:"
    found = (text.fold(tag.removeprefix(start))[:100] for tag in tags if tag.startswith(start))
    return list(dict.fromkeys(value for value in found if value))


def _joined(words: list[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
