"""What NumPy and SciPy make of small volumes with filters that look at a box of voxels.

Writes tests-data/windows/<shape>_<what>.npy, all float32 (inline, crossline, sample). Run it with
`cargo xtask golden`.

With the path of a volume it prints hashes of what SciPy makes of that volume instead: the sum over
all voxels of (2n + 1) times the bits of voxel n, modulo 2^64.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.ndimage import (
    correlate1d,
    gaussian_filter,
    gaussian_gradient_magnitude,
    median_filter,
    uniform_filter,
)

FOLDER = Path(__file__).parent / "windows"

# shape, window, sigma
CASES = [
    ((7, 9, 33), (3, 3, 9), (1.0, 1.0, 1.0)),
    ((6, 5, 14), (5, 1, 3), (0.7, 1.3, 2.9)),
    ((2, 3, 4), (3, 5, 7), (2.0, 2.0, 2.0)),
    ((1, 4, 11), (3, 3, 3), (1.0, 0.5, 1.0)),
    ((4, 3, 1), (1, 3, 5), (1.0, 1.0, 1.0)),
]

FIRST = ([-0.5, 0.0, 0.5], [0.178947, 0.642105, 0.178947])
SECOND = (
    [0.232905, 0.002668, -0.471147, 0.002668, 0.232905],
    [0.03032, 0.249724, 0.439911, 0.249724, 0.03032],
)


def layers(shape, random):
    """Dipping layers with noise, amplitudes around 1000."""
    i, x, k = np.indices(shape)
    phase = 0.8 * k - 0.5 * x + 0.3 * i
    return (1000 * np.sin(phase) + random.normal(0, 300, shape)).astype(np.float32)


def derivative(volume, axis, weights):
    along, across = weights
    result = correlate1d(volume, along, axis=axis, mode="reflect")
    for other in range(3):
        if other != axis:
            result = correlate1d(result, across, axis=other, mode="reflect")
    return result


def windows(volume, window):
    """The window around each voxel, in the last three axes."""
    padded = np.pad(volume, [(n // 2, n // 2) for n in window], mode="symmetric")
    return np.lib.stride_tricks.sliding_window_view(padded, window)


def rms(volume, window):
    return np.sqrt(np.mean(windows(volume.astype(np.float64), window) ** 2, axis=(3, 4, 5)))


def semblance(volume, window):
    traces = windows(volume.astype(np.float64), window)
    stacked = (traces.sum(axis=(3, 4)) ** 2).sum(axis=3)
    energy = (traces**2).sum(axis=(3, 4, 5))
    return np.nan_to_num(stacked / energy / (window[0] * window[1]))


def reflection_intensity(volume, samples):
    return np.trapezoid(windows(volume.astype(np.float64), (1, 1, samples))[..., 0, 0, :])


def gradient(volume):
    return [derivative(volume.astype(np.float64), axis, FIRST) for axis in range(3)]


def tensor(volume, window):
    components = gradient(volume)
    tensor = np.empty(volume.shape + (3, 3))
    for a in range(3):
        for b in range(3):
            product = components[a] * components[b]
            tensor[..., a, b] = uniform_filter(product, window, mode="reflect")
    return tensor


def eigen_attributes(volume, window):
    l3, l2, l1 = np.moveaxis(np.linalg.eigvalsh(tensor(volume, window)), -1, 0)
    planarity = (l1 - l2) / (l1 + l2)
    line = (l2 - l3) / (l2 + l3)
    return {
        "chaos": 2 * l2 / (l1 + l3),
        "eigen_planarity": planarity,
        "line": line,
        "fault": line * (1 - planarity),
    }


def gst_slopes(volume, kernel):
    _, vectors = np.linalg.eigh(tensor(volume, kernel))
    n_il, n_xl, n_s = np.moveaxis(vectors[..., :, 2], -1, 0)
    return {"inline_slope": -n_il / n_s, "crossline_slope": -n_xl / n_s}


def gradient_dips(volume, window):
    g_il, g_xl, g_s = gradient(volume)
    dips = [np.nan_to_num(-g / g_s * 10, nan=0.0, posinf=np.inf, neginf=-np.inf) for g in (g_il, g_xl)]
    dips = [median_filter(dip.astype(np.float32), window, mode="reflect") for dip in dips]
    return {"inline_dip": dips[0], "crossline_dip": dips[1]}


def print_hashes(volume):
    arrays = {"gaussian:sigma=1": gaussian_filter(volume, 1)}
    for number, axis in enumerate(["inline", "crossline", "sample"]):
        arrays[f"first-derivative:axis={axis}"] = derivative(volume, number, FIRST)
        arrays[f"second-derivative:axis={axis}"] = derivative(volume, number, SECOND)
    arrays["median"] = median_filter(volume, 3, mode="reflect")
    arrays["mean"] = uniform_filter(volume, 3, mode="reflect")
    arrays["gradient-magnitude"] = gaussian_gradient_magnitude(volume, 1)
    for name, array in arrays.items():
        bits = np.ascontiguousarray(array).view(np.uint32).ravel().astype(np.uint64)
        places = 2 * np.arange(bits.size, dtype=np.uint64) + 1
        print(f'("{name}", {np.sum(bits * places):#018x}),')


def main():
    np.seterr(divide="ignore", invalid="ignore")
    FOLDER.mkdir(exist_ok=True)
    random = np.random.default_rng(21)
    for shape, window, sigma in CASES:
        volume = layers(shape, random)
        arrays = {"input": volume}
        for axis in range(3):
            arrays[f"first_{axis}"] = derivative(volume, axis, FIRST)
            arrays[f"second_{axis}"] = derivative(volume, axis, SECOND)
        arrays["gradient_magnitude"] = gaussian_gradient_magnitude(volume, sigma)
        arrays["mean"] = uniform_filter(volume, window, mode="reflect")
        arrays["median"] = median_filter(volume, window, mode="reflect")
        arrays["rms"] = rms(volume, window)
        arrays["semblance"] = semblance(volume, window)
        arrays["reflection_intensity"] = reflection_intensity(volume, window[2])
        gain = (np.arange(shape[2]) + 2.0) ** 1.5
        arrays["time_gain"] = volume.astype(np.float64) * gain
        arrays["rescale"] = np.clip(volume, -500, 700)
        # A gradient needs neighbours: along an axis of one element it is 0, and so is its line.
        if min(shape) > 1:
            arrays |= eigen_attributes(volume, window)
            arrays |= gst_slopes(volume, window)
            arrays |= gradient_dips(volume, window)
        for name, array in arrays.items():
            path = FOLDER / f"{'x'.join(map(str, shape))}_{name}.npy"
            np.save(path, array.astype(np.float32))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print_hashes(np.load(sys.argv[1]).astype(np.float32))
    else:
        main()
