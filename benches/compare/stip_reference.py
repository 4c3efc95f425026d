"""Interest points beside Laptev's STIP program: the share of its points that are ours, and of ours that are its.

    PYTHONPATH=python python benches/compare/stip_reference.py DATA

DATA holds `stip-reference` and `kth`. A point is found if one lies within 4 pixels and 3 frames at the same
or an adjacent sigma2 and tau2; exact is one at the same pixel, frame and scale. Re-runs of the program itself
stand beside.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "stip"))

import stip_output

from harkit import stip

VIDEOS = ("walk-simple", "walk-complex")
BOXING = {
    "boxing01": "person09_boxing_d1",
    "boxing02": "person18_boxing_d1",
    "boxing03": "person01_boxing_d1",
}
# These lists hold no response below 1e-7.
POSITIONS = ("person01_handwaving_d1", "person04_running_d1", "person09_boxing_d4")
POSITIONS_THRESHOLD = 1e-7


def line(reference: str, video: str, reference_rows: Any, our_rows: Any) -> None:
    found = stip_output.match(reference_rows, our_rows)
    shares = " | ".join(f"{100 * share:.1f} %" for share in found[2:])
    print(f"| {reference} | {video} | {found.n_reference} | {found.n_ours} | {shares} |")


def main(data: Path) -> None:
    folder = data / "stip-reference"

    def ours(path: Path, **options: Any) -> Any:
        gray = stip_output.gray_of_stip(path)
        return stip_output.rows_of(stip.detect(gray, mode="laptev", **options))

    print("| reference | video | its points | ours | recall | precision | exact |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for video in VIDEOS:
        points = ours(folder / f"stip-2.0/{video}.avi")
        second = stip_output.second_version(folder / "stip-2.0/walk-samples-stip.txt", video)
        published = stip_output.table(folder / f"stip-2.0/{video}.txt")[:, [2, 1, 3, 4, 5]]
        first, _ = stip_output.first_version(folder / f"stip-1.0-rerun/{video}.txt")
        line("STIP 2.0", video, second, points)
        line("STIP 2.0, point list", video, published, points)
        line("STIP 1.0 on Windows", video, first, points)
        line("STIP 2.0 by STIP 1.0", video, second, first)
        line("STIP 2.0 by its point list", video, second, published)
    for name, video in BOXING.items():
        first, _ = stip_output.first_version(folder / f"stip-1.0-rerun/{name}.txt")
        line("STIP 1.0 on Windows", video, first, ours(data / f"kth/{video}_uncomp.avi"))
    for video in POSITIONS:
        reference = stip_output.table(folder / f"kth-positions/{video}_uncomp.txt")
        points = ours(data / f"kth/{video}_uncomp.avi", threshold=POSITIONS_THRESHOLD)
        line("list of positions, threshold 1e-7", video, reference, points)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
