"""Small volumes and what NumPy and SciPy make of them, for the tests of chunkfit-seismic.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1
    venv/bin/python tests-data/make_golden.py

Writes tests-data/seismic/<shape>_<what>.npy, all float32 (inline, crossline, sample).
"""

from pathlib import Path

import numpy as np
from scipy.ndimage import correlate1d, gaussian_filter, uniform_filter
from scipy.signal import hilbert

FOLDER = Path(__file__).parent / "seismic"

# shape, sigma, truncate, kernel
CASES = [
    ((7, 9, 13), (1.0, 1.0, 1.0), 4.0, (3, 3, 3)),
    ((5, 6, 17), (0.7, 1.3, 2.9), 3.1, (3, 5, 7)),
    ((3, 2, 5), (3.0, 3.0, 3.0), 4.0, (5, 5, 5)),
    ((4, 1, 16), (0.0, 2.0, 0.5), 4.0, (3, 3, 1)),
]


def layers(shape, random):
    """Dipping layers with noise, amplitudes around 1000."""
    i, x, k = np.indices(shape)
    phase = 0.8 * k - 0.5 * x + 0.3 * i
    return (1000 * np.sin(phase) + random.normal(0, 300, shape)).astype(np.float32)


def structure_tensor(volume, kernel):
    """Dip and azimuth in degrees, planarity; everything in float64."""
    volume = volume.astype(np.float64)
    gradient = []
    for axis in range(3):
        component = correlate1d(volume, [-0.5, 0.0, 0.5], axis=axis, mode="reflect")
        for other in range(3):
            if other != axis:
                smooth = [0.178947, 0.642105, 0.178947]
                component = correlate1d(component, smooth, axis=other, mode="reflect")
        gradient.append(component)
    tensor = np.empty(volume.shape + (3, 3))
    for a in range(3):
        for b in range(3):
            tensor[..., a, b] = uniform_filter(gradient[a] * gradient[b], kernel, mode="reflect")
    values, vectors = np.linalg.eigh(tensor)
    normal = vectors[..., :, 2]
    n_il, n_xl, n_s = np.moveaxis(normal * np.where(normal[..., 2:] < 0, -1, 1), -1, 0)
    dip = np.degrees(np.arctan2(np.hypot(n_il, n_xl), n_s))
    azimuth = np.degrees(np.arctan2(0.0 - n_il, 0.0 - n_xl))
    planarity = (values[..., 2] - values[..., 1]) / values[..., 2]
    return dip, azimuth, planarity


def main():
    FOLDER.mkdir(exist_ok=True)
    random = np.random.default_rng(20)
    for shape, sigma, truncate, kernel in CASES:
        volume = layers(shape, random)
        dip, azimuth, planarity = structure_tensor(volume, kernel)
        arrays = {
            "input": volume,
            "envelope": np.abs(hilbert(volume)),
            "gaussian": gaussian_filter(volume, sigma, truncate=truncate),
            "dip": dip,
            "azimuth": azimuth,
            "planarity": planarity,
        }
        for name, array in arrays.items():
            path = FOLDER / f"{'x'.join(map(str, shape))}_{name}.npy"
            np.save(path, array.astype(np.float32))


if __name__ == "__main__":
    main()
