"""The command line ``dlrsd-runtime``: one file a command, and `app` puts them together.

A command's file is light to import, so that ``--help`` answers at once; what loads NumPy or an
engine is imported when the command runs.
"""
