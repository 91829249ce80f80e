"""Every kind of output; a new one is a class here and the file it comes from."""

from __future__ import annotations

from dlrsd.runtime.service.sinks.files import Jsonl
from dlrsd.runtime.service.sinks.mail import Email
from dlrsd.runtime.service.sinks.mqtt import Mqtt
from dlrsd.runtime.service.sinks.parquet import Parquet
from dlrsd.runtime.service.sinks.syslog import Journal, Syslog
from dlrsd.runtime.service.sinks.webhook import Webhook

AnySink = Mqtt | Webhook | Email | Jsonl | Parquet | Syslog | Journal
