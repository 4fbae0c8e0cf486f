"""One peer on one volume in a fresh process: `peers.py NAME AxBxC` prints one line of JSON.

`first_s` is the first call, which also pays for memory touched for the first time, `again_s` the
median of three more. Libraries, compilation and plans are warmed up on a small volume before.
Bytes are the resident set's peak over what the process held before the volume was made.
"""

import gc
import json
import sys
import time

import numpy as np

SIGMA, RADIUS = 3.0, 12
PEERS = {}


def peer(make):
    PEERS[make.__name__.replace("_", "-")] = make
    return make


def taps():
    x = np.arange(-RADIUS, RADIUS + 1)
    bell = np.exp(-0.5 * (x / SIGMA) ** 2)
    return (bell / bell.sum()).astype(np.float32)


# -------------------------------------------------------------------- envelope
def gain(n):
    """Factors of the bins of an analytic signal."""
    factors = np.zeros(n, np.float32)
    factors[0] = 1
    factors[1 : (n + 1) // 2] = 2
    if n % 2 == 0:
        factors[n // 2] = 1
    return factors


def inline_by_inline(analytic):
    """What a careful user writes: the volume never exists in complex numbers."""

    def envelope(volume):
        out = np.empty_like(volume)
        for inline, target in zip(volume, out):
            np.abs(analytic(inline), out=target)
        return out

    return envelope


def half_spectrum(rfft, ifft):
    """A real transform forwards, a complex one in place backwards."""

    def analytic(traces):
        n = traces.shape[-1]
        spectrum = np.zeros(traces.shape, np.complex64)
        half = rfft(traces)
        half *= gain(n)[: half.shape[-1]]
        spectrum[..., : half.shape[-1]] = half
        return ifft(spectrum)

    return analytic


@peer
def envelope_scipy():
    from scipy.signal import hilbert

    return lambda volume: np.abs(hilbert(volume))


@peer
def envelope_scipy_slabs():
    import scipy.fft

    return inline_by_inline(half_spectrum(scipy.fft.rfft, lambda s: scipy.fft.ifft(s, overwrite_x=True)))


@peer
def envelope_mkl_slabs():
    import mkl_fft

    return inline_by_inline(half_spectrum(mkl_fft.rfft, lambda s: mkl_fft.ifft(s, out=s)))


@peer
def envelope_mkl_complex_slabs():
    import mkl_fft

    def analytic(traces):
        spectrum = mkl_fft.fft(traces)
        spectrum *= gain(traces.shape[-1])
        return mkl_fft.ifft(spectrum, out=spectrum)

    return inline_by_inline(analytic)


@peer
def envelope_pyfftw_slabs():
    import pyfftw

    plans = {}

    def plan(shape):
        real = pyfftw.empty_aligned(shape, "float32")
        half = pyfftw.empty_aligned((*shape[:-1], shape[-1] // 2 + 1), "complex64")
        full = pyfftw.empty_aligned(shape, "complex64")
        forwards = pyfftw.FFTW(real, half, axes=(-1,), flags=("FFTW_MEASURE",))
        back = pyfftw.FFTW(full, full, axes=(-1,), direction="FFTW_BACKWARD", flags=("FFTW_MEASURE",))
        return real, half, full, forwards, back

    def analytic(traces):
        n = traces.shape[-1]
        if traces.shape not in plans:
            plans[traces.shape] = plan(traces.shape)
        real, half, full, forwards, back = plans[traces.shape]
        real[:] = traces
        forwards.execute()
        full[:, n // 2 + 1 :] = 0
        np.multiply(half, gain(n)[: n // 2 + 1] / np.float32(n), out=full[:, : n // 2 + 1])
        back.execute()
        return full

    return inline_by_inline(analytic)


# -------------------------------------------------------------------- gaussian
@peer
def gaussian_scipy():
    from scipy.ndimage import gaussian_filter

    return lambda volume: gaussian_filter(volume, SIGMA)


@peer
def gaussian_skimage():
    from skimage.filters import gaussian

    return lambda volume: gaussian(volume, SIGMA, mode="reflect", truncate=4.0, preserve_range=True)


@peer
def gaussian_simpleitk():
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)

    def discrete(volume):
        image = sitk.DiscreteGaussian(
            sitk.GetImageFromArray(volume), variance=SIGMA**2, maximumKernelWidth=2 * RADIUS + 1,
            maximumError=1e-4, useImageSpacing=False,
        )
        return sitk.GetArrayViewFromImage(image), image

    return discrete


@peer
def gaussian_simpleitk_recursive():
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)

    def recursive(volume):
        image = sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(volume), SIGMA)
        return sitk.GetArrayViewFromImage(image), image

    return recursive


@peer
def gaussian_opencv():
    import cv2

    cv2.setNumThreads(1)
    bell, one = taps(), np.ones(1, np.float32)
    mirror = cv2.BORDER_REFLECT

    def separable(volume):
        out = np.empty_like(volume)
        for j in range(volume.shape[1]):
            sheet = np.ascontiguousarray(volume[:, j])
            out[:, j] = cv2.sepFilter2D(sheet, cv2.CV_32F, one, bell, borderType=mirror)
        for i, inline in enumerate(out):
            out[i] = cv2.sepFilter2D(inline, cv2.CV_32F, bell, bell, borderType=mirror)
        return out

    return separable


@peer
def gaussian_numba():
    from streaming import gaussian

    return lambda volume: gaussian(volume, taps()[RADIUS:])


# -------------------------------------------------------- gradient structure tensor
def moments(volume):
    """The averaged products of the gradient, away from the faces."""
    from scipy import ndimage

    def component(axis):
        slope = ndimage.correlate1d(volume, [-0.5, 0, 0.5], axis)
        for other in {0, 1, 2} - {axis}:
            slope = ndimage.correlate1d(slope, [0.178947, 0.642105, 0.178947], other)
        return slope[1:-1, 1:-1, 1:-1]

    a, b, c = (component(axis) for axis in range(3))
    return [ndimage.uniform_filter(x * y, 3) for x, y in ((a, a), (b, b), (c, c), (a, b), (a, c), (b, c))]


def dip_of(aa, bb, cc, ab, ac, bc):
    tensor = np.moveaxis(np.array([[aa, ab, ac], [ab, bb, bc], [ac, bc, cc]]), (0, 1), (-2, -1))
    _, vectors = np.linalg.eigh(tensor.reshape(-1, 3, 3))
    return np.degrees(np.arccos(np.abs(vectors[:, 2, 2]).clip(0, 1))).reshape(aa.shape)


@peer
def dip_numpy():
    return lambda volume: dip_of(*moments(volume))


@peer
def dip_numpy_slabs():
    def slabs(volume, step=16):
        inside = tuple(n - 2 for n in volume.shape)
        out = np.empty(inside, np.float32)
        for low in range(0, inside[0], step):
            high = min(low + step, inside[0])
            first, last = max(low - 1, 0), min(high + 1, inside[0])
            part = dip_of(*moments(volume[first : last + 2]))
            out[low:high] = part[low - first : high - first]
        return out

    return slabs


@peer
def dip_structure_tensor():
    from structure_tensor import eig_special_3d, structure_tensor_3d

    def package(volume):
        tensor = structure_tensor_3d(volume, 0.6, 0.816, truncate=2.0)
        _, vectors = eig_special_3d(tensor, full=True, eigenvalue_order="desc")
        # Component 0 of a vector belongs to the last axis.
        return np.degrees(np.arccos(np.abs(vectors[0, 0]).clip(0, 1)))

    return package


@peer
def dip_numba():
    from streaming import dip

    return dip


# ---------------------------------------------------------------------- measure
def status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))


def reset_peak():
    with open("/proc/self/clear_refs", "w") as control:
        control.write("5")


def main():
    name, shape = sys.argv[1], tuple(int(n) for n in sys.argv[2].split("x"))
    call = PEERS[name]()
    random = np.random.default_rng(20)
    call(random.standard_normal((40, 44, 48), np.float32))
    gc.collect()
    base = status("VmRSS")
    volume = random.standard_normal(shape, np.float32)
    if "slabs" in name and "fftw" in name:
        call(volume[:1])  # plans are made once in a program's life
    reset_peak()
    seconds, peak = [], None
    while len(seconds) < 4 and not (len(seconds) > 1 and sum(seconds) > 60):
        started = time.perf_counter()
        result = call(volume)
        seconds.append(time.perf_counter() - started)
        peak = peak or status("VmHWM")
        del result
    again = sorted(seconds[1:])[len(seconds[1:]) // 2]
    print(json.dumps({
        "name": name, "shape": sys.argv[2], "threads": 1, "first_s": seconds[0], "again_s": again,
        "peak_with_input_bytes": peak - base, "bytes_per_voxel": (peak - base) / volume.size,
    }))


if __name__ == "__main__":
    main()
