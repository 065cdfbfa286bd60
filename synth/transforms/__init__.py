"""Fields in, coefficients out: Fourier tools, filter banks, the wavelet cascade, covariances."""
