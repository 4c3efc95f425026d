"""Known weights: what is said of them, and what to do where they are not at hand."""

from __future__ import annotations

import hashlib
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import harkit
from harkit import transforms as tf
from harkit.errors import ArgumentError, DecodeError, MissingFileError
from harkit.weights import Download, Folder, Package, WeightsRecord


def test_the_table_lists_every_record_once() -> None:
    table = harkit.list_weights()
    assert [table[i] for i in range(len(table))] == list(harkit.weights.records())
    names = [(record.architecture, record.name) for record in table]
    assert len(set(names)) == len(names) == 12
    lines = repr(table).splitlines()
    assert lines[0].split() == ["architecture", "name", "parameters", "classes", "licence", "from"]
    assert len(lines) == 13 and "4,652,008" in repr(harkit.list_weights("efficientnet_lite0"))
    assert len(harkit.list_weights("no such")) == 0 and repr(table[:2]).count("\n") == 2


def test_a_record_is_found_by_name_and_an_unknown_name_lists_the_known() -> None:
    assert harkit.weights.record("resnet50", "imagenet1k_v1").n_parameters == 25_557_032
    with pytest.raises(ArgumentError, match="`name` must be one of imagenet for squeezenet1_1, got 'x'"):
        harkit.weights.record("squeezenet1_1", "x")
    with pytest.raises(
        ArgumentError, match=r"`architecture` must be one of squeezenet1_1, .*ircsn_152, got 'x'"
    ):
        harkit.weights.path("x", "imagenet")


@pytest.mark.parametrize("record", harkit.weights.records(), ids=lambda record: record.architecture)
def test_a_record_is_whole_and_plain_data(record: WeightsRecord) -> None:
    assert re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}", record.sha256)
    assert record.licence and record.publisher and record.place.source.startswith("https://")
    assert pickle.loads(pickle.dumps(record)) == record and hash(record)
    if isinstance(record.place, Download):
        assert record.place.url.endswith(f"-{record.sha256}.pth")


def test_preprocessing_becomes_transforms() -> None:
    clip = np.random.default_rng(0).integers(0, 256, (2, 300, 400, 3), dtype=np.uint8)
    for record in harkit.weights.records():
        steps = record.preprocessing.transforms()
        out = tf.apply(clip, steps)
        side = record.preprocessing.crop
        assert out.shape == (2, side, side, 3) and out.dtype == np.float32
        assert abs(out.mean()) < 1.5, record.architecture
    csn = harkit.weights.record("ircsn_152", "ig65m").preprocessing
    assert csn.transforms()[0] == tf.ResizeShort(256)
    assert tf.Bgr() in harkit.weights.Preprocessing(**{**vars(csn), "color": "bgr"}).transforms()


def test_weights_that_are_not_at_hand_say_what_to_fetch_and_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HARKIT_WEIGHTS", raising=False)
    url = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
    with pytest.raises(
        MissingFileError, match=f"resnet18/imagenet1k_v1: .*download {url}, and set .*HARKIT_WEI"
    ):
        harkit.weights.path("resnet18", "imagenet1k_v1")
    monkeypatch.setenv("HARKIT_WEIGHTS", str(tmp_path))
    place = tmp_path / "resnet18-f37072fd.pth"
    with pytest.raises(
        MissingFileError, match=f"{place}: is not there: download {url}, and put it there"
    ) as caught:
        harkit.weights.path("resnet18", "imagenet1k_v1")
    assert caught.value.path == place
    with pytest.raises(
        MissingFileError, match="squeezenet1_1-npy/weights: is not there: get it from https://"
    ):
        harkit.weights.path("squeezenet1_1", "imagenet")
    missing = Package("no_such_package_of_weights", "a.pth", requirement="no-such==1")
    with pytest.raises(MissingFileError, match="which is not installed: run `pip install no-such==1`"):
        missing.find()
    assert missing.source == "https://pypi.org/project/no-such"


def test_a_file_is_taken_when_its_sum_is_right_and_refused_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARKIT_WEIGHTS", str(tmp_path))
    harkit.weights.write(tmp_path / "net-x.pth", {"w": np.ones(3)})
    known = harkit.weights.record("resnet18", "imagenet1k_v1")
    sha256 = hashlib.sha256((tmp_path / "net-x.pth").read_bytes()).hexdigest()
    fields = {**vars(known), "place": Download("https://example.org/net-x.pth"), "rename": (("w", "weight"),)}
    for digits in (8, 64):
        record = WeightsRecord(**{**fields, "sha256": sha256[:digits]})
        assert record.path() == tmp_path / "net-x.pth" and list(record.read()) == ["weight"]
    harkit.weights.write(tmp_path / "net-x.pth", {"w": np.zeros(3)})
    with pytest.raises(DecodeError, match=f"net-x.pth: is not what torchvision published .* not {sha256}"):
        record.path()
    # A folder's sum is that of the names and sums of its arrays.
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder" / "w.npy", np.ones(2))
    one = hashlib.sha256((tmp_path / "folder" / "w.npy").read_bytes()).hexdigest()
    folder = {**fields, "place": Folder("folder", "https://example.org")}
    record = WeightsRecord(**{**folder, "sha256": hashlib.sha256(f"w.npy\0{one}\n".encode()).hexdigest()})
    assert record.path() == tmp_path / "folder"
    np.save(tmp_path / "folder" / "x.npy", np.ones(2))
    with pytest.raises(DecodeError, match="folder: is not what"):
        record.path()


def test_imagenets_classes_have_names_and_others_have_none() -> None:
    names = harkit.weights.class_names("imagenet")
    assert len(names) == len(set(names)) == 1000
    assert (names[0], names[88], names[999]) == ("tench", "macaw", "toilet tissue")
    with pytest.raises(ArgumentError, match="`classes` must be 'imagenet', got 'kinetics400'"):
        harkit.weights.class_names("kinetics400")
