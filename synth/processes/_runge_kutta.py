"""The time scheme: one step of any equation that splits into a linear and a nonlinear part.

It knows an equation by two things only, so it can be tested on equations with a known solution
and the equation can be tested without it.
"""

from typing import Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact


@runtime_checkable
class SplitEquation(Protocol):
    """An equation ∂y/∂t = L y + N(y) with a diagonal linear part."""

    @property
    def linear(self) -> Float[Array, "..."]:
        """Return L, the rate of each mode, per unit of time."""
        ...

    def nonlinear(self, state: Inexact[Array, "..."], /) -> Inexact[Array, "..."]:
        """Return N(y)."""
        ...


def rk4_step(
    equation: SplitEquation, state: Inexact[Array, "*s"], dt: float | Float[Array, ""]
) -> Inexact[Array, "*s"]:
    """Advance by one step of the integrating-factor Runge-Kutta scheme of order four.

    With z = exp(-tL) y the equation is ∂z/∂t = exp(-tL) N(exp(tL) z), and the classical
    four stages apply to z: the linear part is solved exactly, however stiff.

    Args:
        equation: L and N.
        state: y at the beginning of the step.
        dt: length of the step.

    Returns:
        y at its end.

    Example:
        >>> class Decay:
        ...     linear = jnp.array(-1.0)
        ...     def nonlinear(self, state): return 0.0 * state
        >>> round(float(rk4_step(Decay(), jnp.array(1.0), 1.0)), 4)
        0.3679

    Source: Canuto, Hussaini, Quarteroni & Zang (2007), Spectral Methods: Evolution to Complex
        Geometries, section 3.3 (integrating factors).
    """
    half = jnp.exp(0.5 * dt * equation.linear)
    carried = half * state
    first = equation.nonlinear(state)
    second = equation.nonlinear(carried + 0.5 * dt * half * first)
    third = equation.nonlinear(carried + 0.5 * dt * second)
    fourth = equation.nonlinear(half * (carried + dt * third))
    middle = carried + dt / 6 * (half * first + 2 * (second + third))
    return half * middle + dt / 6 * fourth
