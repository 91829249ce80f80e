"""Passwords, which stand in no configuration: it names where they are."""

from __future__ import annotations

import os
from pathlib import Path

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import read_bounded

_MOST_BYTES = 1 << 14


def check_secret(env: str | None, file: str | None) -> None:
    """Raise a `ValueError` where both are named."""
    if env is not None and file is not None:
        raise ValueError("password_env and password_file are both stated: expected one of them")


def read_secret(env: str | None, file: str | None) -> str | None:
    """The password that an environment variable or a file holds; None where neither is named.

    A file's name that is not absolute is looked for among the credentials that systemd hands to
    the service. The end of its line is none of the password.

    Raises
    ------
    InputError
        If it is not there; the password is never in the message.
    """
    if env is not None:
        if env not in os.environ:
            raise InputError(f"the environment variable {env} is not set: expected the password")
        return os.environ[env]
    if file is None:
        return None
    path = Path(os.environ.get("CREDENTIALS_DIRECTORY", "")) / file
    try:
        return read_bounded(path, most=_MOST_BYTES).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InputError(f"{path} holds no text: expected the password in UTF-8") from None
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path} cannot be read: {reason}; expected the password") from None
