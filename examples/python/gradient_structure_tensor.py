"""Dip from the gradient structure tensor, whole volumes at a time.

Written as one would at a desk, with an array for every step: a program whose memory nobody has counted.

    python gradient_structure_tensor.py input.npy output.npy
"""

import sys

import numpy as np


def box(volume):
    """Mean over 3 voxels along each axis."""
    for axis in range(3):
        padded = np.pad(volume, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        n = volume.shape[axis]
        volume = sum(padded.take(range(by, by + n), axis) for by in range(3)) / 3
    return volume


def main(source, target):
    gradients = np.gradient(np.load(source).astype(np.float64))
    tensor = np.empty(gradients[0].shape + (3, 3))
    for a in range(3):
        for b in range(a, 3):
            tensor[..., a, b] = tensor[..., b, a] = box(gradients[a] * gradients[b])
    _, vectors = np.linalg.eigh(tensor)
    normal = vectors[..., -1]
    dip = np.arctan2(np.hypot(normal[..., 0], normal[..., 1]), np.abs(normal[..., 2]))
    with open(target, "wb") as out:
        np.save(out, dip.astype(np.float32))


if __name__ == "__main__":
    main(*sys.argv[1:])
