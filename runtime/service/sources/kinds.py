"""All kinds of sources: a new one is registered here, and nobody else asks which it is."""

from __future__ import annotations

from dlrsd.runtime.service.sources.folder import FolderSource
from dlrsd.runtime.service.sources.mqtt import MqttSource
from dlrsd.runtime.service.sources.opcua import OpcUaSource
from dlrsd.runtime.service.sources.serial_port import SerialSource
from dlrsd.runtime.service.sources.simulated import SimulatedSource
from dlrsd.runtime.service.sources.standard_input import StandardInput
from dlrsd.runtime.service.sources.tcp import TcpSource

#: What may stand in ``watch.toml``, told apart by ``kind``.
AnySource = (
    TcpSource
    | FolderSource
    | MqttSource
    | SerialSource
    | StandardInput
    | OpcUaSource
    | SimulatedSource
)
