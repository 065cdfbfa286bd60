"""Several devices, and the compiler: what the core asks of them."""
