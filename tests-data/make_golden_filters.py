"""Writes filters/*.npy: filters of scipy.ndimage on arrays of one to four axes, for golden tests.

usage: make_golden_filters.py
"""

from pathlib import Path

import numpy as np
import scipy
from scipy import ndimage as ndi

OUT = Path(__file__).parent / "filters"
SHAPES = {1: (23,), 2: (7, 13), 3: (5, 3, 11), 4: (3, 4, 2, 9)}
SIGMA = (1.3, 0.7, 2.1, 3.0)
SIZE = (3, 4, 1, 5)
WEIGHTS = {
    "even": [0.1, -0.25, 0.5, 1.0, 0.5, -0.25, 0.1],
    "odd": [-0.3, -0.9, 0.0, 0.9, 0.3],
    "any": [0.7, -0.2, 0.35, 0.11],
}
ALONG = {"derivative": [-0.5, 0.0, 0.5], "second_derivative": [0.232905, 0.002668, -0.471147, 0.002668, 0.232905]}
ACROSS = {"derivative": [0.178947, 0.642105, 0.178947], "second_derivative": [0.03032, 0.249724, 0.439911, 0.249724, 0.03032]}


def along_and_across(array, name, axis):
    array = ndi.correlate1d(array, ALONG[name], axis=axis, mode="reflect")
    for other in range(array.ndim):
        if other != axis:
            array = ndi.correlate1d(array, ACROSS[name], axis=other, mode="reflect")
    return array


def mean(array, size):
    """uniform_filter, but with a sum of its own for every window, so without a running sum."""
    for axis, n in enumerate(size):
        if n == 1:
            continue
        pad = [(0, 0)] * array.ndim
        pad[axis] = (n // 2, n - n // 2 - 1)
        padded = np.pad(array.astype(np.float64), pad, mode="symmetric")
        windows = np.lib.stride_tricks.sliding_window_view(padded, n, axis=axis)
        total = np.zeros(windows.shape[:-1])
        for k in range(n):
            total = total + windows[..., k]
        array = (total / n).astype(array.dtype)
    return array


def main():
    OUT.mkdir(exist_ok=True)
    rng = np.random.default_rng(7)
    for n_axes, shape in SHAPES.items():
        for dtype in (np.float32, np.float64):
            array = rng.standard_normal(shape).astype(dtype)
            results = {"input": array}
            sigma, size = SIGMA[:n_axes], SIZE[:n_axes]
            results["gaussian"] = ndi.gaussian_filter(array, sigma, mode="reflect", truncate=4.0)
            results["uniform"] = mean(array, size)
            assert np.allclose(results["uniform"], ndi.uniform_filter(array, size), atol=1e-6)
            results["gradient_magnitude"] = ndi.gaussian_gradient_magnitude(array, sigma, mode="reflect", truncate=4.0)
            axis = n_axes // 2
            for name, weights in WEIGHTS.items():
                results[name] = ndi.correlate1d(array, weights, axis=axis, mode="reflect")
            for name in ALONG:
                results[name] = along_and_across(array, name, axis)
            for name, result in results.items():
                assert result.dtype == dtype
                np.save(OUT / f"{n_axes}d_{np.dtype(dtype).name}_{name}.npy", result)
    print(f"NumPy {np.__version__}, SciPy {scipy.__version__}")


if __name__ == "__main__":
    main()
