"""Run a diagnosis into a file and before a person's eyes."""

from __future__ import annotations

from contextlib import suppress

from dlrsd.runtime.base.interrupt import Interrupt
from dlrsd.runtime.diagnosis.windows import Diagnosis
from dlrsd.runtime.output.display import Display
from dlrsd.runtime.output.writers import Writer


def follow(
    diagnosis: Diagnosis, writer: Writer | None, display: Display, interrupt: Interrupt
) -> None:
    """Run a diagnosis to its end or to an interrupt; what was diagnosed is in the output.

    Parameters
    ----------
    diagnosis : Diagnosis
        Of `open_diagnosis`.
    writer : Writer, optional
        Of `open_writer`; it is closed at the end.
    display : Display
        Of `open_display`; it is closed at the end.
    interrupt : Interrupt
        Looked at after every batch.
    """
    try:
        if writer:
            writer.header(diagnosis.header)
            if writer.is_complete:
                display.note(f"{writer.name} is complete: nothing is left to do")
                return
        display.start(diagnosis.header)
        with suppress(KeyboardInterrupt):
            for batch in diagnosis:
                if writer:
                    writer.windows(batch)
                display.update(diagnosis)
                if interrupt.asked:
                    break
        summary = diagnosis.summary(interrupted=interrupt.asked)
        if writer:
            writer.summary(summary)
        display.finish(summary)
    finally:
        try:
            if writer:
                writer.close()
        finally:
            display.close()
