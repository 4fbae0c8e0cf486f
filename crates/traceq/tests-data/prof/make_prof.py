"""Writes one small profile per generation of the original program.

    python -m venv /tmp/v && /tmp/v/bin/pip install msgpack==1.1.2 && /tmp/v/bin/python make_prof.py

With a file as argument it reads that file instead, as the original's `load_profile` does, checks its
form, and prints it as JSON.
"""

import gzip
import json
import math
import sys
from pathlib import Path

import msgpack

COLUMNS = ["kernel", "psutil", "resource", "tracemalloc"]
UNITS = {"kernel": "kb", "psutil": "b", "resource": "kb", "tracemalloc": "b"}
UNSIGNED = "unknown::unknown:0::unknown"


def metadata(clock):
    entries = {
        "entrypoint_shape": "(100, 100,\n 100)",
        "entrypoint_operator": "envelope",
    }
    entries |= {f"{name}_memory_usage_unit": unit for name, unit in UNITS.items()}
    return entries | {"unix_timestamp_unit": clock}


def rows(levels, start, step):
    return [
        {
            "signature": signature,
            **{f"{name}_memory_usage": level.get(name, 0) for name in COLUMNS},
            "unix_timestamp": start + step * i,
        }
        for i, (signature, level) in enumerate(levels)
    ]


def save(name, content):
    # Time 0, so that the files do not change when they are made again.
    with open(name, "wb") as raw, gzip.GzipFile(name, "wb", mtime=0, fileobj=raw) as packed:
        packed.write(msgpack.packb(content))


def make():
    kernel = [(UNSIGNED, {"kernel": float(kb)}) for kb in (30_000, 47_512, 61_024, 44_000)]
    save("a.prof", {"metadata": metadata("ms"), "data": rows(kernel, 5_000_123, 101)})

    live = [
        ("call::main:12::run", {"tracemalloc": 1024.0}),
        ("UNKNOWN", {"tracemalloc": 4096.0}),
        ("return::main:12::run", {"tracemalloc": 0.0}),
    ]
    save("b.prof", {"metadata": metadata("ms"), "experiment": rows(live, 77_000, 100)})

    psutil = [(UNSIGNED, {"psutil": b}) for b in (31_457_280.0, 0, 41_943_040.0)]
    save("c.prof", {"metadata": metadata("ms"), "data": rows(psutil, 900, 12)})

    ints = [(UNSIGNED, {"kernel": kb}) for kb in (30_000, 45_000)]
    save("d.prof", {"metadata": metadata("ms"), "data": rows(ints, 1_000_000, 11)})

    save("e.prof", {"metadata": metadata("ns"), "data": rows(kernel[:1], 1_741_800_000_123_456_789, 1)})
    save("empty.prof", {"metadata": metadata("ns"), "data": []})


def show(path):
    with gzip.open(path, "rb") as packed:
        profile = msgpack.unpackb(packed.read())
    assert list(profile) == ["metadata", "data"], list(profile)
    for row in profile["data"]:
        keys = ["signature", *(f"{name}_memory_usage" for name in COLUMNS), "unix_timestamp"]
        assert list(row)[:6] == keys, list(row)
        for key in keys[1:5]:
            level = row[key]
            assert (type(level), level) == (int, 0) or (
                type(level) is float and math.isfinite(level)
            ), (key, level)
        assert type(row["unix_timestamp"]) is int
    header = Path(path).read_bytes()
    assert header[3] & 8, "FNAME is set"
    profile["fname"] = header[10 : header.index(0, 10)].decode()
    print(json.dumps(profile))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        show(sys.argv[1])
    else:
        make()
