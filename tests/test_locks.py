"""What is installed: every file by its hash, all of it listed."""

from __future__ import annotations

import json
import re

import pytest
import tomllib
from packaging.requirements import Requirement

import tasks
from dlrsd.runtime.base.version import VERSION

LOCKS = tasks.LOCKS
PROJECT = tomllib.loads((LOCKS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(name):
    """Packages of a lock with their hashes."""
    text = (LOCKS / name).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?! )", text.strip())
    return {block.split("==")[0]: re.findall(r"--hash=sha256:[0-9a-f]{64}", block)
            for block in blocks}  # fmt: skip


def on_the_box():
    """What the project asks for on a box, under the Python that the locks are for."""
    extras = PROJECT["optional-dependencies"]
    asked = map(
        Requirement,
        PROJECT["dependencies"]
        + [each for extra in ("cpu", "io", "watch", "opcua") for each in extras[extra]],
    )
    here = {"python_version": "3.11", "python_full_version": "3.11.0"}
    return {
        each.name.lower() for each in asked if each.marker is None or each.marker.evaluate(here)
    }


@pytest.mark.parametrize("name", ["dev.txt", "box.txt", "pytest.txt"])
def test_every_file_that_is_installed_has_its_hash_and_no_place_is_named(name):
    found = requirements(name)
    assert all(found.values())
    assert "torch" not in found
    assert not [package for package in found if package.startswith(("nvidia", "triton"))]
    assert "/" not in (LOCKS / name).read_text(encoding="utf-8")


def test_the_locks_hold_the_pinned_versions_and_all_that_the_project_asks_for():
    text = (LOCKS / "dev.txt").read_text(encoding="utf-8")
    pinned = (LOCKS.parent / "constraints.txt").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", pinned, re.MULTILINE):
        plain = re.sub(r"[-_.]+", "-", name).lower()
        assert plain == "torch" or locked[plain] == version
    extras = PROJECT["optional-dependencies"]
    for extra in ("cpu", "io", "train", "export", "rtx", "dev"):
        for asked in [*PROJECT["dependencies"], *extras[extra]]:
            name = re.match(r"[\w.-]+", asked)[0].replace("_", "-").lower()
            assert name in {*locked, "dlrsd", "torch"}
    assert on_the_box() <= set(requirements("box.txt"))


def test_the_bill_of_materials_is_valid_and_lists_what_a_box_has(tmp_path):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    tasks.write_sbom(tmp_path / "sbom.json")
    text = (tmp_path / "sbom.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    facts = json.loads(text)
    root = facts["metadata"]["component"]
    assert (root["name"], root["version"]) == ("dlrsd", VERSION)
    assert root["licenses"] == [{"license": {"acknowledgement": "declared", "id": "Apache-2.0"}}]
    listed = {part["name"]: part for part in facts["components"]}
    assert set(listed) == set(requirements("box.txt"))
    names = {part["bom-ref"]: part["name"] for part in (root, *facts["components"])}
    asks = {
        names[each["ref"]]: {names[other] for other in each["dependsOn"]}
        for each in facts["dependencies"]
    }
    assert asks["dlrsd"] == on_the_box()
    assert asks["rich"] == {"markdown-it-py", "pygments"}
    reached, left = set(), ["dlrsd"]
    while left:  # all that a box has is there because something asks for it
        reached.add(left[-1])
        left += asks.get(left.pop(), set()) - reached
    assert reached >= set(asks)
    for name, part in listed.items():
        assert part["purl"].startswith(f"pkg:pypi/{name}@{part['version']}")
