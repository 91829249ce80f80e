"""What is remembered of the last blocks of a sensor: which came, and which were given up."""

from __future__ import annotations

from dlrsd.runtime.service.blocks import Block

_BLOCKS = 256
_RANGES = 1024


class Remembered:
    """The last 256 blocks that were taken, and the last 1024 ranges of numbers that were lost."""

    def __init__(self) -> None:
        self._taken: dict[float, object] = {}
        self._lost: list[tuple[int, int]] = []

    def take(self, block: Block) -> None:
        """A block was taken."""
        key = block.time if block.sequence is None else block.sequence
        if key is None:
            return
        taken = self._taken
        taken[key] = _mark(block)
        if len(taken) > _BLOCKS:
            del taken[next(iter(taken))]

    def lose(self, first: int, last: int) -> None:
        """The blocks of these numbers were given up."""
        self._lost.append((first, last))
        del self._lost[:-_RANGES]

    def came(self, block: Block) -> bool:
        """Whether just this block was taken already."""
        key = block.time if block.sequence is None else block.sequence
        return key is not None and self._taken.get(key) == _mark(block)

    def was_lost(self, sequence: int) -> bool:
        """Whether that number was given up; it is said once."""
        for index in range(len(self._lost) - 1, -1, -1):
            first, last = self._lost[index]
            if first <= sequence <= last:
                rest = [(first, sequence - 1), (sequence + 1, last)]
                self._lost[index : index + 1] = [each for each in rest if each[0] <= each[1]]
                return True
        return False


def _mark(block: Block) -> object:
    """What is the same in a block that comes twice, and hardly in another."""
    return block.time, block.samples[:, :4].tobytes()
