"""The weights of a linear model: as it holds them, on scaled columns, and in the data's units.

    units = LinearUnits.of(preprocessor, model)
    weights, bias = units.in_data(*raw_parameters(model))        # sales per unit of TV, sales where TV is 0
    kernel, raw_bias = units.in_model(weights, bias)             # and back

A model that predicts classes, or ends in another activation, is linear up to there: its weights have units of the
log-odds, or of what that activation is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError
from tunecli.families.layers import is_linear

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.plan import Plan
    from tunecli.preprocessing.preprocessor import Preprocessor

    Floats = NDArray[np.float64]

_OUTPUT = "output"
"""The layer of a linear model."""


@dataclass(frozen=True)
class LinearUnits:
    """How columns and targets of a linear model are scaled, `(x - offset) / scale` each.

    Attributes:
        names: Of the features, `(features,)`.
        offset: Of each feature; indicators and categories have 0.
        scale: Of each feature; 0 for a column of one value, which the model never sees.
        target_offset: Of each output, `(outputs,)`.
        target_scale: Of each output.
    """

    names: tuple[str, ...]
    offset: Floats
    scale: Floats
    target_offset: Floats
    target_scale: Floats

    @classmethod
    def of(cls, preprocessor: Preprocessor, model: keras.Model) -> LinearUnits | None:
        """Returns what was fitted; None where columns are bent, not scaled, or there are none but pixels."""
        import numpy as np

        if preprocessor.image_shape is not None or any(each.quantiles for each in preprocessor.numeric):
            return None
        names = preprocessor.feature_names
        others = len(names) - len(preprocessor.numeric)
        outputs = model.outputs[0].shape[-1]
        target_scale, target_offset = _target_scaling(model, outputs)
        return cls(
            names,
            np.array([each.offset for each in preprocessor.numeric] + [0.0] * others),
            np.array([each.scale for each in preprocessor.numeric] + [1.0] * others),
            target_offset,
            target_scale,
        )

    @property
    def are_the_datas(self) -> bool:
        """Whether the model's own parameters are in the data's units already."""
        is_plain = (self.offset == 0).all() and (self.scale == 1).all()
        return bool(is_plain and (self.target_offset == 0).all() and (self.target_scale == 1).all())

    def in_data(self, kernel: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Returns weights `(…, features, outputs)` and biases `(…, outputs)` in the data's units; any leading axes."""
        weights, shifted = self.in_columns(kernel, bias)
        return weights * self.target_scale, shifted * self.target_scale + self.target_offset

    def in_columns(self, kernel: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Returns the same per unit of the columns, for targets as they are given."""
        import numpy as np

        scale = self.scale[:, None]
        weights = np.divide(kernel, scale, out=np.zeros_like(kernel), where=scale > 0)
        return weights, bias - np.einsum("...fo,f->...o", weights, self.offset)

    def in_model(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Returns the kernel and the bias of a model from what `in_data` gives; a column of one value has weight 0."""
        import numpy as np

        per_unit = weights / self.target_scale
        shifted = (bias - self.target_offset) / self.target_scale
        return per_unit * self.scale[:, None], shifted + np.einsum("...fo,f->...o", per_unit, self.offset)


def raw_parameters(model: keras.Model) -> tuple[Floats, Floats]:
    """Returns kernel `(features, outputs)` and bias `(outputs,)` of a linear model, as it holds them."""
    import numpy as np

    kernel, bias = model.get_layer(_OUTPUT).get_weights()
    return kernel.astype(np.float64), bias.astype(np.float64)


def put_start(plan: Plan, model: keras.Model, preprocessor: Preprocessor) -> None:
    """Gives a linear model the weights that its plan begins with; without any it stays as it is.

    Args:
        plan: The study's plan.
        model: Built, the scaling of its targets fitted.
        preprocessor: What its columns are scaled by.

    Raises:
        StudyError: A column is of texts, or has one value in all training rows.
    """
    if plan.start is None:
        return
    import numpy as np

    units = LinearUnits.of(preprocessor, model)
    assert units is not None, "the plan was checked"
    raw_kernel, raw_bias = raw_parameters(model)
    weights, bias = units.in_data(raw_kernel, raw_bias)
    for column, weight in plan.start.weights.items():
        weights[_position(column, units)] = weight
    kernel, shifted = units.in_model(weights, bias if plan.start.bias is None else np.full_like(bias, plan.start.bias))
    # a bias that nothing was said about stays as it is in the model: 0, on scaled columns
    model.get_layer(_OUTPUT).set_weights([kernel, raw_bias if plan.start.bias is None else shifted])


def _position(column: str, units: LinearUnits) -> int:
    where = f"model.initial_weights.{column}"
    if column not in units.names:
        raise StudyError("is a column of texts, which has a weight for each", where=where, hint="drop it")
    position = units.names.index(column)
    if units.scale[position] == 0:
        raise StudyError("has one value in all training rows, and so no weight", where=where, hint="drop it")
    return position


def _target_scaling(model: keras.Model, outputs: int) -> tuple[Floats, Floats]:
    """Returns scale and offset of each output, where nothing stands between it and the weights."""
    import numpy as np

    from tunecli.families.original_units import scaling_of

    found: Any = scaling_of(model) if is_linear(model.get_layer(_OUTPUT)) else None
    scale, offset = ([1.0] * outputs, [0.0] * outputs) if found is None else found[1:]
    return np.array(scale), np.array(offset)
