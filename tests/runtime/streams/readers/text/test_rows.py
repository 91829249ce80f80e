"""What begins as numbers alone and goes on otherwise is read the same."""

import numpy as np
import pytest

from tests.runtime.streams.readers.text.written import read

N = 60_000  # rows, of several blocks
X = np.random.default_rng(0).normal(size=N).round(5)


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("# 1.5,2.5\n{t},{x}", None),
        ('"{t}","{x}"', None),
        ("{t}, {x}", None),
        ("\n{t},{x}", None),
        ("   \n{t},{x}", None),
        ("{t},{x}\xa0", None),
        ("{t},n/a", np.nan),
        ("{t},", np.nan),
        ("{t},-1.#IND", np.nan),
        ("{t},inf", np.inf),
    ],
)
def test_a_row_far_behind_that_is_written_otherwise(tmp_path, row, value):
    form = dict.fromkeys(range(N), "{t},{x}") | {45_000: row, 50_000: row}
    lines = "".join(form[i].format(t=f"{i / 25600:.7f}", x=X[i]) + "\n" for i in range(N))
    (tmp_path / "x.csv").write_text("t,acc\n" + lines, encoding="utf-8")
    source, got, chunks = read(tmp_path / "x.csv")
    expected = X.copy()
    if value is not None:
        expected[[45_000, 50_000]] = value
    np.testing.assert_array_equal(got[0], expected)
    assert source.rate_hz == 25600
    assert not any(chunk.gap_before for chunk in chunks)
