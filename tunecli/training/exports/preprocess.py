"""Does what preprocessing.json says: from the columns of a table to what the model reads.

    features = preprocess(numbers, texts)         # tables; texts only where there are such columns
    features = preprocess_images(images)          # images

It needs NumPy alone. `tunecli export` puts a copy beside models that do not hold their preprocessing themselves.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np


def preprocess(numbers: Any = None, texts: Any = None, path: Any = None) -> Any:
    """Returns features, float32 `(rows, features)`.

    Args:
        numbers: `(rows, numeric columns)`, NaN where missing; the columns in the order of the file.
        texts: `(rows, text columns)`, "" where missing; a text that is not in the file gives 0 everywhere.
        path: The file; default: preprocessing.json beside this one.
    """
    fitted = json.loads((Path(path) if path else Path(__file__).with_name("preprocessing.json")).read_text("utf-8"))
    scaled: list[Any] = []
    indicators: list[Any] = []
    encoded: list[Any] = []
    for index, column in enumerate(fitted["numeric"]):
        values = np.asarray(numbers, dtype=np.float64)[:, index]
        is_missing = np.isnan(values)
        filled = np.where(is_missing, column["median"], values)
        if column["quantiles"]:
            scaled.append(np.interp(filled, column["quantiles"], column["scores"]))
        elif column["scale"] > 0:
            scaled.append((filled - column["offset"]) / column["scale"])
        else:
            scaled.append(np.zeros(len(filled)))
        if column["has_indicator"]:
            indicators.append(is_missing)
    for index, column in enumerate(fitted["categorical"]):
        values = np.asarray(texts, dtype=object)[:, index]
        encoded += [values == ("" if category is None else category) for category in column["categories"]]
    return np.stack([*scaled, *indicators, *encoded], axis=1).astype(np.float32)


def preprocess_images(images: Any) -> Any:
    """Returns images of 0 … 255 as float32 from 0 to 1, `(rows, height, width, channels)`."""
    return np.asarray(images, dtype=np.float32) / 255
