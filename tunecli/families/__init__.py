"""The model families: one file a member, one table; each sees a pure `DataSignature` and hyperparameter values."""

from tunecli.families.base import Family
from tunecli.registry import Registry

FAMILIES: Registry[Family] = Registry(
    "family",
    {
        "linear": "tunecli.families.linear:FAMILY",
        "mlp": "tunecli.families.mlp:FAMILY",
        "wide_deep": "tunecli.families.wide_deep:FAMILY",
        "cnn": "tunecli.families.cnn:FAMILY",
        "custom": "tunecli.families.custom:FAMILY",
    },
)
