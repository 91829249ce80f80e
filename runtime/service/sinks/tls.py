"""TLS that checks who the other side is."""

from __future__ import annotations

import ssl
from pathlib import Path

from dlrsd.runtime.base.errors import InputError


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """TLS that takes only a certificate for the host's name, signed by one that is trusted.

    Parameters
    ----------
    ca_file : Path, optional
        The certificates to trust, in PEM, in place of the system's.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # also ssl.SSLError
        raise InputError(
            f"cannot read certificates from {ca_file}: {error.strerror or error}"
        ) from error
