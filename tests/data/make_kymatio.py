"""Write kymatio.npz and kymatio-maps.npz: coefficients by kymatio, to compare our own with.

Not run by the tests, which only read the files. Kymatio 0.3.0 calls a SciPy function that newer
releases dropped, so it gets an environment of its own (Python 3.11, NumPy 1.26.4, SciPy 1.11.4):

    python3.11 -m venv kymatio-env
    kymatio-env/bin/pip install numpy==1.26.4 scipy==1.11.4 kymatio==0.3.0
    kymatio-env/bin/python tests/data/make_kymatio.py

``INPUTS`` needs NumPy alone and takes any NumPy >= 1.26, so a test may import it from here.

Keys, with NAME an input and J, L as in ``CONFIGS``:

    NAME_probe         every 16th pixel of the input along both axes, to check a regenerated one
    a_input            input a in full, float32 (the input is exactly this, widened to float64)
    NAME_JJ_LL_mean    float64 (n,): mean of each coefficient's windowed map over the whole torus
    NAME_JJ_LL_global  float64 (n,): the same paths, phi_J replaced by the average over the torus
    NAME_JJ_LL_order   int8 (n,): 0, 1 or 2
    NAME_JJ_LL_j       int8 (n, 2): scales of the first and second wavelet, -1 where there is none
    NAME_JJ_LL_theta   int8 (n, 2): kymatio's angle indices of the two, -1 where there is none

kymatio-maps.npz has, for input a, NAME_JJ_LL: float32 (n, 64 / 2^J, 64 / 2^J), the windowed maps
of the same paths, at every 2^J-th pixel from the first one.
"""

from pathlib import Path

import numpy as np

CONFIGS = {
    "a": [(2, 4), (3, 8)],
    "b": [(2, 4), (3, 8), (4, 6), (5, 8)],
    "c": [(2, 4), (3, 8)],
}


def white():
    """64 x 64 standard normal pixels, rounded to float32."""
    return np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32).astype(np.float64)


def lognormal():
    """128 x 128 exponential of a Gaussian field of power |k|^-3, standardised.

    The Gaussian field has no mean and standard deviation 0.7 before the exponential.
    """
    side = 128
    k = np.fft.fftfreq(side) * side
    radius = np.hypot(k[:, None], k[None, :])
    radius[0, 0] = np.inf
    noise = np.random.default_rng(1).standard_normal((side, side))
    g = np.fft.ifft2(np.fft.fft2(noise) * radius**-1.5).real
    x = np.exp(0.7 * g / g.std())
    return (x - x.mean()) / x.std()


def smoothed():
    """96 x 160 white noise, smoothed on the torus by [1, 2, 1] / 4 along each axis."""
    x = np.random.default_rng(2).standard_normal((96, 160))
    for axis in (0, 1):
        x = (np.roll(x, 1, axis) + 2 * x + np.roll(x, -1, axis)) / 4
    return x


INPUTS = {"a": white, "b": lognormal, "c": smoothed}


def periodic_scattering(shape, J, L):
    """Give kymatio's transform, set up for a picture of this shape on the torus.

    With ``pre_pad=True`` kymatio wants an input larger than ``shape`` by 2^J on every side (where
    2^J divides the sides) and transforms it as periodic, without padding. So it is told a smaller
    shape, and is kept from cutting the outermost cells off its output.
    """
    from kymatio.numpy import Scattering2D

    inner = tuple(side - 2 * 2**J for side in shape)
    S = Scattering2D(J=J, shape=inner, L=L, max_order=2, pre_pad=True, out_type="list")
    if (S._M_padded, S._N_padded) != tuple(shape):
        raise ValueError(f"2^{J} does not divide the sides of {shape}")
    S.unpad = lambda maps: maps
    return S


def main():
    """Compute all coefficients and write the files beside this script."""
    out, maps = {"a_input": white().astype(np.float32)}, {}
    for name, configs in CONFIGS.items():
        x = INPUTS[name]()
        out[f"{name}_probe"] = x[::16, ::16]
        for J, L in configs:
            key = f"{name}_J{J}_L{L}"
            S = periodic_scattering(x.shape, J, L)
            paths = S(x)
            if name == "a":
                maps[key] = np.array([path["coef"] for path in paths], np.float32)
            out[f"{key}_mean"] = np.array([path["coef"].mean() for path in paths])
            for phi in S.phi["levels"]:
                phi[:] = 0
                phi[0, 0] = 1
            out[f"{key}_global"] = np.array([path["coef"].mean() for path in S(x)])
            out[f"{key}_order"] = np.array([len(path["j"]) for path in paths], np.int8)
            for label in ("j", "theta"):
                rows = [(path[label] + (-1, -1))[:2] for path in paths]
                out[f"{key}_{label}"] = np.array(rows, np.int8)
    np.savez_compressed(Path(__file__).with_name("kymatio.npz"), **out)
    np.savez_compressed(Path(__file__).with_name("kymatio-maps.npz"), **maps)


if __name__ == "__main__":
    main()
