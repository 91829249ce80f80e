"""Mistakes in a ``watch.toml``: one clear line each, and the other machines are watched on."""

import pytest
from msgspec import structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.watching.from_file import check_file
from dlrsd.runtime.service.watching.setup import set_up
from dlrsd.runtime.service.watching.watch_file import read_watch_file
from tests.runtime.evidence.test_commissioned import BASELINE

HEAD = 'schema_version = 1\nbundle = "none"\n'
SOURCE = '[[machines.sources]]\nkind = "tcp"\nconnect = "127.0.0.1:9000"\n'


def entry(name, source=SOURCE):
    return f'[[machines]]\nmachine = "{name}"\n{source}'


@pytest.fixture
def written(tmp_path, machine):
    machine("pump")
    machine("fan", "DE", "NDE")

    def write(text):
        path = tmp_path / "watch.toml"
        path.write_text(text)
        return path

    return write


def test_a_right_file_has_nothing_wrong(written):
    path = written(HEAD + entry("pump") + entry("fan"))
    assert check_file(path) == []
    setups, problems = set_up(read_watch_file(path), path.parent)
    assert [setup.name for setup in setups] == ["pump", "fan"]
    assert problems == []
    assert setups[0].limits.zones == (1.4, 2.8, 4.5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema_version = 1\n", "machines"),
        (HEAD + "colour = 3\n" + entry("pump"), "colour"),
        (HEAD + entry("pump") + "speed = 3\n", "speed"),
        (HEAD + entry("pump", SOURCE.replace("tcp", "smoke")), "smoke"),
        (HEAD + entry("pump", ""), "sources"),
        (HEAD + entry("pump") + entry("pump"), "two machines are in the folder 'pump'"),
        (HEAD.replace("= 1", "= 2") + entry("pump"), "schema_version"),
        (HEAD + "[page]\nport = 70000\n" + entry("pump"), "port"),
        (HEAD + "[page]\nhost = '0.0.0.0'\n" + entry("pump"), "tokens"),
        ("this is = no = toml", "expected TOML"),
    ],
)
def test_what_is_not_understood_is_named_in_one_line(written, text, told):
    (line,) = check_file(written(text))
    assert told in line
    assert "\n" not in line


def test_a_missing_file_says_how_to_see_a_watch(tmp_path):
    (line,) = check_file(tmp_path / "no.toml")
    assert "is not there" in line
    assert "--demo" in line


def test_every_wrong_machine_has_its_line_and_the_others_are_set_up(written, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "machine.toml").write_text("name = 3\n")
    (tmp_path / "twin").mkdir()
    (tmp_path / "twin" / "machine.toml").write_bytes(
        (tmp_path / "pump" / "machine.toml").read_bytes()
    )
    unknown = SOURCE + 'sensors = ["far end"]\n'
    entries = ["pump", "broken", "nowhere", "twin"]
    path = written(HEAD + "".join(map(entry, entries)) + entry("fan", unknown))
    setups, problems = set_up(read_watch_file(path), tmp_path)
    assert [setup.name for setup in setups] == ["pump"]
    assert [line.split(":")[0] for line in problems] == [
        "machine broken", "machine nowhere", "machine twin", "machine fan",
    ]  # fmt: skip
    assert "another one is called 'pump'" in problems[2]
    assert "no sensor 'far end': expected one of 'DE', 'NDE'" in problems[3]
    assert check_file(path) == problems


def test_a_bundle_that_is_not_there_or_of_slow_signals_is_refused(written):
    path = written(HEAD.replace('"none"', '"no-such-bundle"') + entry("pump"))
    (line,) = check_file(path)
    assert line.startswith("machine pump: ")
    assert "no-such-bundle" in line


def test_a_channel_that_is_called_by_name_needs_the_sources_sensors(written, tmp_path):
    text = (tmp_path / "pump" / "machine.toml").read_text()
    (tmp_path / "pump" / "machine.toml").write_text(f'{text}channel = "acc1"\n')
    (line,) = check_file(written(HEAD + entry("pump")))
    assert "calls a channel 'acc1'" in line
    assert "`sensors`" in line
    assert check_file(written(HEAD + entry("pump", SOURCE + 'sensors = ["DE"]\n'))) == []


SIMULATED = '[[machines.sources]]\nkind = "simulated"\n'
PIPE = '[[machines.sources]]\nkind = "stdin"\ndtype = "s16le"\nrate = 12000\n'
SPEED = (
    '[[machines.sources]]\nkind = "opcua"\nurl = "opc.tcp://127.0.0.1:4840"\n'
    'values = { speed_rpm = "ns=2;s=a" }\n'
)
DE, NDE = 'sensors = ["DE"]\n', 'sensors = ["NDE"]\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (entry("fan", SOURCE + SIMULATED), "sources 1 and 2 both give sensor 'DE'"),
        (entry("fan", SOURCE + DE + SIMULATED + DE), "sources 1 and 2 both give sensor 'DE'"),
        (entry("fan", SOURCE + DE + SIMULATED + NDE), None),
        (entry("fan", SOURCE + SPEED), None),
        (entry("fan", SPEED), "none of its sources gives signal"),
        (entry("fan", PIPE + DE + PIPE + NDE), "two of its sources read standard input"),
        (entry("fan", PIPE) + entry("pump", PIPE), "it reads standard input as 'fan' does"),
    ],
)
def test_sources_that_cannot_be_those_of_a_machine_are_named(written, text, told):
    lines = check_file(written(HEAD + text))
    assert len(lines) == (told is not None)
    assert told is None or told in lines[0]


def test_a_baseline_of_no_time_is_named_and_the_others_are_watched(written, monkeypatch):
    own = structs.replace(BASELINE, created="yesterday")
    monkeypatch.setattr(
        "dlrsd.runtime.service.watching.setup.read_baseline",
        lambda folder: own if folder.name == "fan" else None,
    )
    path = written(HEAD + entry("pump") + entry("fan"))
    setups, (line,) = set_up(read_watch_file(path), path.parent)
    assert [each.name for each in setups] == ["pump"]
    assert "made at 'yesterday': expected a time such as" in line


def test_a_file_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / "watch.toml").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read_watch_file(tmp_path / "watch.toml")


def test_what_is_wrong_in_many_machines_is_one_line(written):
    text = HEAD.replace('"none"', '"nowhere"') + entry("pump") + entry("fan", SIMULATED)
    (line,) = check_file(written(text))
    assert line.startswith("machines pump, fan: there is no bundle 'nowhere'")


@pytest.mark.parametrize("source", [SPEED, '[[machines.sources]]\nkind = "mqtt"\nhost = "a"\n'])
def test_a_password_of_a_source_that_is_not_there_is_named(written, monkeypatch, source):
    monkeypatch.delenv("OF_THE_SOURCE", raising=False)
    more = 'username = "dlrsd"\npassword_env = "OF_THE_SOURCE"\n'
    more += 'topic = "fan"\n' if "mqtt" in source else ""
    before = SIMULATED if source is SPEED else ""
    path = written(HEAD + entry("fan", before + source + more))
    (line,) = check_file(path)
    assert line.startswith("machine fan: source ")
    assert "OF_THE_SOURCE is not set" in line
    monkeypatch.setenv("OF_THE_SOURCE", "sesame")
    assert check_file(path) == []
