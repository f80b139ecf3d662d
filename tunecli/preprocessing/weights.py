"""How much each row counts in the loss: by the weights that the data bring, and by how frequent its class is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tunecli.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def row_weights(
    weights: NDArray[np.float64], train_rows: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Returns the weights of some rows; scaled so that their mean over the training rows is 1.

    The size of the loss, and with it of a good learning rate, then does not depend on the unit of the weights.

    Raises:
        DataError: All training rows have weight 0.
    """
    import numpy as np

    mean = float(weights[train_rows].mean())
    if mean == 0:
        raise DataError("all training rows have weight 0", hint="write another dataset.split_seed or sample_weight")
    return (weights[rows] / mean).astype(np.float32)


def balanced(part: tuple[Any, ...], train_targets: NDArray[Any]) -> tuple[Any, ...]:
    """Returns a part with the weights of the classes multiplied into those of its rows.

    A class that has n_c of the n training rows has the weight n / (k · n_c), for k classes among them (King and Zeng
    2001, "Logistic regression in rare events data", section 4.2); the mean over the training rows is 1.

    Args:
        part: `(x, y)` or `(x, y, weights)`.
        train_targets: The classes of the training rows. A class that is not among them has weight 1.
    """
    import numpy as np

    x, y, *given = part
    classes, counts = np.unique(train_targets, return_counts=True)
    weights = np.ones(len(y), dtype=np.float32)
    for each, count in zip(classes, counts, strict=True):
        weights[np.ravel(y) == each] = len(train_targets) / (len(classes) * count)
    return x, y, weights * given[0] if given else weights
