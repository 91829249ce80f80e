"""Files that claim too much are refused in one line, in bounded time and memory.

Each is opened and read in a process of its own, which says what came of it and what it took.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.streams.hostile import HOSTILE

MOST_SECONDS, MOST_BYTES = 10.0, 300e6

# Read up to what is there, and how many samples that is; all others are refused.
READ = {
    "long_attribute.h5": 3,
    "times_set_back_by_all_bounds.h5": 69_982,
    "bomb_behind_a_small_claim.mat": 4,
    "claims_more_than_it_holds.tdms": 1000,
    "overflowing_count.tdms": 1000,
    "rows_that_overflow.tdms": 50,
    "segments_of_nothing.tdms": 4,
    "claims_more_than_it_holds.uff": 6,
    "binary_without_end.uff": 100,
}
SAYS = {
    "times_that_fall_beyond_all_bounds.h5": "do not increase evenly",
    "says_more_than_it_wrote.h5": "never written",
    "fills_in.h5": "never written",
    "wrote_the_last_of_many.h5": "never written",
    "chunk_of_gigabytes.h5": "chunks of up to 2147483648 bytes",
    "chunk_that_unpacks_to_more.h5": "unpacks to 4100 bytes or more, expected 4096",
    "fact_that_unpacks_to_more.h5": "unpacks to 8 bytes or more, expected 4",
    "packed_a_thousandfold.h5": "noise does not pack",
    "packed_by_another_filter.h5": "scale-offset: expected gzip or lzf",
    "virtual.h5": "in another file, which is never opened",
    "virtual_and_damaged.h5": "in another file, which is never opened",
    "external_storage.h5": "in another file, which is never opened",
    "external_storage.mat": "in another file, which is never opened",
    "external_link.h5": "a link to another file, which is never opened",
    "too_many_groups.h5": "more than 10000 groups and data sets",
    "groups_in_groups.h5": "nested deeper than 64",
    "too_many_attributes.h5": "1001 attributes",
    "more_channels_than_time.h5": r"shape (5000, 200)",
    "names_of_many_lines.h5": "a?error: b has a name that cannot be written",
    "bomb.mat": "noise does not pack",
    "bomb.npz": "noise does not pack",
    "pickled.npy": "Python objects",
    "pickled.npz": "Python objects",
    "scales_without_end.tdms": "2000000000 scales",
    "metadata_of_gigabytes.tdms": "2147483648 bytes of metadata",
    "raw_values_beyond_their_row.tdms": "raw values beyond their row",
}

WATCHED = """
import json, os, resource, sys, time
# What it may load is not counted.
import h5py, nptdms.base_segment, nptdms.scaling, scipy.io, soundfile
from dlrsd.runtime.streams.stream import SignalSpec, open_stream

for line in sys.stdin:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    def used():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    begin, before, said, count = time.perf_counter(), used(), "", 0
    try:
        stream = open_stream(line.strip(), default=SignalSpec(12000.0, "g", 1))
        count = sum(chunk.samples.shape[1] for chunk in stream)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    took = {"seconds": time.perf_counter() - begin, "bytes": used() - before}
    print(json.dumps({"said": said, "count": count, **took}), flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def watched():
    command = [sys.executable, "-c", WATCHED]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:

        def read(path):
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield read
        process.stdin.close()
        assert process.stderr.read() == ""


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs Linux")
@pytest.mark.parametrize("name", HOSTILE)
def test_what_claims_too_much_is_bounded(name, tmp_path, watched):
    path = tmp_path / name
    HOSTILE[name](path)
    got = watched(path)
    assert got["seconds"] < MOST_SECONDS
    assert got["bytes"] < MOST_BYTES
    if name in READ:
        assert (got["said"], got["count"]) == ("", READ[name])
    else:
        assert got["said"].startswith("InputError: ")
        assert str(path) in got["said"]
        assert SAYS.get(name, "") in got["said"]
        assert "\n" not in got["said"]
        assert got["count"] == 0


def test_the_limits_are_met_by_what_is_watched(tmp_path, watched):
    """The measure can fail: a recording in memory as a whole is seen."""
    import numpy as np
    import scipy.io

    path = tmp_path / "x.mat"
    x = np.random.default_rng(0).normal(size=(4_000_000, 1))
    scipy.io.savemat(path, {"acc": x}, format="4")
    got = watched(path)
    assert got["count"] == len(x)
    assert 30e6 < got["bytes"] < MOST_BYTES
