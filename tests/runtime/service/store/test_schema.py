from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.store import schema
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store
from tests.runtime.service.store.made import change, minute, newest

KEPT = Path(__file__).with_name("version_1.sql")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of today that ended in order."""
    with Store.open(tmp_path / "store", Limits(), sinks=["mqtt"], now=0.0) as store:
        store.write_minutes([minute(n) for n in range(50)], newest)
        store.decide([change(1)], "pump", b"known")
    return tmp_path / "store"


def refusal(folder: Path) -> str:
    """What a person is told who opens it: one line, and no file is changed."""
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(InputError) as caught:
        Store.open(folder, Limits())
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert before.items() <= after.items()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_store_of_version_1_opens_today(tmp_path) -> None:
    (tmp_path / "store").mkdir()
    with closing(sqlite3.connect(tmp_path / "store" / schema.DATABASE)) as c:
        c.executescript(KEPT.read_text(encoding="utf-8"))
    with Store.open(tmp_path / "store", Limits(), sinks=["mqtt"]) as store:
        assert [each.id for each in store.undelivered("mqtt", 9)] == ["c2"]
        assert store.snapshot("pump") == b"known"
    reading = Reading(tmp_path / "store")
    (row,) = reading.alarms()
    assert (row.id, row.gravest, row.acknowledged_by) == ("a1", "danger", "Ada")
    assert len(reading.minutes("pump", "DE", start=0, end=1e9)) == 3


def test_steps_bring_an_older_store_up_to_date(folder) -> None:
    steps = (*schema.STEPS, "CREATE TABLE more (a);\nALTER TABLE label ADD COLUMN b DEFAULT 5;")
    path = folder / schema.DATABASE
    schema.open_database(path, steps).close()
    with closing(schema.open_database(path, steps)) as c:
        assert c.execute("PRAGMA user_version").fetchone() == (len(steps),)
        assert c.execute("SELECT count(*) FROM more").fetchone() == (0,)
        assert c.execute("SELECT count(*) FROM minute").fetchone() == (50,)
    assert f"version {len(steps)}, expected at most {len(schema.STEPS)}" in refusal(folder)


def test_a_step_that_fails_changes_nothing(folder) -> None:
    path = folder / schema.DATABASE
    with pytest.raises(InputError, match="no such table: missing"):
        schema.open_database(path, (*schema.STEPS, "DROP TABLE minute;\nDROP TABLE missing;"))
    with closing(schema.open_database(path)) as c:
        assert c.execute("SELECT count(*) FROM minute").fetchone() == (50,)


def test_what_is_no_store_is_refused_and_left_as_it_is(folder) -> None:
    path = folder / schema.DATABASE
    path.write_text("time,value\n1,2\n")
    assert "is no database" in refusal(folder)
    path.unlink()
    with closing(sqlite3.connect(path)) as c:
        c.execute("CREATE TABLE theirs (a)")
    assert "another program's database" in refusal(folder)


@pytest.mark.parametrize("damage", ["cut", "garbled", "garbled schema"])
def test_a_damaged_store_is_refused_with_what_helps(folder, damage) -> None:
    path = folder / schema.DATABASE
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    else:
        first = 4096 * 4 if damage == "garbled" else 100
        content[first : first + 20_000] = b"\x5a" * 20_000
    path.write_bytes(content)
    said = refusal(folder)
    assert str(path) in said
    assert "is damaged" in said
    assert "restore it from a backup" in said


def test_a_folder_that_another_watch_has_is_refused(folder) -> None:
    with Store.open(folder, Limits()), pytest.raises(InputError, match="in use by another watch"):
        Store.open(folder, Limits())


def test_what_was_being_made_when_it_was_killed_is_made_anew(tmp_path) -> None:
    (tmp_path / schema.DATABASE).write_bytes(b"")
    Store.open(tmp_path, Limits()).close()
    (tmp_path / schema.DATABASE).unlink()
    with closing(sqlite3.connect(tmp_path / schema.DATABASE)) as c:
        c.execute("PRAGMA journal_mode = WAL")
    Store.open(tmp_path, Limits()).close()


def test_a_disk_that_takes_nothing_is_refused(small_disk, folder) -> None:
    folder.rename(small_disk.folder / "kept")
    line = (
        "cp -r kept small/store; mount -o remount,ro small; "
        f"{sys.executable} -c 'from pathlib import Path; "
        "from dlrsd.runtime.service.store.store import Store, Limits; "
        'Store.open(Path("small/store"), Limits())\''
    )
    done = small_disk(line, size=4 << 20)
    assert done.stderr.splitlines()[-1].startswith(
        "dlrsd.runtime.base.errors.InputError: cannot write small/store/store.db"
    ), done.stderr
    new = small_disk(line.replace('store")', 'none")'), size=4 << 20)
    assert "InputError: cannot make the folder small/none" in new.stderr


def test_what_is_missing_is_not_made_by_reading(tmp_path) -> None:
    with pytest.raises(InputError, match="there is no store"):
        Reading(tmp_path / "none").alarms()
    assert not (tmp_path / "none").exists()


def test_a_store_is_read_after_the_watch_ended(folder) -> None:
    assert len(Reading(folder).alarms()) == 1
    with Store.open(folder, Limits()) as store:  # and while it is written, by another process
        store.decide([change(2, alarm="a2")], "pump", b"")
        code = (
            "import sys; from pathlib import Path; "
            "from dlrsd.runtime.service.store.reading import Reading; "
            "print(len(Reading(Path(sys.argv[1])).alarms()))"
        )
        done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True)
        assert done.stdout == "2\n", done.stderr
