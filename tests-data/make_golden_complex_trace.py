"""Attributes of the analytic signal by NumPy and SciPy, for the tests of chunkfit-seismic.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1
    venv/bin/python tests-data/make_golden_complex_trace.py

Writes tests-data/complex-trace/<shape>_<what>.npy, all float32 (inline, crossline, sample). Computed in
float64 throughout.
"""

from pathlib import Path

import numpy as np
from scipy.ndimage import correlate1d
from scipy.signal import hilbert

FOLDER = Path(__file__).parent / "complex-trace"

# shape, milliseconds from sample to sample, degrees of the rotation
CASES = [((4, 5, 40), 4.0, 90.0), ((3, 7, 37), 2.0, 30.0), ((1, 2, 64), 1.0, -120.0)]


def layers(shape, random):
    """Dipping wavelets of two frequencies with some noise, amplitudes around 1000."""
    i, x, k = np.indices(shape)
    time = k - 0.4 * x + 0.2 * i
    signal = np.sin(0.9 * time) * (1.2 + np.sin(0.13 * time)) + 0.3 * np.sin(0.35 * time + x)
    return (1000 * signal + random.normal(0, 30, shape)).astype(np.float32)


def slope(volume):
    """First derivative along samples, smoothed across."""
    volume = correlate1d(volume, [-0.5, 0.0, 0.5], axis=2, mode="reflect")
    for axis in (0, 1):
        volume = correlate1d(volume, [0.178947, 0.642105, 0.178947], axis=axis, mode="reflect")
    return volume


def attributes(volume, dt_ms, angle):
    signal = hilbert(volume.astype(np.float64))
    envelope = np.abs(signal)
    phase = np.angle(signal)
    rate = 1000 / dt_ms
    frequency = np.abs(slope(np.unwrap(phase)) / (2 * np.pi) * rate)
    change = slope(envelope) / envelope
    clipped = np.clip(change, -1, 1)
    bandwidth = np.abs(clipped) / (2 * np.pi)
    bandwidth_hz = np.abs(change) / (2 * np.pi) * rate
    turn = np.radians(angle)
    return {
        "envelope": envelope,
        "quadrature": signal.imag,
        "phase": np.degrees(phase),
        "cosine-phase": np.cos(phase),
        "frequency": frequency,
        "relative-amplitude-change": clipped,
        "bandwidth": bandwidth,
        "bandwidth-literature": bandwidth_hz,
        "dominant-frequency": np.hypot(frequency, bandwidth),
        "dominant-frequency-literature": np.hypot(frequency, bandwidth_hz),
        "sweetness": envelope / np.maximum(frequency, 5),
        "sweetness-literature": envelope / np.sqrt(frequency),
        "amplitude-acceleration": slope(clipped),
        "frequency-change": slope(frequency),
        "quality-factor": np.pi * frequency / clipped,
        "quality-factor-literature": -0.5 * frequency / bandwidth_hz,
        "phase-rotation": signal.real * np.cos(turn) - signal.imag * np.sin(turn),
    }


def main():
    FOLDER.mkdir(exist_ok=True)
    random = np.random.default_rng(21)
    for shape, dt_ms, angle in CASES:
        volume = layers(shape, random)
        for name, array in {"input": volume, **attributes(volume, dt_ms, angle)}.items():
            path = FOLDER / f"{'x'.join(map(str, shape))}_{name}.npy"
            np.save(path, array.astype(np.float32))


if __name__ == "__main__":
    main()
