"""What the three command lines share: one line for a user's mistake, quiet ends, exit codes.

Exit codes: 0 done, 1 the reader of our output went away, 2 a mistake the user can mend,
130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
import warnings
from contextlib import suppress
from typing import Any, NoReturn

import typer

from dlrsd.runtime.base.errors import DlrsdError, DlrsdWarning

_python_shows = warnings.showwarning

_FULL = [errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)]


def run_app(app: typer.Typer) -> NoReturn:
    """Run a typer application and exit.

    A `DlrsdError`, a usage error and an `OSError` (a full disk, a folder without permission) are
    printed as one line on standard error and exit with 2. A closed pipe ends without a word,
    Ctrl-C with 130. A `DlrsdWarning` is one line on standard error. Anything else is a fault of
    this program and keeps its traceback.
    """
    for name in ("stdout", "stderr"):  # a service may be started with them closed
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    warnings.showwarning = _show_warning
    warnings.simplefilter("always", DlrsdWarning)
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except DlrsdError as error:
        code = _fail(str(error))
    except BrokenPipeError:
        code = 1
    except OSError as error:
        code = _fail(_describe(error))
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except Exception as error:
        # Typer's usage errors: their class lives in `click` or inside typer, by typer's version.
        if not hasattr(error, "format_message"):
            raise
        code = _fail(_usage(error))
    _silence_closed_output()
    sys.exit(code if isinstance(code, int) else 0)


def _show_warning(
    message: Warning | str, category: type[Warning], *where: Any, **more: Any
) -> None:
    if issubclass(category, DlrsdWarning):
        print(f"warning: {' '.join(str(message).split())}", file=sys.stderr)
    else:
        _python_shows(message, category, *where, **more)


def _fail(message: str) -> int:
    with suppress(OSError):  # nobody is there to read it
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _describe(error: OSError) -> str:
    where = f" {error.filename}:" if error.filename else ""
    remedy = "; free some space and start it again" if error.errno in _FULL else ""
    return f"the system refused:{where} {error.strerror or error}{remedy}"


def _usage(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    message: str = error.format_message()  # type: ignore[attr-defined]
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message, file=sys.stderr)
        message = "no command was given"
    message = message.replace(": Value error, ", ": ")  # of some versions of typer
    hint = f" (try `{context.command_path} --help`)" if context else ""
    return message.rstrip(".") + hint


def _silence_closed_output() -> None:
    """Keep Python from complaining at exit about output that nobody can take any more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
