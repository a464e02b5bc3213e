"""What the printed weights must keep of what the allocation promised."""

from __future__ import annotations

from shoal.transformer.weights import Sizes
from shoal_solvers import Costs


def require_promised_sizes(sizes: Sizes, costs: Costs) -> None:
    """The weights are as large as the allocation says, no layer, column, head or neuron more.

    An empty layer still has one head and one neuron, and an empty stream one column.

    Raises:
        AssertionError: they are not, which is a fault of the compiler.
    """
    promised = {
        "num_layers": costs.layers,
        "d_model": max(costs.width, 1),
        "mlp_hidden_size": max(costs.neurons, 1),
        "num_heads": max(costs.heads, 1),
    }
    for name, wanted in promised.items():
        printed = getattr(sizes, name)
        if printed != wanted:
            raise AssertionError(
                f"the weights have {name} = {printed}, but the allocation promised {wanted}; this "
                "is a bug of Shoal"
            )
