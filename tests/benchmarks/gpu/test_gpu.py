"""The measurements of a GPU, where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlrsd.runtime.base.hardware import count_gpus


@pytest.mark.skipif(bool(count_gpus()), reason="there is a GPU")
def test_without_a_gpu_the_script_says_so_in_one_line(call, tmp_path: Path) -> None:
    done = call("gpu", "--out", str(tmp_path / "gpu.json"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "no GPU" in done.stderr
    assert not list(tmp_path.iterdir())
