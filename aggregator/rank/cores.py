"""cores: a large task cut into parts, which all cores share: a thread for each core, and each product in one thread.

NumPy gives a product of matrices to all cores, and what comes between two products to one; there is as much of that as
of the products. threadpoolctl sets what holds for the whole process, so only one task at a time is cut up.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from threadpoolctl import threadpool_limits

_ONE_AT_A_TIME = Lock()


def each(work: Callable[[int], None], parts: Iterable[int]) -> None:
    """Do the work for every part, of which none needs another; what one raises is raised when those begun are done."""
    parts = list(parts)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if min(cores, len(parts)) <= 1:
        for part in parts:
            work(part)
        return
    with (
        _ONE_AT_A_TIME,
        threadpool_limits(limits=1, user_api="blas"),
        ThreadPoolExecutor(min(cores, len(parts))) as threads,
    ):
        for done in [threads.submit(work, part) for part in parts]:
            done.result()
