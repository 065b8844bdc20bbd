"""doctor: what is wrong with an installation, and what to do about it. Nothing is changed and no mail is sent.

machine.py     Python, packages, room on the disks, the clock
stored.py      the database: its program, revision and file, a restore that nobody settled; the embedding model
post.py        secrets, the post office, the size of mails, what does not go together in [mail]
records.py     SPF, DKIM, DMARC and MX of the sender's domain
names.py       the door to the DNS
"""

from aggregator.doctor.check import Check, State, tried
from aggregator.doctor.machine import clock, drift, packages, python, room
from aggregator.doctor.names import Lookup, UnreachableError, resolver
from aggregator.doctor.post import folder, mail_size, pieces, program, secrets, server
from aggregator.doctor.records import Domain, records
from aggregator.doctor.stored import database, model

__all__ = [
    "Check",
    "Domain",
    "Lookup",
    "State",
    "UnreachableError",
    "clock",
    "database",
    "drift",
    "folder",
    "mail_size",
    "model",
    "packages",
    "pieces",
    "program",
    "python",
    "records",
    "resolver",
    "room",
    "secrets",
    "server",
    "tried",
]
