"""Draws the picture of the README (run it with the project's environment, from anywhere)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from matplotlib.figure import Figure

import harkit
from harkit import datasets
from harkit import enhancement as en

with tempfile.TemporaryDirectory() as folder:
    toy = datasets.synthetic(folder, videos_per_class=2, dark=True, seed=7)
    jump = toy.train.paths[list(toy.train.labels).index(toy.classes.index("Jump"))]
    clip = harkit.read_clip(jump, sampling=harkit.sampling.Uniform(5))

rows = {
    "as it is": clip,
    "gamma 3": en.gamma(clip, 3),
    "equalised": en.equalize(clip, convention="opencv", channels="luma", per="clip"),
    "CLAHE": en.clahe(clip, clip_limit=4.0),
    "gamma 3, denoised": en.chain(clip, [en.Denoise(), en.Gamma(3)]),
}
figure = Figure(figsize=(8.0, 6.3), layout="constrained")
axes = figure.subplots(len(rows), 5, squeeze=False)
for line, (name, frames) in zip(axes, rows.items(), strict=True):
    for ax, frame in zip(line, frames, strict=True):
        ax.imshow(frame)
        ax.set_axis_off()
    line[0].set_title(name, loc="left", fontsize=9)
figure.savefig(Path(__file__).with_name("seeing-in-the-dark.png"), dpi=80)
