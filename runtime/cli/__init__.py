"""The command line ``dlrsd-runtime``: one file a command, and `app` puts them together.

A command's file is light to import, so that ``--help`` answers at once; what loads NumPy or an
engine is imported when the command runs.
"""

import os

# typer loads pydantic, which would look through all installed packages for plugins and run them.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
