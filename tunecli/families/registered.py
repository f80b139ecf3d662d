"""Importing this module tells Keras every class of ours, which loading a kept model asks for."""

import tunecli.families.keras_classes
import tunecli.families.original_units
import tunecli.families.two_outputs  # noqa: F401
