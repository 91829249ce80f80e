"""Readers of recordings that describe themselves, one kind a file; `registry` opens them."""
