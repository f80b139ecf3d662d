"""Python, the packages, and the environment variables that change what they do."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from importlib.util import cache_from_source, find_spec
from pathlib import Path

from tunecli.store.environment import versions
from tunecli.tools.doctor.check import Check, Status


@dataclass(frozen=True)
class Setting:
    """What an environment variable does to a training.

    Attributes:
        effect: In a few words.
        harmless: The values that need no advice; None if none does.
        status: Of any other value.
        hint: What to do about any other value.
    """

    effect: str
    harmless: tuple[str, ...] | None = None
    status: Status = Status.WARNING
    hint: str = ""


_USE_LIMITS = "unset it, and write limits: {threads: N} in the spec, which is kept with the study"

SETTINGS: Mapping[str, Setting] = {
    "KERAS_BACKEND": Setting(
        "what Keras computes with, which must be tensorflow", ("tensorflow", ""), Status.PROBLEM, "unset it"
    ),
    "TF_NUM_INTRAOP_THREADS": Setting(
        "threads of one operation where limits.threads is not given; other threads, other last digits of a score",
        (),
        hint=_USE_LIMITS,
    ),
    "TF_NUM_INTEROP_THREADS": Setting(
        "operations that run side by side where limits.threads is not given", (), hint=_USE_LIMITS
    ),
    "TF_ENABLE_ONEDNN_OPTS": Setting(
        "0 turns oneDNN's kernels off: convolutions are slower, and scores differ in their last digits",
        ("1", "true"),
        hint="unset it, unless scores must equal those of a machine without oneDNN",
    ),
    "TF_DETERMINISTIC_OPS": Setting("1 makes a GPU compute the same every time, more slowly"),
    "OMP_NUM_THREADS": Setting("threads of NumPy, SciPy and scikit-learn; TensorFlow's are limits.threads"),
    "CUDA_VISIBLE_DEVICES": Setting("the GPUs that TensorFlow may see; empty or -1 hides all"),
    "XLA_FLAGS": Setting("options of XLA's compiler: speed, and the last digits of a score"),
    "PYTHONHASHSEED": Setting("the order of Python's sets, which no score depends on"),
}
"""The environment variables that change how fast a training is, or what comes of it."""


def check_installation() -> Iterator[Check]:
    """Holds Python and the packages against what tunecli says that it needs."""
    try:
        needed = metadata("tunecli")["Requires-Python"]
    except PackageNotFoundError:
        hint = "run `python -m pip install .` in the folder of its pyproject.toml"
        yield Check("installation", Status.WARNING, "tunecli is not installed, so what it needs is not known", hint)
        return
    yield check_python(needed, platform.python_version())
    yield from check_packages(requires("tunecli") or [])


def check_python(needed: str, received: str) -> Check:
    """Holds Python's version against a range such as `>=3.11`."""
    from packaging.specifiers import SpecifierSet

    if SpecifierSet(needed).contains(received, prereleases=True):
        return Check("Python", Status.OK, f"{received} on {platform.platform()}")
    return Check("Python", Status.PROBLEM, f"{received} is not {needed}", "install tunecli for another Python")


def check_packages(requirements: Sequence[str]) -> Iterator[Check]:
    """Holds the installed packages against requirements such as `numpy<3,>=2.0`; those of extras are left out."""
    from packaging.requirements import Requirement

    missing, misfits, wanted = [], [], []
    for each in map(Requirement, requirements):
        if each.marker is not None and not each.marker.evaluate({"extra": ""}):
            continue
        found = _installed(each.name)
        if found is None:
            missing.append(each.name)
        elif not each.specifier.contains(found, prereleases=True):
            misfits.append(f"{each.name} {found} is not {each.specifier}")
        else:
            continue
        wanted.append(f"{each.name}{each.specifier}")
    hint = f"python -m pip install {shlex.join(wanted)}"
    yield Check("packages", Status.OK, ", ".join(f"{name} {found}" for name, found in versions().items()))
    if missing:
        yield Check("packages", Status.PROBLEM, f"not installed: {', '.join(missing)}", hint)
    if misfits:
        yield Check("packages", Status.WARNING, f"not tried with these: {', '.join(misfits)}", hint)


def check_bytecode(origins: Sequence[Path], *, is_disabled: bool) -> Iterator[Check]:
    """Says whether importing TensorFlow reads byte code, or compiles thousands of modules each time.

    Args:
        origins: The `__init__.py` of each package to look at.
        is_disabled: Whether Python is told to keep no byte code.
    """
    uncompiled = [each for each in origins if not Path(cache_from_source(str(each))).exists()]
    if uncompiled and is_disabled:
        names = " and ".join(each.parent.name for each in uncompiled)
        found = f"{names} not compiled, and PYTHONDONTWRITEBYTECODE is set: each start takes 14-18 s instead of 4-6 s"
        folders = shlex.join(str(each.parent) for each in uncompiled)
        yield Check("byte code", Status.WARNING, found, f"python -m compileall -q {folders}")
    elif origins:
        yield Check("byte code", Status.OK, "the first start compiles it" if uncompiled else "compiled")


def check_settings(environ: Mapping[str, str]) -> Iterator[Check]:
    """Says what each of `SETTINGS` does that is set."""
    for name, setting in SETTINGS.items():
        if name not in environ:
            continue
        value = environ[name]
        is_fine = setting.harmless is None or value in setting.harmless
        found = f"{value or 'empty'} — {setting.effect}"
        yield Check(name, Status.OK, found) if is_fine else Check(name, setting.status, found, setting.hint)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def origins(packages: Sequence[str]) -> list[Path]:
    """Returns the `__init__.py` of each package that is installed, without importing it."""
    specs = map(find_spec, packages)
    return [Path(spec.origin) for spec in specs if spec is not None and spec.origin is not None]
