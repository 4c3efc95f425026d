"""The page of all records and the table: what they say, and what they must not."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from experiments.test_record import ANSWERS, record_of, run_of
from harkit import experiments
from harkit.experiments import Record, markdown, page

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
VOID = {"meta", "img"}


class Reader(HTMLParser):
    """What a browser makes of a page: its text, its tags, and whether each is closed where it must be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def shown(*records: Record, folder: Path = Path("nowhere")) -> Reader:
    return Reader(page([(folder, record) for record in records]))


WHOLE = record_of(run_of(0, ANSWERS), run_of(1, [(0, 0)] * 8))
PART = replace(WHOLE, missing=["person01_boxing_d1"], absent_classes=["jump"])


def test_a_page_says_hits_intervals_seeds_and_what_was_reported() -> None:
    text = shown(WHOLE).text
    assert "5 of 8 (62.50%)" in text and "2 of 3" in text and "table 1" in text
    assert "7 of 9; reported 8 of 9 in training" in text
    assert "30.6 to 86.3 % 95 % over clips" in text  # SciPy's interval of 5 in 8
    assert "Seeds 0, 1: 5, 8 hits; mean 81.2 %, sd 26.5 %, range 62.5 % to 100.0 %" in text
    assert "a 3 of 4 b 2 of 4" in text  # by group
    assert "$ harkit run toy/test --mode plain --data DIR" in text and "00ff a.avi" in text
    assert "Not recognised: 3" in text and "2 grow hop" in text and "5 hop grow" in text


def test_a_part_of_the_data_has_hits_but_no_accuracy() -> None:
    for text in (shown(PART).text, markdown([(Path(), PART)])):
        assert "5 of 8, a part of the protocol" in text and "person01_boxing_d1" in text and "jump" in text
        assert not {"62.5", "62.50%", "81.2 %", "81.25%", "30.6"} & set(re.findall(r"[\d.]+ ?%?", text))
    assert "say nothing about the reported figure" in shown(PART).text
    assert "2 of 3 (66.67%; 20.8 to 93.9 %), not to be compared" in markdown([(Path(), PART)])
    assert not [c for c in shown(PART).all("circle") if "cx" in c and c["cx"] != "13"]


def test_what_the_report_did_otherwise_is_said() -> None:
    assert WHOLE.reported is not None
    other = replace(WHOLE, reported={**WHOLE.reported, "differs": "with another network"})
    for text in (shown(other).text, markdown([(Path(), other)])):
        assert "with another network" in text


def test_features_that_are_not_local_have_a_width() -> None:
    whole = replace(WHOLE, n_points=None, n_values=1000)
    for text in (shown(whole).text, markdown([(Path(), whole)])):
        assert "a vector of 1,000 values each" in text and "interest points" not in text


def test_a_record_without_a_figure_says_so() -> None:
    none = record_of(missing=["x"], reported=None)
    assert "too few data" in shown(none).text and "too few data" in markdown([(Path(), none)])


def test_confusion_matrices_are_tables_of_counts_and_shares() -> None:
    matrix = ((1, 0, 0), (0, 1, 0), (1, 0, 0))
    reported = {"hits": 2, "n": 3, "source": "table 1", "confusion": matrix, "train": None, "differs": ""}
    reader = shown(replace(WHOLE, reported=reported))
    cells = [cell for cell in reader.all("td") if "style" in cell]
    assert len(cells) == 2 * 9
    assert [cell["style"] for cell in cells[9:12]] == ["--share:0.667", "--share:0.333", "--share:0.0"]
    assert "reported: 2 of 3" in reader.text and "harkit: 5 of 8" in reader.text
    assert "66.7 % hop 1 3 75.0 %" in reader.text


def test_a_class_without_items_has_no_recall() -> None:
    reader = shown(record_of(run_of(0, [(0, 0), (1, 0)])))
    assert re.search(r"jump - ", reader.text)


def test_the_page_needs_nothing_from_outside(tmp_path: Path) -> None:
    (tmp_path / "points-hop.png").write_bytes(PIXEL)
    (tmp_path / "confusion.png").write_bytes(PIXEL)
    reader = shown(WHOLE, folder=tmp_path)
    [image] = reader.all("img")
    assert base64.b64decode(str(image["src"]).removeprefix("data:image/png;base64,")) == PIXEL
    assert image["alt"] == "points-hop"
    assert not reader.all("script") and not reader.all("link")
    assert all(str(link["href"]).startswith("#") for link in reader.all("a"))
    html = page([(tmp_path, WHOLE)])
    assert "url(" not in html and "http" not in html and str(tmp_path) not in html


def test_pictures_end_where_the_page_would_be_heavy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(PIXEL)
    monkeypatch.setattr("harkit.experiments.html._MOST_BYTES", 2 * len(PIXEL))
    assert [image["alt"] for image in shown(WHOLE, folder=tmp_path).all("img")] == ["a", "b"]


HARM = '<script>alert("&")</script>'


def test_texts_of_records_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    (tmp_path / "<b onload=x>.png").write_bytes(PIXEL)
    hostile = replace(
        PART,
        experiment=HARM,
        mode=HARM,
        about=HARM,
        note=HARM,
        command=HARM,
        classes=[HARM, "hop", "jump"],
        missing=[HARM],
        absent_classes=[HARM],
        files={HARM: HARM},
        settings={HARM: [HARM]},
        versions={HARM: HARM},
        reported={"hits": 2, "n": 3, "source": HARM, "confusion": None, "train": None, "differs": HARM},
    )
    reader = shown(hostile, folder=tmp_path)
    assert not reader.all("script") and len(reader.all("b")) == 3 and HARM in reader.text
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)


def test_every_record_has_its_place_and_none_is_an_empty_page() -> None:
    reader = shown(WHOLE, PART, record_of())
    places = [section["id"] for section in reader.all("section") if "id" in section]
    assert [str(link["href"]) for link in reader.all("a")] == [f"#{place}" for place in places]
    assert len(set(places)) == 3
    assert "There is no record yet" in shown().text


def test_the_table_has_a_row_a_record_and_keeps_its_columns() -> None:
    odd = replace(WHOLE, about="a | b\nc", note="one\n# two")
    text = markdown([(Path(), WHOLE), (Path(), odd)])
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 4
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {11}
    assert r"a \| b c" in rows[3] and "* one # two" in text
    assert "5 of 8 (62.50%)" in rows[2] and "2: mean 81.25%, sd 26.52%, 62.50% to 100.00%" in rows[2]
    assert text.count("\n# ") == 0 and text.startswith("# Results\n")


def test_a_real_run_is_shown(result: experiments.Result) -> None:
    record = result.record
    reader = shown(record)
    assert f"{record.runs[0].hits} of 3" in reader.text and "toy, table 1" in reader.text
    assert f"`toy/test` | plain | {record.runs[0].hits} of 3" in markdown([(Path(), record)])
