"""Every error and warning dlrsd raises on purpose, and the one way to import an optional package.

A message says what was got, what was expected and what to do. The command lines print it in
one line and exit with code 2; each class also inherits the standard error it refines.
"""

from __future__ import annotations

import importlib
from types import ModuleType


class DlrsdError(Exception):
    """A mistake the user can mend; base of all errors below."""


class InputError(DlrsdError, ValueError):
    """An argument, file, recording or array cannot be used as given."""


class BundleError(DlrsdError, RuntimeError):
    """A bundle is missing, damaged, or of a schema this version does not know."""


class ExtraMissingError(DlrsdError, ImportError):
    """An optional package is not installed."""


class ParityError(DlrsdError, AssertionError):
    """An exported graph does not do what the trained model does."""


class DeviceMemoryError(DlrsdError, MemoryError):
    """The GPU has no memory left for a batch; a smaller one may fit."""


class DeviceLostError(DlrsdError, RuntimeError):
    """The GPU stopped answering."""


class DlrsdWarning(UserWarning):
    """What a person should know of the data and what was done about it; the work goes on."""


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional package when it is first needed.

    Raises
    ------
    ExtraMissingError
        If it is not installed: names the purpose and the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ExtraMissingError(
            f"{purpose} needs the package {module.split('.')[0]!r}, which cannot be imported "
            f"({error}): run `pip install 'dlrsd[{extra}]'`"
        ) from error
