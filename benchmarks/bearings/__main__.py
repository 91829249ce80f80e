"""``python -m benchmarks.bearings``: write the runtime's table of bearings.

`published.csv` holds what was published of a bearing's inside, `ratings.csv` what the maker's
catalogue prints, from which `insides` computes it. Says which rows leave no answer.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from benchmarks.bearings.insides import Ratings, inside_of

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "runtime" / "bundle" / "bearings" / "table.csv"
MAKER = "KOYO"


def ratings() -> list[Ratings]:
    """The rows of `ratings.csv`."""
    with (HERE / "ratings.csv").open(newline="") as file:
        return [
            Ratings(
                row["designation"],
                *(float(row[name]) for name in ("bore_mm", "outer_mm", "angle_deg")),
                *(float(row[name]) for name in ("dynamic_kn", "static_kn")),
                f0=float(row["f0"]) if row["f0"] else None,
            )
            for row in csv.DictReader(file)
        ]


def computed(rows: list[Ratings]) -> list[dict[str, object]]:
    """Rows of the table, for ratings that leave one answer."""
    return [
        {
            "designation": row.designation,
            "maker": MAKER,
            "elements": inside.elements,
            "diameter_mm": f"{inside.diameter_mm:g}",
            "pitch_mm": f"{inside.pitch_mm:g}",
            "angle_deg": f"{row.angle_deg:g}",
            "source": "koyo" if row.f0 else "koyo-cages",
        }
        for row in rows
        if (inside := inside_of(row))
    ]


def table() -> str:
    """The text of the runtime's `table.csv`: published rows first."""
    with (HERE / "published.csv").open(newline="") as file:
        published = list(csv.DictReader(file))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(published[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows([*published, *computed(ratings())])
    return text.getvalue()


if __name__ == "__main__":
    TABLE.write_text(table())
    left_out = [row.designation for row in ratings() if inside_of(row) is None]
    print(f"{len(TABLE.read_text().splitlines()) - 1} rows, without {', '.join(left_out)}")
