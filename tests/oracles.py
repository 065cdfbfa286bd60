"""Slow, obviously right NumPy in float64, against which the fast code is held."""

import numpy as np


def morlet(shape, scale, angle, num_angles):
    """ψ̂ on the FFT grid, by its definition: every alias of the Gaussians summed."""
    sigma, xi, slant = 0.8 * 2**scale, 3 * np.pi / 4 / 2**scale, 4 / num_angles
    rows, columns = (2 * np.pi * np.fft.fftfreq(n) for n in shape)

    def gaussian(y, x, shift):
        along = x * np.cos(angle) + y * np.sin(angle) - shift
        across = y * np.cos(angle) - x * np.sin(angle)
        return np.exp(-(sigma**2) / 2 * (along**2 + across**2 / slant**2))

    def periodized(y, x, shift):
        reach = 2 if slant <= 2 else 5  # the next aliases are below 1e-8
        aliases = 2 * np.pi * np.arange(-reach, reach + 1)
        return sum(gaussian(y + a, x + b, shift) for a in aliases for b in aliases)

    y, x = np.meshgrid(rows, columns, indexing="ij")
    kappa = periodized(0.0, 0.0, xi) / periodized(0.0, 0.0, 0.0)
    return periodized(y, x, xi) - kappa * periodized(y, x, 0.0)


def lowpass(shape, num_scales):
    """φ̂ on the FFT grid."""
    sigma = 0.8 * 2 ** (num_scales - 1)
    rows, columns = (
        sum(np.exp(-((sigma * 2 * np.pi * (np.fft.fftfreq(n) + a)) ** 2) / 2) for a in range(-3, 4))
        for n in shape
    )
    return rows[:, None] * columns


def opposite(filter_):
    """The filter at −ω."""
    return np.roll(filter_[::-1, ::-1], (1, 1), axis=(0, 1))


def bank(shape, num_scales, num_angles, tight=True):
    """Wavelets [j, l, h, w], low-pass and residual filter, by definition."""
    angles = np.pi * np.arange(num_angles) / num_angles
    wavelets = np.array(
        [[morlet(shape, j, a, num_angles) for a in angles] for j in range(num_scales)]
    )
    phi = lowpass(shape, num_scales)
    total = phi**2
    for wavelet in wavelets.reshape(-1, *shape):
        total = total + (wavelet**2 + opposite(wavelet) ** 2) / 2
    if not tight:
        return wavelets, phi, None
    gain = 1 / np.sqrt(np.maximum(total, 0.5))
    return wavelets * gain, phi * gain, np.sqrt(np.maximum(0, 1 - total * gain**2))


def moments(field, filters):
    """Order 0, order 1 [j, l], residual band, order 2 {(j, k): [l, m]}; full grids throughout."""
    wavelets, _, residual = filters
    spectrum = np.fft.fft2(np.asarray(field, np.float64))
    first, second = [], {}
    for j, band in enumerate(wavelets):
        maps = np.abs(np.fft.ifft2(spectrum * band))
        first.append(maps.mean((1, 2)))
        spectra = np.fft.fft2(maps)
        for k in range(j + 1, len(wavelets)):
            second[j, k] = np.array(
                [[np.abs(np.fft.ifft2(s * psi)).mean() for psi in wavelets[k]] for s in spectra]
            )
    high = None if residual is None else np.abs(np.fft.ifft2(spectrum * residual)).mean()
    pairs = [second[j, k] for k in range(len(wavelets)) for j in range(k)]
    return np.mean(field), np.array(first), high, np.array(pairs)


def decimated(field, num_scales, num_angles):
    """Order 1 and 2 of the plain Morlet bank with every map kept at one pixel in 2^j.

    Each is a pair: the mean of the modulus map, and the map smoothed by φ_J, at one pixel in 2^J.
    """
    phi = lowpass(field.shape, num_scales)

    def averages(maps, scale):
        step = 2 ** (num_scales - scale)
        smooth = np.fft.ifft2(np.fft.fft2(maps) * _crop(phi, maps.shape)).real
        return maps.mean(), smooth[::step, ::step]

    angles = np.pi * np.arange(num_angles) / num_angles
    shape = field.shape
    wavelets = [[morlet(shape, j, a, num_angles) for a in angles] for j in range(num_scales)]
    spectrum = np.fft.fft2(field)
    first, second = {}, {}
    for j, band in enumerate(wavelets):
        for index, psi in enumerate(band):
            step = 2**j
            maps = np.abs(np.fft.ifft2(spectrum * psi))[::step, ::step]
            first[j, index] = averages(maps, j)
            for k in range(j + 1, num_scales):
                for other, coarse in enumerate(wavelets[k]):
                    cut = _crop(coarse, maps.shape)
                    layer = np.abs(np.fft.ifft2(np.fft.fft2(maps) * cut))
                    kept = layer[:: 2 ** (k - j), :: 2 ** (k - j)]
                    second[j, index, k, other] = averages(kept, k)
    return first, second


def _crop(filter_, shape):
    """Frequencies −n/2 … n/2 − 1 of a filter, in FFT order."""
    centered = np.fft.fftshift(filter_)
    corner = [(a - b) // 2 for a, b in zip(centered.shape, shape, strict=True)]
    rows, columns = (slice(c, c + n) for c, n in zip(corner, shape, strict=True))
    return np.fft.ifftshift(centered[rows, columns])


def spectra(field, filters):
    """Powers and moduli [j, l], c01 {(j, k): [l, m]}, c11 {(i, j, k): [l, l, m]}: full grids.

    Nothing is normalized; covariances are means over pixels of maps that were transformed back.
    """
    wavelets, phi, residual = filters
    scales = range(len(wavelets))
    centered = np.asarray(field, np.float64) - np.mean(field)
    spectrum = np.fft.fft2(centered)
    waves = np.fft.ifft2(spectrum * wavelets)
    moduli = np.abs(waves)
    layer = np.fft.ifft2(np.fft.fft2(moduli)[:, :, None, None] * wavelets)  # [j, l, k, m]
    c01 = {
        (j, k): (waves[k] * layer[j, :, k].conj()).mean((-2, -1)) for k in scales for j in scales
    }
    c11 = {
        (i, j, k): (layer[i, :, None, k] * layer[None, j, :, k].conj().squeeze(0)).mean((-2, -1))
        for k in scales
        for j in scales
        for i in scales
    }
    around = [(np.abs(np.fft.ifft2(spectrum * f)) ** 2).mean() for f in (residual, phi)]
    return (moduli**2).mean((-2, -1)), moduli.mean((-2, -1)), around, c01, c11


def rectified(field, wavelets, reach, shifts):
    """Covariances {k: [j, a, l, s, m]} of rectified waves, of frequencies within an octave.

    ``shifts`` are those of each scale k.
    """
    waves = np.fft.ifft2(np.fft.fft2(np.asarray(field, np.float64)) * wavelets)
    phases = np.exp(0.5j * np.pi * np.arange(4))

    def octave(maps, k):
        spectrum = np.fft.fftshift(np.fft.fft2(maps), axes=(-2, -1))
        kept = np.zeros(maps.shape[-2:])
        kept[tuple(slice(n // 2 - m // 2, n // 2 + m // 2 + 1) for n, m in _odd(maps, k))] = 1
        return np.fft.ifft2(np.fft.ifftshift(spectrum * kept, axes=(-2, -1))).real

    found = {}
    for k in range(len(wavelets)):
        coarse = octave(np.maximum(0, waves[k].real), k)
        own = np.maximum(0, (phases[:, None, None, None] * waves[:, None]).real)
        fine = octave(own[max(0, k - reach) : k + 1], k)
        fine, coarse = (each - each.mean((-2, -1), keepdims=True) for each in (fine, coarse))
        moved = np.array([np.roll(coarse, shift, (-2, -1)) for shift in shifts[k]])
        found[k] = np.einsum("jalyx,smyx->jalsm", fine, moved) / field.size
    return found


def _odd(maps, k):
    return [(n, ((n >> k) - 1) | 1) for n in maps.shape[-2:]]


def between(fields, filters):
    """Covariances between channels, by name and then by waves: full grids, nothing normalized.

    Keys: own and power (j, l, c, d); outside (0 above or 1 below, c, d); modulus
    (c, k, m, d, j, l); phase (k, m, c, d, j, l), the wave of c and the modulus of d.
    """
    wavelets, phi, residual = filters
    fields = np.asarray(fields, np.float64)
    spectra = np.fft.fft2(fields - fields.mean((1, 2), keepdims=True))
    waves = np.fft.ifft2(spectra[:, None, None] * wavelets)  # [c, j, l]
    moduli = np.abs(waves)
    layer = np.fft.ifft2(np.fft.fft2(moduli)[:, :, :, None, None] * wavelets)  # [c, j, l, k, m]
    around = [np.fft.ifft2(spectra * filter_) for filter_ in (residual, phi)]
    found = {"power": {}, "outside": {}, "modulus": {}, "phase": {}}
    channels, (scales, angles) = range(len(fields)), wavelets.shape[:2]
    every = [(c, j, a) for c in channels for j in range(scales) for a in range(angles)]
    for c, k, m in every:
        for d, j, a in every:
            one, two = moduli[c, k, m], moduli[d, j, a]
            found["modulus"][c, k, m, d, j, a] = np.mean(one * two) - one.mean() * two.mean()
            product = waves[c, k, m] * layer[d, j, a, k, m].conj()
            found["phase"][k, m, c, d, j, a] = product.mean()
            if (j, a) == (k, m):
                product = waves[c, k, m] * waves[d, k, m].conj()
                found["power"][k, m, c, d] = product.mean()
    for c in channels:
        for d in channels:
            for end, maps in enumerate(around):
                found["outside"][end, c, d] = np.mean(maps[c] * maps[d].conj()).real
    return found


def windowed(field, filters, stride, max_order):
    """S_J x at every ``stride``-th pixel from the first one [p, n, m]: full grids throughout."""
    wavelets, phi, residual = filters

    def averages(maps):
        smooth = np.fft.ifft2(np.fft.fft2(maps) * phi).real
        return smooth[..., ::stride, ::stride]

    spectrum = np.fft.fft2(np.asarray(field, np.float64))
    found, parents = [averages(field)[None]], {-1: np.asarray(field, np.float64)[None]}
    for order in range(1, max_order + 1):
        children = {}
        for k, band in enumerate(wavelets):
            finer = [maps for scale, maps in parents.items() if scale < k]
            if finer:
                spectra = np.fft.fft2(np.concatenate(finer))[:, None]
                children[k] = np.abs(np.fft.ifft2(spectra * band)).reshape(-1, *field.shape)
                found.append(averages(children[k]))
        if order == 1 and residual is not None:
            found.append(averages(np.abs(np.fft.ifft2(spectrum * residual)))[None])
        parents = children
    return np.concatenate(found)
