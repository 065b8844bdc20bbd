"""rank.cores: every part is done once, on all cores, and what goes wrong is told."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from aggregator.rank.cores import each


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    """As on a machine of two cores."""
    with threadpool_limits(limits=2, user_api="blas"):
        yield


def blas_threads() -> list[int]:
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


@pytest.mark.parametrize("parts", [0, 1, 2, 37])
def test_every_part_is_done_once(parts: int) -> None:
    done: list[int] = []
    each(done.append, range(0, 10 * parts, 10))
    assert sorted(done) == list(range(0, 10 * parts, 10))


def test_an_error_is_raised_and_all_cores_are_given_back() -> None:
    before = blas_threads()
    assert before
    assert set(before) == {2}

    def work(part: int) -> None:
        if part == 3:
            raise ValueError("part 3")

    with pytest.raises(ValueError, match="part 3"):
        each(work, range(9))
    assert blas_threads() == before


def test_several_at_once_leave_the_threads_as_they_were() -> None:
    before, made = blas_threads(), np.zeros((8, 50))

    def task(row: int) -> None:
        def work(part: int) -> None:
            made[row, part] = np.ones((20, 20))[part % 20].sum()

        each(work, range(50))

    threads = [threading.Thread(target=task, args=(row,)) for row in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (made == 20).all()
    assert blas_threads() == before
