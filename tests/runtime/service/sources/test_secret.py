"""Passwords from the environment and from files, never in a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.sources.secret import check_secret, read_secret


def test_it_is_read_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLRSD_TEST_PASSWORD", " with blanks ")
    assert read_secret("DLRSD_TEST_PASSWORD", None) == " with blanks "
    (tmp_path / "word").write_bytes("öffne dich \r\n".encode())
    assert read_secret(None, str(tmp_path / "word")) == "öffne dich "
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_secret(None, "word") == "öffne dich "
    assert read_secret(None, None) is None


def test_what_is_not_there_is_said_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DLRSD_TEST_PASSWORD", raising=False)
    with pytest.raises(InputError, match="DLRSD_TEST_PASSWORD is not set"):
        read_secret("DLRSD_TEST_PASSWORD", None)
    with pytest.raises(InputError, match="No such file"):
        read_secret(None, str(tmp_path / "nowhere"))
    (tmp_path / "bytes").write_bytes(b"secret\xff")
    with pytest.raises(InputError, match="no text") as refused:
        read_secret(None, str(tmp_path / "bytes"))
    assert "secret" not in str(refused.value).replace(str(tmp_path), "")
    (tmp_path / "large").write_bytes(b"x" * (1 << 15))
    with pytest.raises(InputError, match="32768 bytes"):
        read_secret(None, str(tmp_path / "large"))


def test_it_is_stated_once() -> None:
    check_secret("A", None)
    with pytest.raises(ValueError, match="one of them"):
        check_secret("A", "b")
