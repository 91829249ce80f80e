import pytest

from dlrsd.runtime.diagnosis.outcome import outcome_of
from dlrsd.runtime.diagnosis.records import Verdict


def verdict(label, place=None):
    return Verdict(
        channel=0, label=label, since_s=0.0, share=None, probability=None, novel_share=None,
        unfit_share=None, reason=None, changes=0, latest_changes=[], place=place,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([verdict("normal")], "sound"),
        ([verdict("normal", "healthy"), verdict("normal", "undecided")], "sound"),
        ([verdict("normal"), verdict("outer")], "fault"),
        ([verdict("unknown fault")], "fault"),
        ([verdict("normal", "unknown")], "fault"),
        ([verdict("undecided", "inner")], "fault"),
        ([verdict("normal"), verdict("undecided")], "no verdict"),
        ([verdict("undecided"), verdict("outer")], "fault"),
        ([verdict("undecided", "healthy")], "no verdict"),
        ([], "no verdict"),
    ],
)
def test_a_fault_in_any_channel_counts_and_silence_is_no_health(verdicts, expected):
    assert outcome_of(verdicts, "normal") == expected


def test_without_a_normal_class_every_class_is_a_fault():
    assert outcome_of([verdict("normal")], None) == "fault"
