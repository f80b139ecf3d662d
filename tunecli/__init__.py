"""A hyperparameter tuner for Keras: one YAML file in, an honest winner out."""

__version__ = "0.1.0"
