"""Tables as text for tests: two channels of noise at 25600 Hz, from the first of March."""

import datetime as dt

import numpy as np

from dlrsd.runtime.streams.readers.registry import open_file

N = 400
RATE = 25600.0
X = np.round(np.random.default_rng(0).normal(size=(2, N)), 5)
T = np.arange(N) / RATE
START = dt.datetime(2026, 3, 1, 8)
UTC = dt.timezone.utc


def moments(form, zone=""):
    """Times of the rows, with microseconds."""
    return [(START + dt.timedelta(seconds=t)).strftime(form) + zone for t in T]


def number(value, decimal="."):
    return f"{value:.5f}".replace(".", decimal)


def rows(*columns, delimiter=",", decimal="."):
    cells = [
        [each if isinstance(each, str) else number(each, decimal) for each in column]
        for column in columns
    ]
    return "".join(delimiter.join(row) + "\n" for row in zip(*cells, strict=True))


def seconds(digits=7, factor=1.0, decimal=".", start=0.0):
    return [f"{start + t * factor:.{digits}f}".replace(".", decimal) for t in T]


def read(path, variable=None):
    """What a file says of itself, its samples, and its chunks."""
    source = open_file(path, variable=variable)
    try:
        chunks = list(source.chunks)
    finally:
        source.close()
    return source, np.concatenate([c.samples for c in chunks], axis=1), chunks
