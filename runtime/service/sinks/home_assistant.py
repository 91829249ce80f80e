"""What tells Home Assistant, over MQTT, that a machine is there.

https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from dlrsd.runtime.service.sinks.payload import FAULTY

_FAULT = f"{{{{ 'ON' if value_json.state in {list(FAULTY)} else 'OFF' }}}}"


def discovery(machine: str, *, topic: str, status: str) -> list[tuple[str, bytes]]:
    """Component and object id (``sensor/dlrsd_pump1_1f2e3d4c_zone``), and configuration, of each.

    Parameters
    ----------
    machine : str
    topic : str
        Of its state messages.
    status : str
        Topic that says whether the box is ``online``.
    """
    # Not every name is an id, and two names may look alike as one.
    short = hashlib.sha256(topic.encode()).hexdigest()[:8]
    identifier = f"dlrsd_{re.sub(r'[^a-zA-Z0-9]+', '_', machine)[:40]}_{short}"
    parts: dict[tuple[str, str], dict[str, Any]] = {
        ("binary_sensor", "fault"): {"device_class": "problem", "value_template": _FAULT},
        ("sensor", "state"): {"value_template": "{{ value_json.state }}"},
        ("sensor", "zone"): {"value_template": "{{ value_json.zone }}"},
        ("sensor", "velocity"): {
            "device_class": "speed",
            "state_class": "measurement",
            "unit_of_measurement": "mm/s",
            "value_template": "{{ value_json.velocity_mm_s }}",
        },
    }
    common = {
        "state_topic": topic,
        "availability_topic": status,
        "device": {"identifiers": [identifier], "name": machine, "manufacturer": "dlrsd"},
    }
    return [
        (
            f"{component}/{identifier}_{name}",
            msgspec.json.encode(
                {"name": name, "unique_id": f"{identifier}_{name}", **own, **common}
            ),
        )
        for (component, name), own in parts.items()
    ]
