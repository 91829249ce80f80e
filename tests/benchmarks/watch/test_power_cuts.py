from benchmarks.watch.power_cuts import power_cuts


def test_twenty_kills_of_a_watch_lose_nothing_that_was_said(tmp_path):
    found = power_cuts(tmp_path, kills=20, seed=3, lives_s=(0.1, 1.5))
    assert found.lost == []
    assert found.doubled == 0
    assert found.stored == found.delivered > 0
    assert min(found.kept_s.values()) > 0
    # A minute is kept whole, and its last second may reach into the next.
    assert found.unaccounted_s <= 1.0 * (found.kills + 1)
