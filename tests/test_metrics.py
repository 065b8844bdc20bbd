"""How good an order is."""

import numpy as np
import pytest

from aggregator.metrics import hit_rate, ndcg


def test_ndcg() -> None:
    wanted = np.array([2, 1, 0, 0])
    worst = (1 / np.log2(4) + 3 / np.log2(5)) / (3 + 1 / np.log2(3))
    assert ndcg(wanted, wanted) == 1
    assert ndcg(wanted[::-1], wanted) == pytest.approx(worst)
    assert ndcg(np.array([0, 0]), wanted) == 0
    assert ndcg(np.array([0, 1]), np.array([1]), places=1) == 0
    assert np.isnan(ndcg(np.zeros(3, dtype=int), np.zeros(3, dtype=int)))


def test_hit_rate() -> None:
    assert hit_rate(["a", "b"], {"b", "c"}) == 0.5
    assert hit_rate([], {"b"}) == 0
    assert np.isnan(hit_rate(["a"], ()))
