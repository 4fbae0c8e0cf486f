"""Envelope of every trace.

    python envelope.py input.npy output.npy
"""

import sys

import numpy as np
from scipy.signal import hilbert


def main(source, target):
    with open(target, "wb") as out:
        np.save(out, np.abs(hilbert(np.load(source))))


if __name__ == "__main__":
    main(*sys.argv[1:])
