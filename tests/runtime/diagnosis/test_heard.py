"""The network's words gathered by channel and by the seconds of a verdict."""

from __future__ import annotations

import numpy as np

from dlrsd.runtime.diagnosis.heard import NetworkHeard
from dlrsd.runtime.engines.engine import Output
from dlrsd.runtime.evidence.network import Heard


def test_stretches_are_those_of_all_windows_that_begin_in_them() -> None:
    """Whatever batches they come in; a stretch of three windows says nothing."""
    rng = np.random.default_rng(0)
    time_s = np.repeat(np.arange(35) * 0.3, 2)  # to 10.2 s: five of 2 s, and 10.2 alone
    time_s[time_s > 6] += 1.3  # a gap leaves 3 windows in the fourth
    channel = np.tile([0, 2], 35)
    embedding = rng.standard_normal((70, 3)).astype(np.float32)
    novelty = rng.random(70).astype(np.float32)
    probabilities = rng.random((70, 4)).astype(np.float32)
    found: dict[tuple[int, int], Heard] = {}
    gathered = NetworkHeard(2.0, lambda c, s, heard: found.__setitem__((c, s), heard))
    for part in np.split(np.arange(70), [2, 20, 22, 50]):
        gathered.add(
            channel[part],
            time_s[part],
            Output(probabilities[part], embedding[part], novelty[part]),
        )
    gathered.end()
    counts = {s: int(((time_s // 2 == s) & (channel == 0)).sum()) for s in range(6)}
    assert set(found) == {(c, s) for c in (0, 2) for s, n in counts.items() if n >= 4}
    assert min(counts.values()) < 4
    for (c, s), heard in found.items():
        mine = (channel == c) & (time_s // 2 == s)
        assert heard.novelty == np.median(novelty[mine])
        np.testing.assert_allclose(heard.mean, embedding[mine].mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(heard.spread, embedding[mine].std(axis=0), atol=1e-6)
        assert heard.labels.tolist() == probabilities[mine].argmax(axis=1).tolist()


def test_windows_that_overflowed_are_left_out() -> None:
    novelty = np.array([1, 2, np.inf, 3, 4, np.nan], np.float32)
    embedding = np.ones((6, 2), np.float32)
    embedding[3, 0] = np.nan
    found: list[Heard] = []
    gathered = NetworkHeard(2.0, lambda _channel, _stretch, heard: found.append(heard))
    for _ in range(2):
        output = Output(np.ones((6, 2), np.float32), embedding, novelty)
        gathered.add(np.zeros(6, np.int64), np.full(6, 0.5), output)
    gathered.end()
    assert [heard.novelty for heard in found] == [2.0]  # of 1, 2 and 4, twice
    assert found[0].mean.tolist() == [1.0, 1.0]
