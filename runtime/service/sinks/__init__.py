"""Whom it is told."""
