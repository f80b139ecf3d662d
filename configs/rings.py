"""Rings around each other: a class each, told apart by how far from the middle a point lies."""

import numpy as np


def load(rows=600, rings=3, noise=0.15, seed=0):
    """Returns points `(rows, 2)` and the ring that each lies on."""
    random = np.random.default_rng(seed)
    ring = np.arange(rows) % rings
    radius = ring + 1 + noise * random.normal(size=rows)
    angle = random.uniform(0, 2 * np.pi, rows)
    return {
        "x": np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1),
        "y": ring,
        "feature_names": ["east", "north"],
        "class_names": [f"ring {number + 1}" for number in range(rings)],
    }
