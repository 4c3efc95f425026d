"""Names on frames, and mean brightness over time."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from harkit import plotting
from harkit.errors import ArgumentError, ArgumentTypeError

CLIP = np.random.default_rng(0).integers(0, 256, (20, 60, 80, 3), dtype=np.uint8)


def test_class_examples_are_five_rows_of_four_with_the_name_on_the_frame() -> None:
    names = [f"class {i}" for i in range(20)]
    axes = plotting.class_examples(CLIP, names)
    assert axes.shape == (5, 4)
    for ax, frame, name in zip(axes.flat, CLIP, names, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), frame)
        (text,) = ax.texts
        assert (text.get_text(), text.get_position()) == (name, (10, 30))
        assert to_rgb(text.get_color()) == (1, 0, 0)


def test_the_letters_are_as_high_as_the_reports() -> None:
    frame = np.zeros((240, 320, 3), np.uint8)
    cv2.putText(frame, "H", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 0, 0), 1)
    rows = np.flatnonzero(frame.any(axis=(1, 2)))
    report = rows[-1] - rows[0]
    axes = plotting.class_examples(frame[None], ["H"], rows=1, columns=1)
    figure = axes[0, 0].figure
    figure.set_dpi(200)
    figure.canvas.draw()
    red = np.flatnonzero(
        (np.asarray(figure.canvas.buffer_rgba())[..., :2] == (255, 0)).all(axis=2).any(axis=1)
    )
    to_frame = axes[0, 0].transData.inverted()
    (_, top), (_, base) = to_frame.transform([(0, figure.bbox.height - row) for row in red[[0, -1]]])
    # Two pixels of the frame: smoothed edges of a letter are not pure red, and the layout leaves a margin, so
    # that the frame is a little smaller than its cell.
    assert base == pytest.approx(30, abs=2)
    assert base - top == pytest.approx(report, abs=2)


def test_fewer_examples_take_fewer_rows_and_more_are_refused() -> None:
    assert plotting.class_examples(CLIP[:6], list("abcdef")).shape == (2, 4)
    with pytest.raises(ArgumentError, match="`frames` must be at most 2 times 4, got 20"):
        plotting.class_examples(CLIP, ["a"] * 20, rows=2)
    with pytest.raises(ArgumentError, match="`names` must have one entry a frame, got 1 for 20 frames"):
        plotting.class_examples(CLIP, ["a"])


def test_brightness_is_the_mean_of_each_frame() -> None:
    ax = plotting.brightness({"as filmed": CLIP, "darker": CLIP // 2})
    for line, clip in zip(ax.lines, (CLIP, CLIP // 2), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(20))
        np.testing.assert_allclose(line.get_ydata(), clip.reshape(20, -1).mean(axis=1), rtol=1e-12)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["as filmed", "darker"]
    assert ax.get_xlabel() == "Frame"


def test_brightness_over_seconds() -> None:
    ax = plotting.brightness({"grey": CLIP[..., 0]}, fps=10)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), np.arange(20) / 10)
    assert ax.get_xlabel() == "Seconds"


def test_what_has_no_brightness_is_refused() -> None:
    with pytest.raises(ArgumentError, match="`clips` must have at least one clip"):
        plotting.brightness({})
    with pytest.raises(ArgumentTypeError, match="`clips` must be uint8"):
        plotting.brightness({"a": CLIP / 255})
    with pytest.raises(ArgumentError, match="`fps` must be positive, got 0"):
        plotting.brightness({"a": CLIP}, fps=0)


def test_without_matplotlib_the_message_says_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import numpy as np; from harkit import errors, plotting\n"
        "try: plotting.brightness({'a': np.zeros((1, 2, 2, 3), np.uint8)})\n"
        "except ImportError as error: print(isinstance(error, errors.MissingPackageError), error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("True ") and 'pip install "harkit[plot]"' in done.stdout


def test_importing_the_figures_does_not_import_matplotlib() -> None:
    code = "import sys, harkit.plotting; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
