"""A bundle: everything that predicting takes, in one folder that needs neither the study nor its data.

    bundle = Bundle.open(run.layout.best.folder)     # checks every file's hash; loads no model, imports no TensorFlow
    bundle.manifest.columns                          # what it reads: names, kinds, ranges, categories
    outputs = bundle.predict(columns)                # loads the models; original units, or probabilities

Nothing in it is a pickle. A model of the user's own comes with its code, which is run when the model is loaded: of a
bundle that somebody else may have made, that has to be allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tunecli.datasets.base import Columns, output_count
from tunecli.errors import DataError, UsageError
from tunecli.families.base import DataSignature
from tunecli.preprocessing import Preprocessor
from tunecli.preprocessing.inputs import route, routed_signature
from tunecli.spec.experiment import Task
from tunecli.store.files import read_json
from tunecli.store.layout import BestLayout
from tunecli.training.manifest import Manifest, check_files, read_manifest

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files are as they were written.

    Attributes:
        layout: Its files.
        manifest: What it holds.
        trust_code: Whether code of its own may be run.
    """

    layout: BestLayout
    manifest: Manifest
    trust_code: bool

    @classmethod
    def open(cls, folder: Path, *, trust_code: bool = False) -> Bundle:
        """Reads the manifest and checks every file against it.

        Args:
            folder: The bundle.
            trust_code: Whether to run code that comes with it; the caller knows who has made it.

        Raises:
            DataError: A file is missing, changed or damaged; names it.
        """
        layout = BestLayout(folder)
        manifest = read_manifest(layout)
        check_files(layout, manifest)
        return cls(layout, manifest, trust_code)

    @cached_property
    def preprocessor(self) -> Preprocessor:
        """What was fitted to the training rows.

        Raises:
            DataError: It is damaged.
        """
        try:
            return Preprocessor.from_json(read_json(self.layout.preprocessing))
        except ValidationError as error:
            what = f"is damaged: {error.errors()[0]['msg']}"
            raise DataError(what, where=str(self.layout.preprocessing), hint="make it anew: tunecli retrain") from error

    @cached_property
    def signature(self) -> DataSignature:
        """What the models were built for."""
        task, targets = self.manifest.task, self.manifest.targets
        outputs = output_count(task, targets[0].classes, [each.name for each in targets])
        return routed_signature(self.preprocessor.signature(task, outputs), self.manifest.inputs)

    @cached_property
    def models(self) -> tuple[keras.Model, ...]:
        """The models whose mean is predicted, loaded at first use.

        Raises:
            UsageError: They come with code that may not be run, or that cannot be.
            DataError: Keras cannot read one.
        """
        from tunecli.training.own_models import read_kept
        from tunecli.training.runtime import import_tensorflow

        folder, manifest = self.layout.folder, self.manifest
        if manifest.code is not None and not self.trust_code:
            what = f"this bundle brings Python code of its own, {manifest.code}, which its model needs"
            hint = "read it; if you trust it, add --trust-code"
            raise UsageError(what, where=str(folder), hint=hint)
        import_tensorflow()
        code, recipe = (None if name is None else folder / name for name in (manifest.code, manifest.recipe))
        return tuple(read_kept(folder / name, code=code, recipe=recipe) for name in manifest.models)

    def load(self) -> None:
        """Loads the models now, so that what is wrong with them is said before anything else is begun.

        Raises:
            UsageError: They need code that may not be run, or inputs that only a `fit` of the user's own makes.
            DataError: Keras cannot read one.
        """
        if self.manifest.own_fit_changes_inputs:
            raise UsageError(
                "the fit of this model's HyperModel changes its inputs, and a bundle cannot do that for new rows",
                where=str(self.layout.folder),
                hint="put what fit does to the rows into layers of the model, then search and retrain",
            )
        assert self.models, "a bundle has a model"

    def inputs(self, columns: Columns) -> Any:
        """Returns what the models read, of all rows: float32 arrays, one, or one for each input by its name.

        Args:
            columns: Those of `manifest.columns`, in this order; their categories may differ.
        """
        import numpy as np

        rows = len(columns.numeric if columns.images is None else columns.images)
        x = self.preprocessor.transform(columns, np.arange(rows, dtype=np.int64))
        return x if self.manifest.inputs is None else route(x, self.signature)

    def predict(self, columns: Columns) -> NDArray[np.float32]:
        """Predicts rows: the mean of what the models give.

        Args:
            columns: Those of `manifest.columns`, in this order; their categories may differ.

        Returns:
            `(rows, targets)` for regression, in the targets' units; `(rows, 1)` for two classes, the probability of the
            second; `(rows, classes)` for more classes; `(rows, labels)` for labels, the probability of each.

        Raises:
            UsageError: The models need code that may not be run, or inputs that only a `fit` of the user's own makes.
        """
        return self.predict_inputs(self.inputs(columns))

    def predict_inputs(self, inputs: Any) -> NDArray[np.float32]:
        """Does what `predict` does, from what `inputs` returns."""
        import numpy as np

        self.load()
        total: NDArray[np.float64] | None = None
        for model in self.models:
            outputs = self._fitting(_outputs(model, inputs, self.manifest.task).astype(np.float64))
            total = outputs if total is None else total + outputs
        assert total is not None, "a bundle has a model"
        return (total / len(self.models)).astype(np.float32)

    def _fitting(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns outputs of the width that the task asks for; a user's own model may give both of two classes.

        Raises:
            UsageError: They do not fit the task.
        """
        width = self.signature.outputs
        if self.manifest.task is Task.BINARY and outputs.shape[1:] == (2,):
            return outputs[:, 1:]
        if outputs.shape[1:] != (width,):
            shape = ", ".join(map(str, outputs.shape[1:]))
            what = f"the model gives ({shape}) for a row, where the task, {self.manifest.task}, asks for ({width})"
            raise UsageError(
                what, where=str(self.layout.folder), hint="end the model in such a layer, and search again"
            )
        return outputs


def _outputs(model: keras.Model, inputs: Any, task: Task) -> NDArray[np.generic]:
    """Returns what a model predicts: of several outputs, the main or first one; logits as probabilities."""
    import keras

    from tunecli.families.two_outputs import MAIN
    from tunecli.training.evaluate import predict

    found = predict(model, (inputs,))
    if isinstance(found, dict):
        found = found.get(MAIN, next(iter(found.values())))
    outputs: NDArray[np.generic] = found[0] if isinstance(found, list | tuple) else found
    outputs = outputs[:, None] if outputs.ndim == 1 else outputs
    if has_logits(model):
        activation = getattr(keras.ops, activation_of_logits(task, outputs.shape[1]))
        outputs = keras.ops.convert_to_numpy(activation(outputs))
    return outputs


def activation_of_logits(task: Task, width: int) -> str:
    """Returns what makes probabilities of so many logits: labels are told one by one, and so are two classes by one."""
    return "sigmoid" if width == 1 or task is Task.MULTILABEL else "softmax"


def has_logits(model: keras.Model) -> bool:
    """Says whether a user's own model was compiled with a loss that takes logits."""
    import keras

    loss = getattr(model, "loss", None)
    return isinstance(loss, keras.losses.Loss) and bool(loss.get_config().get("from_logits"))
