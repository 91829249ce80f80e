"""From healthy recordings of a machine to the baseline that its verdicts are judged against."""
