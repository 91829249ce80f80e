from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.store.backup import backup, restore
from dlrsd.runtime.service.store.housekeeping import keep_waveform
from dlrsd.runtime.service.store.keeping import WAVEFORMS
from dlrsd.runtime.service.store.labelling import label_windows
from dlrsd.runtime.service.store.labels import LABELLED
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store
from tests.runtime.service.store.made import change, minute, newest, waveform


@pytest.fixture
def filled(store: Store) -> Store:
    store.write_minutes([minute(n) for n in range(300)], newest)
    store.decide([change(1)], "pump", b"known")
    assert keep_waveform(store, waveform())
    label_windows(store, waveform(), "DE", "inner", by="Ada", time=1.0, window_s=0.1)
    return store


def content(folder: Path) -> dict[str, object]:
    reading = Reading(folder)
    rows = reading.waveforms()
    found = {
        "minutes": reading.minutes("pump", "DE", start=0, end=1e9),
        "alarms": reading.alarms(),
        "changes": reading.changes("a1"),
        "waveforms": [(row, reading.waveform(row.id).samples.tobytes()) for row in rows],
        "labelled": reading.labelled(),
        "files": sorted(p.relative_to(folder) for p in folder.rglob("*") if p.suffix != ".db-wal"
                        and p.suffix != ".db-shm"),
    }  # fmt: skip
    reading.close()
    return found


def test_a_backup_that_is_restored_is_the_store(filled, tmp_path) -> None:
    before = content(filled.folder)
    backup(filled.folder, tmp_path / "backup")
    filled.write_minutes([minute(n) for n in range(300, 400)], newest)
    filled.decide([change(2)], "pump", b"later")
    assert content(tmp_path / "backup") == before
    restore(tmp_path / "backup", tmp_path / "again")
    assert content(tmp_path / "again") == before
    with Store.open(tmp_path / "again", Limits(), sinks=["mail"]) as again:
        assert again.snapshot("pump") == b"known"
        assert [each.id for each in again.undelivered("mail", 9)] == ["c1"]
        again.decide([change(2)], "pump", b"later")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "backup", "store"]


def test_a_backup_is_of_one_moment_while_the_store_is_written(filled, tmp_path) -> None:
    stop, errors = threading.Event(), []

    def write() -> None:
        number = 10
        while not stop.is_set():
            changes = [change(number, alarm=f"a{number}"), change(number + 1, alarm=f"b{number}")]
            filled.decide(changes, "pump", str(number).encode())
            if not keep_waveform(filled, waveform(alarm=f"a{number}")):
                errors.append(number)
            number += 2

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(5):
            backup(filled.folder, tmp_path / f"backup-{n}")
    finally:
        stop.set()
        writer.join()
    assert errors == []
    for n in range(5):
        with sqlite3.connect(tmp_path / f"backup-{n}" / "store.db") as c:
            ids = {each for (each,) in c.execute("SELECT id FROM change")} - {"c1"}
            known = int(
                c.execute("SELECT body FROM snapshot").fetchone()[0].replace(b"known", b"8")
            )
        assert ids == {f"c{n}" for n in range(10, known + 2)}
        found = Reading(tmp_path / f"backup-{n}")
        for row in found.waveforms(most=10**6):
            found.waveform(row.id)


def test_nothing_is_written_over(filled, tmp_path) -> None:
    backup(filled.folder, tmp_path / "backup")
    before = content(tmp_path / "backup")
    with pytest.raises(InputError, match="is there already"):
        backup(filled.folder, tmp_path / "backup")
    with pytest.raises(InputError, match="is there already"):
        restore(tmp_path / "backup", filled.folder)
    (tmp_path / "file").write_text("a")
    with pytest.raises(InputError, match="is there already"):
        backup(filled.folder, tmp_path / "file")
    with pytest.raises(InputError, match="there is no store"):
        backup(tmp_path, tmp_path / "more")
    with pytest.raises(InputError, match="there is no backup"):
        restore(tmp_path, tmp_path / "more")
    with pytest.raises(InputError, match="cannot make"):
        backup(filled.folder, tmp_path / "none" / "more")
    assert content(tmp_path / "backup") == before
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "backup", tmp_path / "empty")
    assert content(tmp_path / "empty") == before
    assert not list(tmp_path.glob(".*"))


def damage_database(folder: Path) -> None:
    content = bytearray((folder / "store.db").read_bytes())
    content[20_000:30_000] = b"\x11" * 10_000
    (folder / "store.db").write_bytes(content)


def execute(statement: str):
    def damage(folder: Path) -> None:
        with sqlite3.connect(folder / "store.db") as c:
            c.execute(statement)

    return damage


def link_waveform(folder: Path) -> None:
    (path,) = (folder / WAVEFORMS).rglob("*.parquet")
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")


def link_labelled(folder: Path) -> None:
    (path,) = (folder / LABELLED).glob("*")
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")


DAMAGES = {
    "damaged": (damage_database, "is damaged"),
    "newer": (execute("PRAGMA user_version = 99"), "version 99, expected at most"),
    "another's": (execute("PRAGMA application_id = 7"), "another program's"),
    "trigger": (
        execute("CREATE TRIGGER t AFTER INSERT ON change BEGIN DELETE FROM change; END"),
        "not laid out as version",
    ),
    "view": (execute("CREATE VIEW v AS SELECT 1"), "not laid out as version"),
    "table gone": (execute("DROP TABLE outbox"), "not laid out as version"),
    "path": (execute("UPDATE waveform SET name = '../../../etc/passwd'"), "names the waveform"),
    "class": (execute("UPDATE label SET name = '..' || substr(name, 6)"), "names the file"),
    "absolute": (execute("UPDATE label SET name = '/etc/' || name"), "names the file"),
    "link": (link_waveform, "is a link"),
    "folder that is a link": (link_labelled, "names the file"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_strangers_backup_is_not_restored(filled, tmp_path, damage) -> None:
    backup(filled.folder, tmp_path / "backup")
    break_it, said = DAMAGES[damage]
    break_it(tmp_path / "backup")
    with pytest.raises(InputError, match=said) as caught:
        restore(tmp_path / "backup", tmp_path / "again")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "store"]


def test_what_a_killed_backup_left_goes(filled, tmp_path) -> None:
    left = tmp_path / ".backup.999999.part"
    left.mkdir()
    (left / "store.db").write_bytes(b"half")
    backup(filled.folder, tmp_path / "backup")
    assert not left.exists()


def test_a_full_disk_leaves_no_half_of_a_backup(filled, small_disk) -> None:
    import sys

    for _ in range(3):
        assert keep_waveform(filled, waveform(n=400_000, alarm=f"w{_}"))
    if filled.folder.parent != small_disk.folder:
        shutil.copytree(filled.folder, small_disk.folder / "store")
    code = (
        "from pathlib import Path; from dlrsd.runtime.service.store.backup import backup; "
        'backup(Path("store"), Path("small/backup"))'
    )
    done = small_disk(f"{sys.executable} -c '{code}'; ls -A small", size=1 << 20)
    assert "InputError: cannot make small/backup: No space left on device" in done.stderr
    assert done.stdout == ""
