"""Median over 3 × 3 × 3 voxels.

    python median.py input.npy output.npy
"""

import sys

import numpy as np
from skimage.filters import median


def main(source, target):
    with open(target, "wb") as out:
        np.save(out, median(np.load(source), np.ones((3, 3, 3), bool)))


if __name__ == "__main__":
    main(*sys.argv[1:])
