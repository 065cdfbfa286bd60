"""Where a command computes."""

__all__ = ["settle"]


def settle(
    device: str, devices: int | None = None, *, distributed: bool = False, cache: bool = True
) -> bool:
    """Settle where JAX computes; whether this process is the one that writes."""
    from synth.app import programs, runtime

    if cache:
        programs.keep()
    if distributed:
        runtime.join()
    runtime.choose(device, devices)
    import jax

    return jax.process_index() == 0
