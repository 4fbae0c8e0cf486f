"""Writes dask_auto.csv: what Dask chooses for random arrays.

    pip install "dask[array]==2026.8.0" && python dask_auto.py > dask_auto.csv

`stored` is the chunk of the store that the array comes from, 0 0 0 for none; `chunk` is the first of
the chunks that Dask makes along each axis.
"""

import random

import dask
from dask.array.core import normalize_chunks

random.seed(20260801)


def length(most):
    return int(round(most ** random.random()))


print(f"# dask {dask.__version__}: shape, itemsize, limit, stored, chunk")
for case in range(600):
    shape = tuple(length(3000) for _ in range(3))
    itemsize = random.choice([1, 2, 4, 4, 4, 8, 16])
    limit = random.choice([1 << 27, int(2 ** random.uniform(10, 30))])
    stored = None
    if case % 2:
        side = random.choice([None, 16, 64, 100, 128])
        stored = tuple(min(n, side or length(400)) for n in shape)
    chunks = normalize_chunks(
        "auto",
        shape,
        limit=limit,
        dtype=f"V{itemsize}" if itemsize == 16 else f"i{itemsize}",
        previous_chunks=stored,
    )
    row = [*shape, itemsize, limit, *(stored or (0, 0, 0)), *(c[0] for c in chunks)]
    print(*row, sep=",")
