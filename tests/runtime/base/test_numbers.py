import pytest

from dlrsd.runtime.base.numbers import plain


@pytest.mark.parametrize(
    ("value", "said"),
    [(17351.6, "17350"), (107.2834, "107.3"), (60.0, "60"), (0.39831, "0.3983"), (1e4, "10000")],
)
def test_four_digits_without_an_exponent(value: float, said: str) -> None:
    assert plain(value) == said
