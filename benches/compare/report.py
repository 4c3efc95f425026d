"""results.json to results.md."""

from __future__ import annotations

from typing import Any

# A goal is a ratio, or this part of the processor's peak where that is lower.
PEAK = 0.8


def markdown(results: dict[str, Any]) -> str:
    measurements = results["measurements"].values()
    runs: list[dict[str, Any]] = []
    for measurement in measurements:
        if measurement["machine"] not in runs:
            runs.append(measurement["machine"])
    lines = [
        "# harkit beside its peers",
        "",
        "Written by `make bench` from `results.json`; do not edit. How it is measured stands in `timing.py`",
        "and in the docstring of each measurement. Ratios are medians of ratios item by item: above 1 harkit",
        "is faster, or smaller. A peer that scales, or makes grey, by a rule of its own does other work: it",
        "is shown, its ratio in brackets, and not counted. Where a part names the peak, a goal is the ratio",
        "or 80 % of the peak of fused multiply-adds, whichever is lower.",
        "",
        *[line for number, run in enumerate(runs, start=1) for line in _run(number, run)],
        "| what | the fastest peer | ratio | goal | | run |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for measurement in measurements:
        run = runs.index(measurement["machine"]) + 1
        parts = measurement.get("parts", {}).items()
        lines += [f"{_summary(measurement, name, part)} {run} |" for name, part in parts]
        if "failure" in measurement:
            lines.append(f"| {measurement['title']} | | | | failed: {measurement['failure']} | {run} |")
    for measurement in measurements:
        if "workers" in measurement:
            lines += ["", f"## {measurement['title']}", "", f"{measurement['material']}.", ""]
            lines += _workers(measurement["workers"])
        for name, part in measurement.get("parts", {}).items():
            title = measurement["title"] + (f": {name}" if name else "")
            lines += ["", f"## {title}", "", f"{measurement['material']}; {part['unit']}.", ""]
            lines += _memory(part) if measurement.get("is_memory") else _times(part)
    return "\n".join(lines) + "\n"


def _run(number: int, machine: dict[str, Any]) -> list[str]:
    """Say on what a run was measured, and against what; measurements of other days have other machines."""
    known = {name: version for name, version in machine["packages"].items() if version != "not installed"}
    packages = ", ".join(f"{name} {version}" for name, version in known.items())
    quick = "" if machine["share"] == 1 else f" **A quick look: {machine['share']:g} of the whole.**"
    return [
        f"Run {number}: commit {machine['commit']}, {machine['date']}. {machine['processor']},",
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}.",
        f"Python {machine['python']}, {packages}; {machine['ffmpeg_program'].partition(' Copyright')[0]}.",
        f"Load average before: {machine['load_before'][0]}.{quick}",
        "",
    ]


def _summary(measurement: dict[str, Any], name: str, part: dict[str, Any]) -> str:
    goal = part.get("goal", measurement["goal"])
    ratio = part["ratio"]
    if ratio is None:
        return f"| {_title(measurement, name)} | none | | | no peer gave the same frames |"
    verdict = "" if goal is None else _verdict(reached=ratio >= goal, of_peak=part.get("of_peak"))
    wanted = "" if goal is None else f"{goal:.1f}"
    return f"| {_title(measurement, name)} | {part['fastest_peer']} | {ratio:.2f} | {wanted} | {verdict} |"


def _verdict(*, reached: bool, of_peak: float | None) -> str:
    if reached:
        return "reached"
    if of_peak is None:
        return "**not reached**"
    return f"{'reached' if of_peak >= PEAK else '**not reached**'}, {of_peak:.0%} of the peak"


def _title(measurement: dict[str, Any], name: str) -> str:
    return measurement["title"] + (f": {name}" if name else "")


def _times(part: dict[str, Any]) -> list[str]:
    lines = [
        "| | median | quartiles | least | n | ratio | results against harkit's |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in part["rows"]:
        if row["failure"] is not None:
            lines.append(f"| {row['who']} {row['version']} | | | | | | failed: {row['failure']} |")
            continue
        low, high = row["quartiles"]
        ratio = f"{row['times_harkit']:.2f}" if row["same_work"] else f"({row['times_harkit']:.2f})"
        times = f"{row['median']:.2f} | {low:.2f} – {high:.2f} | {row['least']:.2f}"
        lines.append(
            f"| {row['who']} {row['version']} | {times} | {row['n']} | {ratio} | {_agreement(row)} |"
        )
    what = part.get("notes", "tried (ms a clip)")
    notes = [f"{row['who']}, {what}: {row['note']}." for row in part["rows"] if row["note"]]
    return [*lines, *(["", *(f"* {note}" for note in notes)] if notes else [])]


def _agreement(row: dict[str, Any]) -> str:
    agreement = row.get("agreement")
    if agreement and "says" in agreement:
        return agreement["says"]
    if row["who"].startswith("harkit") or not agreement:
        return ""
    if agreement["n_equal"] == agreement["n"]:
        return "equal"
    text = f"{agreement['n_equal']} of {agreement['n']} equal"
    if agreement["max_difference"]:
        text += (
            f", largest difference {agreement['max_difference']}, least PSNR {agreement['lowest_psnr_db']} dB"
        )
    if agreement["n_other_shapes"]:
        text += f", {agreement['n_other_shapes']} of another shape"
    return text if agreement["same_frames"] else f"**other frames**: {text}"


def _memory(part: dict[str, Any]) -> list[str]:
    lines = [
        "| | peak of the process | ratio | beyond its imports | ratio | seconds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in part["rows"]:
        if row["failure"] is not None:
            lines.append(f"| {row['who']} | failed: {row['failure']} | | | | |")
            continue
        lines.append(
            f"| {row['who']} {row['version']} | {row['median']:.0f} | {row['times_harkit']:.2f} "
            f"| {row['beyond_imports']:.0f} | {row['beyond_times_harkit']:.2f} | {row['seconds']:.2f} |"
        )
    return lines


def _workers(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| | clips a second | seconds | the same clips |", "| --- | --- | --- | --- |"]
    for row in rows:
        if row["failure"] is not None:
            lines.append(f"| {row['who']} | failed: {row['failure']} | | |")
            continue
        same = "yes" if row["equal"] else "**no**"
        lines.append(f"| {row['who']} | {row['clips_a_second']} | {row['seconds']} | {same} |")
    return lines
