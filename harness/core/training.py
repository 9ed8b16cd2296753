"""What belongs to a layer besides the operator: initialisers, learning-rate and L2 factors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple, TypeAlias

from harness.core.operators import Operator

Distribution: TypeAlias = Literal["uniform", "normal", "truncated_normal", "constant"]
Fan: TypeAlias = Literal["in", "out", "average"]


class Initializer(NamedTuple):
    """How weights or a bias are drawn before training.

    Frameworks disagree on which fan of a transposed convolution is "in".  Here ``in`` counts the
    input channels and ``out`` the output channels of the transposed convolution itself.

    Attributes
    ----------
    distribution : {"uniform", "normal", "truncated_normal", "constant"}
        Its mean is zero; a constant has the value ``scale``.
    scale : float
        The variance is ``scale / fan`` or, without a fan, ``scale``.
    fan : {"in", "out", "average"}, optional

    Examples
    --------
    >>> glorot = Initializer("uniform", 1.0, "average")
    >>> glorot.variance(Operator.of(64, 128, (3, 3))) == 2 / (64 * 9 + 128 * 9)
    True
    """

    distribution: Distribution
    scale: float
    fan: Fan | None = None

    def variance(self, operator: Operator) -> float:
        """Return the variance of an element of the weights of ``operator``."""
        if self.distribution == "constant":
            return 0.0
        return self.scale / fans(operator)[self.fan] if self.fan else self.scale

    def deviation(self, operator: Operator) -> float:
        """Return the standard deviation."""
        return math.sqrt(self.variance(operator))

    def bound(self, operator: Operator) -> float:
        """Return the ``a`` of the uniform distribution over ``[-a, a]`` of this variance."""
        return math.sqrt(3 * self.variance(operator))


def fans(operator: Operator) -> dict[Fan, float]:
    """Return the fans as frameworks count them: channels of the weight array times taps.

    >>> fans(Operator.of(6, 10, (3, 3), groups=2))
    {'in': 54, 'out': 45, 'average': 49.5}
    """
    rows, columns, *kernel = operator.weight_shape
    taps = math.prod(kernel)
    return {"in": rows * taps, "out": columns * taps, "average": (rows + columns) * taps / 2}


# The standard deviation of a standard normal distribution truncated at 2.
TRUNCATED_DEVIATION: Final = 0.87962566103423978

# No layer needs more; the square of a larger number in a text could overflow.
LARGEST_DEVIATION: Final = 1e100

ZEROS: Final = Initializer("constant", 0.0)
ONES: Final = Initializer("constant", 1.0)
GLOROT: Final = Initializer("uniform", 1.0, "average")


@dataclass(frozen=True)
class Training:
    """The training settings of a layer; ``None`` for those that it does not set.

    Attributes
    ----------
    weights, bias : Initializer, optional
    weights_rate, bias_rate : float, optional
        Factors of the learning rate.
    weights_decay, bias_decay : float, optional
        Factors of the L2 regularisation: of the ``l2`` in ``gradient + l2 * weight``.  If only one
        is set, the other is 1; frameworks with a different default set it.
    """

    weights: Initializer | None = None
    bias: Initializer | None = None
    weights_rate: float | None = None
    bias_rate: float | None = None
    weights_decay: float | None = None
    bias_decay: float | None = None

    @property
    def has_rate(self) -> bool:
        """Whether it sets a factor of the learning rate."""
        return self.weights_rate is not None or self.bias_rate is not None

    @property
    def has_decay(self) -> bool:
        """Whether it sets a factor of the L2 regularisation."""
        return self.weights_decay is not None or self.bias_decay is not None

    def without_bias(self) -> Training:
        """Return the settings of the same layer without bias.

        >>> Training(weights_rate=2.0, bias_decay=0.0).without_bias() == Training(weights_rate=2.0)
        True
        """
        return replace(self, bias=None, bias_rate=None, bias_decay=None)

    @property
    def is_truncated(self) -> bool:
        """Whether anything is drawn from a truncated normal distribution."""
        drawn = (self.weights, self.bias)
        return any(wanted and wanted.distribution == "truncated_normal" for wanted in drawn)


SILENT: Final = Training()
