"""What a crash left in the outbox folder goes, and what is being written stays."""

import os
import time
from pathlib import Path

from aggregator.deliver import FolderMailer
from tests.stores import mail


def test_letters_that_nobody_finished_are_removed(tmp_path: Path) -> None:
    for name, age in {".old.eml.tmp": 7200, ".old.html.tmp": 7200, ".young.eml.tmp": 60, "old.eml": 7200}.items():
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    post = FolderMailer(tmp_path)
    post.send(mail(), lambda: None)
    assert {path.name for path in tmp_path.iterdir()} == {
        ".young.eml.tmp",
        "old.eml",
        *(path.name for path in post.files(post.path(mail().key))[:2]),
    }
