"""The data sets: one file a member, one table.

A member describes itself from headers and metadata alone (`describe`), and loads its unscaled columns (`load`).
Nothing here is fitted to the data: that is `tunecli.preprocessing`.
"""

from tunecli.datasets.base import Dataset
from tunecli.registry import Registry

DATASETS: Registry[Dataset] = Registry(
    "dataset",
    {
        "advertising": "tunecli.datasets.advertising:DATASET",
        "california_housing": "tunecli.datasets.california_housing:DATASET",
        "fashion_mnist": "tunecli.datasets.fashion_mnist:DATASET",
        "csv": "tunecli.datasets.csv_file:DATASET",
        "npz": "tunecli.datasets.npz_file:DATASET",
        "image_folder": "tunecli.datasets.image_folder:DATASET",
        "python": "tunecli.datasets.python_function:DATASET",
    },
    synonyms={"california": "california_housing", "fashion": "fashion_mnist", "table": "csv"},
)
