"""What a Python user can write with numba: fused kernels that go through the volume once.

Single precision inside, except for the eigenvector, and all the liberties of fastmath.
"""

import math

import numba
import numpy as np

fast = numba.njit(nogil=True, fastmath=True, boundscheck=False, cache=True)

CENTRE = np.float32(0.642105)
SIDE = np.float32(0.178947)
HALF = np.float32(0.5)


@fast
def mirrored(i, n):
    if i < 0:
        i = -1 - i
    return i if i < n else 2 * n - 1 - i


@fast
def gaussian(volume, taps):
    """Three passes; the taps are the centre of the kernel and then one side of it."""
    n0, n1, n2 = volume.shape
    radius = taps.shape[0] - 1
    out = np.empty_like(volume)
    sums = np.empty(n2, np.float32)
    for j in range(n1):
        for i in range(n0):
            row = volume[i, j]
            for k in range(n2):
                sums[k] = taps[0] * row[k]
            for t in range(1, radius + 1):
                before, after = volume[mirrored(i - t, n0), j], volume[mirrored(i + t, n0), j]
                for k in range(n2):
                    sums[k] += taps[t] * (before[k] + after[k])
            out[i, j, :] = sums
    plane = np.empty((n1, n2), np.float32)
    padded = np.empty(n2 + 2 * radius, np.float32)
    for i in range(n0):
        for j in range(n1):
            row, target = out[i, j], plane[j]
            for k in range(n2):
                target[k] = taps[0] * row[k]
            for t in range(1, radius + 1):
                before, after = out[i, mirrored(j - t, n1)], out[i, mirrored(j + t, n1)]
                for k in range(n2):
                    target[k] += taps[t] * (before[k] + after[k])
        for j in range(n1):
            for k in range(-radius, n2 + radius):
                padded[k + radius] = plane[j, mirrored(k, n2)]
            target = out[i, j]
            for k in range(n2):
                target[k] = taps[0] * padded[k + radius]
            for t in range(1, radius + 1):
                for k in range(n2):
                    target[k] += taps[t] * (padded[k + radius - t] + padded[k + radius + t])
    return out


@fast
def products(volume, i, raw, lines, out):
    """The six products of gradient components on inline i, summed over 3 x 3 (crossline, sample)."""
    _, n1, n2 = volume.shape
    m1, m2 = n1 - 2, n2 - 2
    for b in range(m1):
        j = b + 1
        a0, a1, a2 = volume[i - 1, j - 1], volume[i - 1, j], volume[i - 1, j + 1]
        b0, b1, b2 = volume[i, j - 1], volume[i, j], volume[i, j + 1]
        c0, c1, c2 = volume[i + 1, j - 1], volume[i + 1, j], volume[i + 1, j + 1]
        along, across, smooth = lines[0], lines[1], lines[2]
        for k in range(n2):
            left = SIDE * (a0[k] + c0[k]) + CENTRE * b0[k]
            mid = SIDE * (a1[k] + c1[k]) + CENTRE * b1[k]
            right = SIDE * (a2[k] + c2[k]) + CENTRE * b2[k]
            along[k] = HALF * (SIDE * (c0[k] - a0[k] + c2[k] - a2[k]) + CENTRE * (c1[k] - a1[k]))
            across[k] = HALF * (right - left)
            smooth[k] = SIDE * (left + right) + CENTRE * mid
        for c in range(m2):
            gi = SIDE * (along[c] + along[c + 2]) + CENTRE * along[c + 1]
            gj = SIDE * (across[c] + across[c + 2]) + CENTRE * across[c + 1]
            gk = HALF * (smooth[c + 2] - smooth[c])
            raw[0, b, c], raw[1, b, c], raw[2, b, c] = gi * gi, gj * gj, gk * gk
            raw[3, b, c], raw[4, b, c], raw[5, b, c] = gi * gj, gi * gk, gj * gk
    row = np.empty(m2, np.float32)
    for q in range(6):
        for b in range(m1):
            low, here, high = raw[q, max(b - 1, 0)], raw[q, b], raw[q, min(b + 1, m1 - 1)]
            for c in range(m2):
                row[c] = low[c] + here[c] + high[c]
            target = out[q, b]
            for c in range(1, m2 - 1):
                target[c] = row[c - 1] + row[c] + row[c + 1]
            target[0] = row[0] + row[0] + row[1]
            target[m2 - 1] = row[m2 - 2] + row[m2 - 1] + row[m2 - 1]


@fast
def steepness(ii, jj, kk, ij, ik, jk):
    """Dip in degrees from the closed form of the largest eigenvalue and the adjugate matrix."""
    mean = (ii + jj + kk) / 3.0
    a, b, c = ii - mean, jj - mean, kk - mean
    spread2 = (a * a + b * b + c * c + 2.0 * (ij * ij + ik * ik + jk * jk)) / 6.0
    if spread2 <= 0.0:
        return 0.0
    spread = math.sqrt(spread2)
    det = a * (b * c - jk * jk) - ij * (ij * c - jk * ik) + ik * (ij * jk - b * ik)
    shape = min(1.0, max(-1.0, det / (2.0 * spread2 * spread)))
    largest = 2.0 * spread * math.cos(math.acos(shape) / 3.0)
    a, b, c = a - largest, b - largest, c - largest
    along, across, down = b * c - jk * jk, a * c - ik * ik, a * b - ij * ij
    total = along + across + down
    share = down / total if total > 0.0 else 1.0
    return math.acos(math.sqrt(min(1.0, max(0.0, share)))) * (180.0 / math.pi)


@fast
def dip(volume):
    """Dip of the gradient structure tensor, window 3 x 3 x 3, one voxel less on every side."""
    n0, n1, n2 = volume.shape
    m0, m1, m2 = n0 - 2, n1 - 2, n2 - 2
    out = np.empty((m0, m1, m2), np.float32)
    raw = np.empty((6, m1, m2), np.float32)
    lines = np.empty((3, n2), np.float32)
    ring = np.empty((3, 6, m1, m2), np.float32)
    ready = 0
    for a in range(m0):
        while ready <= min(a + 1, m0 - 1):
            products(volume, ready + 1, raw, lines, ring[ready % 3])
            ready += 1
        x, y, z = ring[max(a - 1, 0) % 3], ring[a % 3], ring[min(a + 1, m0 - 1) % 3]
        for b in range(m1):
            for c in range(m2):
                out[a, b, c] = steepness(
                    np.float64(x[0, b, c]) + y[0, b, c] + z[0, b, c],
                    np.float64(x[1, b, c]) + y[1, b, c] + z[1, b, c],
                    np.float64(x[2, b, c]) + y[2, b, c] + z[2, b, c],
                    np.float64(x[3, b, c]) + y[3, b, c] + z[3, b, c],
                    np.float64(x[4, b, c]) + y[4, b, c] + z[4, b, c],
                    np.float64(x[5, b, c]) + y[5, b, c] + z[5, b, c],
                )
    return out
