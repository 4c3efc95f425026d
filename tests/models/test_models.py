"""Making, predicting, saving: what goes in, what is refused, and how it is said."""

from __future__ import annotations

import json
import logging
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harkit
from harkit import transforms as tf
from harkit.errors import (
    ArgumentError,
    ArgumentTypeError,
    DecodeError,
    MissingFileError,
    UnsupportedError,
)
from harkit.models import Model, Prediction


@pytest.fixture(scope="module")
def resnet() -> Model:
    return harkit.create_model("resnet18", seed=1, n_classes=5)


def tensors(model: Model) -> dict[str, np.ndarray]:
    return {name: model.network.get(name) for name, *_ in model.network.parameters()}


def written(path: Path, values: dict[str, Any]) -> Path:
    harkit.weights.write(path, values)
    return path


def test_architectures_are_listed_with_what_they_take() -> None:
    infos = harkit.list_models()
    assert len(infos) == len({info.name for info in infos}) == 17
    by_name = {info.name: info for info in infos}
    assert by_name["r3d_18"].family == "clip"
    assert by_name["r3d_18"].n_parameters == 33_371_472
    assert by_name["mlp"].input_shape == (1000,)
    assert "efficientnet_lite0  image    4,652,008  3 x 224 x 224" in repr(infos[5:8])


def test_a_model_without_weights_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "harkit.models"):
        model = harkit.create_model("mlp", seed=7)
    assert caplog.messages == ["mlp: no weights named, initialised with seed 7"]
    assert repr(model) == "Model(mlp, 6 classes, 503,506 parameters, initialised with seed 7, cpu)"
    assert "500 frozen" in repr(harkit.create_model("mlp", hidden=1, inputs=499).freeze())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "resnet51"}, ArgumentError, '`name` must be one of resnet18, .*, got "resnet51"'),
        ({"name": "resnet18", "classes": 5}, ArgumentError, 'of resnet18 are n_classes, got "classes"'),
        ({"name": "resnet18", "n_classes": 0}, ArgumentError, "`n_classes` must be an integer of at least 1"),
        ({"name": "resnet18", "n_classes": 2.5}, ArgumentError, "`n_classes` must be an integer"),
        ({"name": "mlp", "dropout": 2}, ArgumentError, "`dropout` must be a number from 0 to 1"),
        ({"name": "mlp", "dropout": [1]}, ArgumentTypeError, "`dropout` must be a number, a text or"),
        ({"name": "mlp", "seed": -1}, ArgumentError, "`seed` must be an integer from 0"),
        ({"name": "mlp", "device": "gpu"}, ArgumentError, '`device` must be "cpu", "cuda"'),
        ({"name": "mlp", "weights": 3}, ArgumentTypeError, "`weights` must be a name or a path, got 3"),
        (
            {"name": "resnet50", "weights": "imagenet"},
            ArgumentError,
            "by name are 'imagenet1k_v1', or give a",
        ),
        ({"name": "resnet50", "weights": "gone.pth"}, MissingFileError, "gone.pth: no such file"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        harkit.create_model(**arguments)


def test_a_gpu_that_is_not_there_is_said_to_be_so() -> None:
    try:
        harkit.create_model("mlp", device="cuda")
    except UnsupportedError as error:
        message = str(error)
    else:
        pytest.skip("this build has CUDA")
    assert "needs a build of harkit with CUDA" in message


def test_weights_of_a_file_are_taken_by_name(resnet: Model, tmp_path: Path) -> None:
    values = tensors(resnet)
    plain = written(tmp_path / "plain.safetensors", values)
    model = harkit.create_model("resnet18", weights=plain, n_classes=5)
    assert model.fingerprint() == resnet.fingerprint()
    assert repr(model).endswith("weights of plain.safetensors, cpu)")
    counted = {
        f"{name.rpartition('.')[0]}.num_batches_tracked": np.int64(3) for name in values if "bn" in name
    }
    halved = {name: value.astype(np.float64) for name, value in values.items()}
    for prefix in ("module.", "backbone.", "module.backbone."):
        named = {prefix + name: value for name, value in {**halved, **counted}.items()}
        path = written(tmp_path / "prefixed.safetensors", named)
        assert (
            harkit.create_model("resnet18", weights=str(path), n_classes=5).fingerprint()
            == resnet.fingerprint()
        )


def test_a_backbone_of_mmaction2_goes_under_its_prefix(tmp_path: Path) -> None:
    whole = harkit.create_model("ircsn_50", seed=5, n_classes=6)
    values = {
        name.removeprefix("backbone."): value
        for name, value in tensors(whole).items()
        if name.startswith("backbone.")
    }
    path = written(tmp_path / "ig65m.safetensors", values)
    with pytest.raises(ArgumentError, match=r"has no classifier for ircsn_50 .*give `n_classes`"):
        harkit.create_model("ircsn_50", weights=path)
    model = harkit.create_model("ircsn_50", weights=path, n_classes=6, seed=5)
    assert model.fingerprint() == whole.fingerprint()


def test_a_classifier_of_another_size_is_initialised_where_it_was_asked_for(
    resnet: Model, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path / "five.safetensors", tensors(resnet))
    with pytest.raises(
        ArgumentError, match=r"five.*of 5 classes, resnet18 one of 1000: `n_classes=5` takes it"
    ):
        harkit.create_model("resnet18", weights=path)
    with caplog.at_level(logging.WARNING, "harkit.models"):
        model = harkit.create_model("resnet18", weights=path, n_classes=3, seed=9)
    assert "that of 3 classes is initialised with seed 9" in caplog.text
    assert "classifier initialised with seed 9" in repr(model)
    np.testing.assert_array_equal(model.network.get("conv1.weight"), resnet.network.get("conv1.weight"))
    fresh = harkit.create_model("resnet18", n_classes=3, seed=9)
    np.testing.assert_array_equal(model.network.get("fc.weight"), fresh.network.get("fc.weight"))


def test_what_does_not_fit_is_said_at_once(resnet: Model, tmp_path: Path) -> None:
    values = tensors(resnet)
    del values["layer1.0.conv1.weight"]
    values["head.weight"] = np.zeros(3, np.float32)
    values["bn1.bias"] = np.zeros(63, np.float32)
    path = written(tmp_path / "wrong.safetensors", values)
    with pytest.raises(ArgumentError) as caught:
        harkit.create_model("resnet18", weights=path, n_classes=5)
    assert str(caught.value) == (
        f"{path}: does not fit resnet18: missing: layer1.0.conv1.weight; not known: head.weight; "
        "of another shape: bn1.bias (63) where (64) is wanted"
    )
    assert caught.value.path == str(path)
    nothing = written(tmp_path / "nothing.safetensors", {"a": np.zeros(1, np.float32)})
    with pytest.raises(
        ArgumentError, match=r"missing: conv1.weight, bn1.weight, bn1.bias, and 9\d more; not known: a"
    ):
        harkit.create_model("resnet18", weights=nothing, n_classes=5)


def test_vgg_without_its_top_takes_the_file_of_the_whole(tmp_path: Path) -> None:
    bare = harkit.create_model("vgg16", top=False, seed=2)
    more = {
        "classifier.6.weight": np.zeros((10, 4096), np.float32),
        "classifier.6.bias": np.zeros(10, np.float32),
    }
    path = written(tmp_path / "vgg.safetensors", {**tensors(bare), **more})
    assert harkit.create_model("vgg16", top=False, weights=path).fingerprint() == bare.fingerprint()


def frames(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


PREPROCESSING = [tf.ResizeShort(40), tf.CenterCrop(32), tf.Normalize((0.4, 0.5, 0.6), 0.25, scale=255)]


def test_pictures_are_predicted_by_the_models_own_preprocessing(resnet: Model) -> None:
    model = Model(resnet.network, resnet.description)
    with pytest.raises(ArgumentError, match="knows no preprocessing for uint8 frames"):
        model.predict(frames(60, 50))
    model.preprocessing = PREPROCESSING
    model.classes = list("abcde")
    pictures = frames(3, 60, 50)
    inputs = tf.apply(pictures, PREPROCESSING).transpose(0, 3, 1, 2).copy()
    logits = model.forward(inputs).astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rows = model.predict(pictures, top=9)
    assert [len(row) for row in rows] == [5, 5, 5]
    for row, odds in zip(rows, expected, strict=True):
        assert [one.label for one in row] == np.argsort(-odds).tolist()
        np.testing.assert_allclose([one.probability for one in row], np.sort(odds)[::-1], rtol=1e-9)
        assert row[0].name == "abcde"[row[0].label]
    one = model.predict(pictures[0], top=1)
    assert isinstance(one[0], Prediction)
    assert one[0].name == rows[0][0].name
    assert model.predict(inputs, top=5) == rows
    np.testing.assert_array_equal(model.features(pictures), model.features(inputs))


def test_clips_are_predicted_over_their_views() -> None:
    model = harkit.create_model("mc3_18", seed=1, n_classes=4)
    model.preprocessing = [tf.ResizeShort(24), tf.ThreeCrop(24), tf.Normalize(0.5, 0.25, scale=255)]
    clip = frames(4, 30, 40)
    views = tf.apply(clip, model.preprocessing).transpose(0, 4, 1, 2, 3).copy()
    logits = model.forward(views).astype(np.float64)
    odds = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).mean(axis=0)
    predicted = model.predict(clip, top=4)
    np.testing.assert_allclose([one.probability for one in predicted], np.sort(odds)[::-1], rtol=1e-6)
    assert [one.name for one in predicted] == [str(i) for i in np.argsort(-odds)]
    [both, _] = model.predict(np.stack([clip, clip[::-1]]), top=4)
    np.testing.assert_allclose(
        [one.probability for one in both], [one.probability for one in predicted], rtol=1e-5
    )


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (
            np.zeros((2, 3, 32, 32)),
            ArgumentTypeError,
            r'must be float32 .* got float64; x.astype\("float32"\)',
        ),
        (
            np.zeros((2, 3, 32, 32), np.uint8),
            ArgumentTypeError,
            "got uint8; `predict` and `features` take uint8",
        ),
        (np.zeros((3, 32, 32), np.float32), ArgumentError, r"got \(3, 32, 32\); one item is x\[None\]"),
        (np.zeros((2, 32, 32, 3), np.float32), ArgumentError, "channels come before rows and columns"),
        (np.zeros((2, 1, 32, 32), np.float32), ArgumentError, r"\(N, C, H, W\) = \(N, 3, any, any\), got"),
        (np.zeros((0, 3, 32, 32), np.float32), ArgumentError, "must not be empty"),
        (np.full((2, 3, 32, 32), np.nan, np.float32), ArgumentError, "must be finite, .* in item 0"),
        ("walk.mp4", ArgumentTypeError, "must be float32"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(
    resnet: Model, x: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        resnet.forward(x)


def test_what_is_too_small_or_not_there_is_refused() -> None:
    squeezenet = harkit.create_model("squeezenet1_1")
    with pytest.raises(ArgumentError, match=r"does not go through squeezenet1_1 at \"features"):
        squeezenet.forward(np.zeros((1, 3, 5, 5), np.float32))
    with pytest.raises(ArgumentError, match=r'`stage` must be one of features.1, .*logits, got "layer9"'):
        squeezenet.features(np.zeros((1, 3, 64, 64), np.float32), stage="layer9")
    with pytest.raises(ArgumentError, match="`stage` must be one of"):
        squeezenet.freeze("layer9")
    with pytest.raises(ArgumentError, match="`top` must be an integer of at least 1, got 0"):
        squeezenet.predict(np.zeros((1, 3, 64, 64), np.float32), top=0)
    with pytest.raises(ArgumentError, match="has no classifier to predict with"):
        harkit.create_model("vgg16", top=False).predict(np.zeros((1, 3, 32, 32), np.float32))
    with pytest.raises(ArgumentError, match="a name a class, got 2 for 1000 classes"):
        squeezenet.classes = ["a", "b"]
    with pytest.raises(ArgumentTypeError, match="`preprocessing` must hold transforms, got 3"):
        squeezenet.preprocessing = [3]


def test_a_saved_model_keeps_its_preprocessing(resnet: Model, tmp_path: Path) -> None:
    model = Model(resnet.network, resnet.description)
    model.preprocessing, model.classes = PREPROCESSING, ["run", "sit", "stand", "turn", "walk"]
    model.save(tmp_path / "dark.safetensors")
    said = json.loads((tmp_path / "dark.json").read_text())
    assert said["classes"] == ["run", "sit", "stand", "turn", "walk"]
    assert said["preprocessing"][0]["name"] == "ResizeShort"
    read = Model.load(tmp_path / "dark.safetensors")
    picture = frames(60, 50)
    assert read.predict(picture) == model.predict(picture)
    made = harkit.create_model("resnet18", weights=tmp_path / "dark.safetensors", n_classes=5)
    assert made.predict(picture) == model.predict(picture)
    other = harkit.create_model("resnet18", weights=tmp_path / "dark.safetensors", n_classes=2)
    assert other.classes is None
    assert other.preprocessing == model.preprocessing


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda said: said | {"format": "harkit model 9"}, "its format is 'harkit model 9'"),
        (lambda said: {key: said[key] for key in said if key != "family"}, "'family'"),
        (lambda said: said | {"preprocessing": [{"name": "apply"}]}, "there is no transform 'apply'"),
        (
            lambda said: (
                said | {"architecture": {"name": "x", "nodes": [], "stages": [], "classifier": None}}
            ),
            "layers",
        ),
        (lambda said: [said], "is not what `Model.save` wrote"),
    ],
)
def test_a_damaged_description_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    path = tmp_path / "mlp.safetensors"
    harkit.create_model("mlp", inputs=4, hidden=3).save(path)
    said = json.loads((tmp_path / "mlp.json").read_text())
    (tmp_path / "mlp.json").write_text(json.dumps(change(said)))
    with pytest.raises((DecodeError, ArgumentError), match=message):
        Model.load(path)


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    for name, hidden in (("one", 3), ("other", 5)):
        harkit.create_model("mlp", inputs=4, hidden=hidden).save(tmp_path / f"{name}.safetensors")
    (tmp_path / "other.json").replace(tmp_path / "one.json")
    with pytest.raises(DecodeError, match=r"fc1.weight \(3, 4\) where \(5, 4\) is wanted"):
        Model.load(tmp_path / "one.safetensors")
    with pytest.raises(MissingFileError, match=r"`Model.save` writes it"):
        Model.load(tmp_path / "other.safetensors")
    with pytest.raises(ArgumentError, match=r'must end in ".safetensors"'):
        harkit.create_model("mlp").save(tmp_path / "model.pth")


def test_a_summary_prints_for_terminals_and_notebooks() -> None:
    summary = harkit.create_model("resnet18", n_classes=6).freeze("layer3").summary()
    lines = repr(summary).splitlines()
    assert lines[0] == "resnet18, initialised with seed 0, for one item of 3 x 224 x 224"
    assert lines[-1].split() == ["total", "11,179,590", "8,396,806", "1.81", "G"]
    assert any(
        line.split() == ["layer4", "512", "x", "7", "x", "7", "8,393,728", "8,393,728", "411", "M"]
        for line in lines
    )
    table = ET.fromstring(summary._repr_html_())
    assert [cell.text for cell in table.findall("tfoot/tr/th")][-1] == "1.81 G"
    # torchvision 0.24's documentation says 1.81 GFLOPs for ResNet-18 and 40.7 for R3D-18.
    assert summary.multiply_adds == pytest.approx(1.814e9, rel=1e-3)
    assert harkit.create_model("r3d_18").summary().multiply_adds == pytest.approx(40.697e9, rel=1e-3)
    with pytest.raises(ArgumentError, match="`input_size` must have 2 or 3 sides"):
        harkit.create_model("resnet18").summary((1, 2, 3, 4))


def test_multiply_adds_are_those_of_torchvisions_tables() -> None:
    published = {
        "resnet50": 4.09,
        "squeezenet1_1": 0.35,
        "mobilenet_v2": 0.30,
        "r2plus1d_18": 40.52,
        "mc3_18": 43.34,
    }
    for name, count in published.items():
        assert harkit.create_model(name).summary().multiply_adds / 1e9 == pytest.approx(count, abs=0.006)


SVG = "{http://www.w3.org/2000/svg}"


def test_a_picture_shows_blocks_shapes_and_what_is_frozen(tmp_path: Path) -> None:
    model = harkit.create_model("resnet18").freeze("layer2")
    picture = model.draw(tmp_path / "resnet18.svg")
    assert (tmp_path / "resnet18.svg").read_text() == picture.svg == picture._repr_svg_()
    root = ET.fromstring(picture.svg)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    for expected in (
        "layer1",
        "layer4.1",
        "trained",
        "frozen",
        "no parameters",
        "conv 7×7 / 2",
        "512 × 7 × 7",
    ):
        assert expected in texts
    frozen = [
        card
        for card in root.iter(f"{SVG}g")
        if any(r.get("fill") == "#e5e7eb" for r in card.findall(f"{SVG}rect"))
    ]
    assert len(frozen) == 1 + 4 + 5  # of the stem, layer1, and layer2 with its shortcut
    assert repr(picture).startswith("Drawing(")


def test_equal_blocks_in_a_row_are_drawn_once() -> None:
    picture = ET.fromstring(harkit.create_model("resnet152").draw().svg)
    texts = ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]
    assert "layer3.1 … 35× 35" in texts
    assert "layer4.0" in texts
    assert "layer3.20" not in texts


def test_no_two_cards_of_a_picture_overlap() -> None:
    for name in ("resnet50", "squeezenet1_1", "r2plus1d_18", "efficientnet_lite0", "ircsn_50", "vgg16"):
        root = ET.fromstring(
            harkit.create_model(name, **({"top": False} if name == "vgg16" else {})).draw().svg
        )
        boxes = np.array(
            [
                [float(rect.get(key)) for key in ("x", "y", "width", "height")]
                for card in root.iter(f"{SVG}g")
                for rect in card.findall(f"{SVG}rect")[:1]
                if card.find(f"{SVG}title") is not None
            ]
        )
        left, top = boxes[:, 0], boxes[:, 1]
        right, bottom = left + boxes[:, 2], top + boxes[:, 3]
        apart = (
            (left[:, None] >= right)
            | (right[:, None] <= left)
            | (top[:, None] >= bottom)
            | (bottom[:, None] <= top)
        )
        assert (apart | np.eye(len(boxes), dtype=bool)).all(), name
        width, height = (float(root.get(key)) for key in ("width", "height"))
        assert left.min() >= 0
        assert top.min() >= 0
        assert right.max() <= width
        assert bottom.max() <= height
