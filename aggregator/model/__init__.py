"""model: the values that travel between the steps. All are frozen; times are aware and in UTC.

entries.py   works as sources tell them, and what a visit brings
readers.py   who reads, what they want to read, and what they say of it
ranked.py    entries that a profile may be shown, with their scores and the reasons
digests.py   what an issue says to a profile, and the mail that it becomes
"""

from aggregator.model.digests import Digest, InterestCount, Message, Section, SourceHealth
from aggregator.model.entries import ABOUT, KINDS, Account, Added, Batch, Cursor, Entry, Kind, Window
from aggregator.model.ranked import Candidate, Ranked, Reason, Share, Sighting, Summary, Vectors
from aggregator.model.readers import PARTS, Answer, Follow, Format, Part, Profile, Seed

__all__ = [
    "ABOUT",
    "KINDS",
    "PARTS",
    "Account",
    "Added",
    "Answer",
    "Batch",
    "Candidate",
    "Cursor",
    "Digest",
    "Entry",
    "Follow",
    "Format",
    "InterestCount",
    "Kind",
    "Message",
    "Part",
    "Profile",
    "Ranked",
    "Reason",
    "Section",
    "Seed",
    "Share",
    "Sighting",
    "SourceHealth",
    "Summary",
    "Vectors",
    "Window",
]
