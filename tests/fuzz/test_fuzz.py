"""The quick part of the fuzzing; ``python -m tests.fuzz`` is the long one.

A finding of the long one becomes a test here: its file goes into `found/`, under a name that says
what was wrong, if it is small; else what makes it goes into `tests/runtime/streams/hostile.py`.
"""

import random
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.streams.stream import SignalSpec, open_stream
from tests.fuzz.fuzz import Case, cases, fuzz
from tests.fuzz.mutation import mutated, mutated_json
from tests.fuzz.targets import TARGETS

SEED = 20261125
SPEC = SignalSpec(rate_hz=1000.0, unit="g", channels=1)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs Linux")
@pytest.mark.parametrize("target", TARGETS)
def test_damaged_input_is_accepted_or_refused_in_one_line(target, tmp_path):
    result = fuzz(cases([target], 150, SEED), keep=tmp_path / "kept")
    assert [finding.what for finding in result.findings] == []
    assert result.counts[target, "refused"] > 15  # the damage is seen


@pytest.mark.parametrize("what", ["raises", "hangs", "dies", "grows", "looks around", "prints"])
def test_the_watch_sees(what):
    limit_s = 2.0 if what == "hangs" else 30.0
    result = fuzz([Case(what, "0")], targets="tests.fuzz.misbehaving", limit_s=limit_s)
    (finding,) = result.findings
    expected = {
        "raises": "ZeroDivisionError",
        "hangs": "no answer within 2 s",
        "dies": "died with code -6",
        "grows": "grew by 1.",
        "looks around": "opened /etc/hostname",
        "prints": "printed 'a library has something to say",
    }
    assert expected[what] in finding.what


def test_damage_is_drawn_by_the_seed():
    data = bytes(range(256)) * 4
    once = [mutated(data, random.Random(i)) for i in range(50)]
    assert once == [mutated(data, random.Random(i)) for i in range(50)]
    assert len(set(once)) > 45
    value = {"a": [1, 2, {"b": "text"}], "c": None}
    texts = [mutated_json(value, random.Random(i)) for i in range(50)]
    assert texts == [mutated_json(value, random.Random(i)) for i in range(50)]
    assert len(set(texts)) > 35


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent / "found").iterdir()), ids=lambda path: path.name
)
def test_what_was_found_is_mended(path, tmp_path):
    copy = Path(shutil.copy(path, tmp_path))
    with suppress(DlrsdError), open_stream(copy, default=SPEC) as stream:
        assert sum(chunk.samples.size for chunk in stream) < 1e6
