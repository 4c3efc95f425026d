"""Make docs/parity.md: how far every architecture is from its reference library.

    python tests/generate/parity.py

What `tests/models/test_parity.py` asserts, as a table. It needs harkit and its tests, no PyTorch.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from models import goldens
from models.goldens import Case
from models.seeded import norm
from models.test_parity import FLOOR, Gradients

PAGE = Path(__file__).parents[2] / "docs" / "parity.md"
TEXT = """# Parity with the reference libraries

Written by `python tests/generate/parity.py`. Each architecture with seeded weights, run by harkit and by its
reference library in PyTorch {torch}; the worst of {passes} passes, frozen and in training, over logits,
the input's gradient and the gradient of every parameter.

* In float64, composed from candle's operators: the largest difference of logits relative to the largest
  logit, and of eight seeded projections of each gradient relative to its norm. The tests allow 1e-8.
* In float32, by the processor's plan: the distance from float64 over a whole tensor relative to its norm, and
  in brackets the worst ratio of that to the distance of PyTorch's own float32 from the same float64 (at least
  {floor:.1e}, four units in the last place). The tests allow twice, for the plan and for the composition.

| architecture | reference | parameters | float64: logits | gradients | float32: logits | gradients |
| --- | --- | ---: | --- | --- | --- | --- |
"""


def errors(case: Case) -> np.ndarray:
    """Of one pass: float64 logits and gradients, float32 logits, their ratio, gradients, their ratio."""
    truth = Gradients(case, np.float64, "eager")
    plan = Gradients(case, np.float32, "plan")
    logits = np.abs(truth.logits - case.logits).max() / np.abs(case.logits).max()
    logits_32 = norm(plan.logits.astype(np.float64) - case.logits) / norm(case.logits)
    ratio_of_logits = logits_32 / max(case.logits_error, FLOOR)
    rows = []
    for key, scale in case.gradient_scales.items():
        projected = np.abs(goldens.row(truth.tensors[key], key) - case.gradients[key]).max() / scale
        distance = norm(plan.tensors[key].astype(np.float64) - truth.tensors[key]) / scale
        rows.append((projected, distance, distance / max(case.gradient_errors[key], FLOOR)))
    projected, distance, ratio = np.max(rows, axis=0)
    return np.array([logits, projected, logits_32, ratio_of_logits, distance, ratio])


def line(network: str) -> str:
    about = goldens.header(network)
    passes = [errors(goldens.case(*each)) for each in goldens.passes(network)]
    logits, gradients, logits_32, ratio, gradients_32, ratios = np.max(passes, axis=0)
    reference = about["reference"].partition(",")[0].partition("+")[0]
    return (
        f"| {network} | {reference} | {about['parameters']:,} | {logits:.0e} | {gradients:.0e}"
        f" | {logits_32:.1e} ({ratio:.2f}) | {gradients_32:.1e} ({ratios:.2f}) |\n"
    )


if __name__ == "__main__":
    torch = goldens.header(goldens.NAMES[0])["versions"]["torch"]
    passes = sum(len(goldens.passes(name)) for name in goldens.NAMES)
    text = TEXT.format(torch=torch, passes=passes, floor=FLOOR)
    for name in goldens.NAMES:
        text += line(name)
        print(text.splitlines()[-1], flush=True)
    PAGE.write_text(text)
