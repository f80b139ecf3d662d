"""What the machine computes fast, as far as a spec can make use of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tunecli.plan import Plan

_PROCESSOR = Path("/proc/cpuinfo")

_TENSOR_CORES = (7, 0)
"""The compute capability from which a GPU of NVIDIA multiplies 16-bit matrices several times faster."""


def precision_advice(plan: Plan) -> Iterator[str]:
    """Yields what there is to say about `training.precision` on this machine.

    On a processor with AMX a small CNN's epoch took 1.7 s in bfloat16 and 3.1 s in float32 at batches of 512; dense
    layers of ordinary width gain nothing there. A processor without it computes 16-bit numbers in steps of its own.
    """
    precision = plan.training.precision
    if gpu_has_tensor_cores():
        if precision == "float32":
            yield "this GPU has tensor cores: training.precision: mixed_float16 may train wide layers faster"
    elif has_amx():
        if precision == "float32" and plan.family == "cnn":
            yield "this processor has AMX: training.precision: mixed_bfloat16 may train convolutions faster"
    elif precision != "float32":
        yield f"this machine has no hardware for {precision}: float32 is faster here"


def has_amx() -> bool:
    """Says whether the processor multiplies bfloat16 matrices by itself; only Linux tells."""
    try:
        return "amx_bf16" in _PROCESSOR.read_text()
    except OSError:
        return False


def gpu_has_tensor_cores() -> bool:
    """Says whether TensorFlow sees a GPU with tensor cores."""
    import tensorflow as tf

    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return any(each.get("compute_capability", (0, 0)) >= _TENSOR_CORES for each in details)
