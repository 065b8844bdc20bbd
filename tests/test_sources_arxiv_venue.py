"""The venue that a comment names: comments as authors write them, in words of our own."""

import time

import pytest

from aggregator.sources._venue import venue

COMMENTS = [
    ("Accepted at Interspeech 2026", "Interspeech 2026"),
    ("Accepted to INTERSPEECH 2025, 5 pages, 3 figures", "Interspeech 2025"),
    ("5 pages. Accepted by Inter Speech 2025", "Interspeech 2025"),
    ("Interspeech 2026", "Interspeech 2026"),
    ("Proc. Interspeech'24", "Interspeech 2024"),
    ("To appear in ICASSP 2026", "ICASSP 2026"),
    ("IEEE ICASSP 2026; code at https://example.org/x", "ICASSP 2026"),
    ("4 pages + 1 reference, accepted for presentation at 2026 IEEE ICASSP", "ICASSP 2026"),
    ("ICASSP-2025 camera-ready version", "ICASSP 2025"),
    ("accepted in ASRU2025", "ASRU 2025"),
    ("Accepted to IEEE SLT 2026", "SLT 2026"),
    ("WASPAA 2025 (oral)", "WASPAA 2025"),
    ("Published at ISMIR (2025), Daejeon", "ISMIR 2025"),
    ("DCASE Workshop 2025", "DCASE 2025"),
    ("Accepted to DCASE 2025 Workshop", "DCASE 2025"),
    ("Accepted to TASLP", "TASLP"),
    ("Accepted by IEEE/ACM Transactions on Audio, Speech, and Language Processing", "TASLP"),
    ("Published in IEEE TASLPRO, 2026", "TASLP 2026"),
    ("ACL 2026 main conference, 18 pages", "ACL 2026"),
    ("Accepted to Findings of ACL 2026", "Findings of ACL 2026"),
    ("EMNLP 2025 Findings", "EMNLP 2025"),
    ("Findings of EMNLP, 2025", "Findings of EMNLP 2025"),
    ("NAACL-HLT 2025 (long paper)", "NAACL 2025"),
    ("39th Conference on Neural Information Processing Systems (NeurIPS 2025)", "NeurIPS 2025"),
    ("Published as a conference paper at ICLR 2026", "ICLR 2026"),
    ("ICML '26 spotlight", "ICML 2026"),
    ("Rejected from ICASSP 2025; accepted at Interspeech 2025", "Interspeech 2025"),
    ("Originally submitted to ICASSP 2026. Accepted at TASLP", "TASLP"),
    ("Submitted to Interspeech 2026 and accepted", "Interspeech 2026"),
    ("This work was presented at AAAI 2026", "AAAI 2026"),
    # what names none, or none that is decided
    ("Submitted to Interspeech 2026", ""),
    ("Under review at ICASSP 2027", ""),
    ("5 pages, 3 figures, submission to IEEE SLT 2026", ""),
    ("Journal version of our ICASSP 2023 paper", ""),
    ("Extended version of a paper accepted at ICASSP 2023", ""),
    ("12 pages, 4 tables", ""),
    ("Uses the ICLR style file", ""),
    ("System for the DCASE 2025 challenge", ""),
    ("Work in progress", ""),
    ("Reconstruction of the ACL by ultrasound, accepted in a medical journal", ""),
    ("Accepted to IEEE/ACM TASLP, with a demo page", "TASLP"),
    ("Accepted at the 27th International Conference on Speech (ICASSP)", "ICASSP"),
    ("Tools for oracle bone slt files, 2026", ""),
    ("", ""),
]


@pytest.mark.parametrize(("comment", "named"), COMMENTS, ids=lambda text: text[:40])
def test_comments(comment: str, named: str) -> None:
    assert venue(comment) == named


def test_a_journal_reference_is_decided() -> None:
    assert venue("Proc. ASRU, pp. 1-8", cited=True) == "ASRU"
    assert venue("IEEE Trans. on Audio, Speech, and Language Processing 33 (2026) 1-12", cited=True) == "TASLP"
    assert venue("Phys. Rev. D 12, 345 (2026)", cited=True) == ""


def test_hostile_comments_take_no_time() -> None:
    start = time.perf_counter()
    for piece in ("Findings of ", "2026 ", "accepted, ", "ACL ", "((((", ". A", "IEEE/ACM Trans. on Audio "):
        venue(piece * 100_000)
    assert time.perf_counter() - start < 1
