"""The victims of `cargo xtask bench profilers`, in Python: the same work, and what it took as JSON.

    victim.py idle|steady|spike|small alone|walk|kill|tracemalloc
"""

import json
import os
import subprocess
import sys
import time

# Whether huge pages are free when they are asked for is luck, and decides how long writing takes.
os.environ["NUMPY_MADVISE_HUGEPAGE"] = "0"

import numpy as np  # noqa: E402

MIB = 1 << 20
HOLD = 0.35
OBJECTS = 200_000
OBJECT_BYTES = 64
ROUNDS = 3


class Victim:
    def __init__(self, mode):
        self.mode = mode
        self.slept = 0.0
        self.walked = None

    def sleep(self, seconds):
        begin = time.perf_counter()
        time.sleep(seconds)
        self.slept += time.perf_counter() - begin

    def peak(self):
        if self.mode == "walk":
            self.walked = walk()
        elif self.mode == "kill":
            time.sleep(HOLD)
            # From outside: some profilers see what a program does to itself.
            subprocess.run(["sh", "-c", f"kill -9 {os.getpid()}"])

    def idle(self):
        self.sleep(HOLD)
        return 0

    def steady(self):
        block = written(256 * MIB)
        self.peak()
        self.sleep(HOLD)
        return block.nbytes

    def spike(self):
        base = written(32 * MIB)
        self.sleep(HOLD)
        spike = written(64 * MIB)
        self.peak()
        self.sleep(0.001)
        live = base.nbytes + spike.nbytes
        del spike
        self.sleep(HOLD)
        return live

    def small(self):
        # Slots are made at once, so that the list never moves.
        objects = [None] * OBJECTS
        for i in range(OBJECTS):
            objects[i] = bytes(OBJECT_BYTES)
        for turn in range(ROUNDS):
            for i in range(turn % 2, OBJECTS, 2):
                objects[i] = None
            for i in range(turn % 2, OBJECTS, 2):
                objects[i] = bytes(OBJECT_BYTES)
        self.peak()
        self.sleep(HOLD)
        return OBJECTS * sys.getsizeof(objects[0]) + sys.getsizeof(objects)


def written(size):
    block = np.empty(size, np.uint8)
    block.fill(1)
    return block


def walk():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Rss:")) << 10


def main():
    name, mode = sys.argv[1:3]
    victim = Victim(mode)
    # What is made once is made, and adds nothing to the peak.
    written(64)
    before = walk() if mode == "walk" else None
    if mode == "tracemalloc":
        import tracemalloc

        tracemalloc.start()
    begin = time.perf_counter()
    live = getattr(victim, name)()
    work_s = time.perf_counter() - begin - victim.slept
    result = {"work_s": work_s, "live": live, "walked": victim.walked and victim.walked - before}
    if mode == "tracemalloc":
        result["tracemalloc"] = tracemalloc.get_traced_memory()[1]
    print(json.dumps(result))


main()
