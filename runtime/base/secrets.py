"""Secrets: named in a file of settings, never written there, and read when they are needed."""

from __future__ import annotations

import os
from pathlib import Path

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import read_bounded

_MOST_BYTES = 65536


def check_secret(what: str, *, env: str | None, file: str | None, needed: bool = False) -> None:
    """Whether the place of a secret is said once, or not at all where it is not ``needed``.

    Raises
    ------
    ValueError
        In one sentence, for a ``__post_init__``.
    """
    if env is not None and file is not None:
        raise ValueError(f"{what} is named twice: expected {what}_env or {what}_file, not both")
    if needed and env is None and file is None:
        raise ValueError(f"no {what}: expected {what}_env (a variable) or {what}_file (a path)")
    if file is not None and (not file or ("/" in file and not Path(file).is_absolute())):
        raise ValueError(
            f"{what}_file = {file!r}, expected a whole path from / on, or the name of a credential "
            "that systemd hands over"
        )


def read_secret(what: str, *, env: str | None, file: str | None) -> str | None:
    """A secret from an environment variable or a file, without the line's end; None: none named.

    A file without a folder is a credential of systemd, in ``$CREDENTIALS_DIRECTORY``.

    Raises
    ------
    InputError
        If it is not there or empty; the text names the place, never the secret.
    """
    if env is not None:
        if not (value := os.environ.get(env)):
            raise InputError(f"no {what}: the environment variable {env} is not set or empty")
        return value
    if file is None:
        return None
    path = Path(file)
    if not path.is_absolute():
        if not (folder := os.environ.get("CREDENTIALS_DIRECTORY")):
            raise InputError(
                f"no {what}: {file} is a credential of systemd, but $CREDENTIALS_DIRECTORY is not "
                "set; add LoadCredential= to the unit, or name a whole path"
            )
        path = Path(folder) / path
    try:
        value = read_bounded(path, most=_MOST_BYTES).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InputError(f"no {what}: {path} holds no text in UTF-8") from None
    except OSError as error:
        raise InputError(f"no {what}: cannot read {path}: {error.strerror or error}") from error
    if not value:
        raise InputError(f"no {what}: {path} is empty")
    return value
