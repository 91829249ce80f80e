"""Secrets are read from where they are named, and never said."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.secrets import check_secret, read_secret


def test_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANT_KEY", "hüsh hush ")
    assert read_secret("key", env="PLANT_KEY", file=None) == "hüsh hush "
    for value in (None, ""):
        monkeypatch.delenv("PLANT_KEY") if value is None else monkeypatch.setenv("PLANT_KEY", "")
        with pytest.raises(InputError, match="PLANT_KEY is not set or empty"):
            read_secret("key", env="PLANT_KEY", file=None)


def test_from_a_file_without_the_end_of_its_line(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"hush hush \r\n")
    assert read_secret("key", env=None, file=str(path)) == "hush hush "


def test_from_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(InputError, match="LoadCredential"):
        read_secret("key", env=None, file="mail")
    (tmp_path / "mail").write_text("hush\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_secret("key", env=None, file="mail") == "hush"


def test_none_is_named() -> None:
    assert read_secret("key", env=None, file=None) is None


@pytest.mark.parametrize("content", [None, b"", b"\n", b"hush\xff", b"hush" * 20_000, "folder"])
def test_what_is_no_secret_is_refused_without_saying_it(
    content: bytes | str | None, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()
    with pytest.raises(InputError, match="no key: ") as raised:
        read_secret("key", env=None, file=str(path))
    assert str(path) in str(raised.value)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("env", "file", "needed"),
    [("A", "/b", False), (None, None, True), (None, "a/../b", False), (None, "", False)],
)
def test_where_it_is_must_be_said_once(env: str | None, file: str | None, needed: bool) -> None:
    with pytest.raises(ValueError, match="expected"):
        check_secret("key", env=env, file=file, needed=needed)


def test_what_is_said_well_passes() -> None:
    check_secret("key", env="A", file=None, needed=True)
    check_secret("key", env=None, file="/run/key")
    check_secret("key", env=None, file="mail", needed=True)
    check_secret("key", env=None, file=None)
