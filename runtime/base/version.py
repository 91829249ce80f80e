"""The version of dlrsd, here because asking the package's metadata for it delays every start."""

VERSION = "0.1.0"
