"""What is fitted to the data before a model sees them, per trial or fold, on its training rows only."""

from tunecli.preprocessing.choices import Choices
from tunecli.preprocessing.inputs import routed, routed_signature
from tunecli.preprocessing.prepare import Prepared, prepare, targets
from tunecli.preprocessing.preprocessor import Preprocessor

__all__ = ["Choices", "Prepared", "Preprocessor", "prepare", "routed", "routed_signature", "targets"]
