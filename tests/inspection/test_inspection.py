"""Broken files are told from odd ones; judged by what the ffmpeg program was told to write."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import harkit
from conftest import ffmpeg, numbered_frames
from harkit.errors import ArgumentTypeError, DecodeError, MissingFileError

Encode = Callable[..., Path]
H264 = ("-c:v", "libx264", "-g", 20, "-pix_fmt", "yuv420p")
# Without arithmetic coding, whose decoder makes a picture of almost any bytes.
PARSED = (*H264, "-coder", "vlc")


def one(path: object, **options: object) -> harkit.Inspection:
    (found,) = harkit.inspect_videos([path], **options)
    return found


def packets(path: Path) -> list[dict[str, int]]:
    """Position, size and time of each packet, as the ffprobe program lists them."""
    entries = ["-show_entries", "packet=pts,pos,size", "-of", "json"]
    probe = ["ffprobe", "-v", "error", "-select_streams", "v:0", *entries, str(path)]
    listed = json.loads(subprocess.run(probe, capture_output=True, check=True).stdout)["packets"]
    return [{name: int(value) for name, value in packet.items()} for packet in listed]


def turn_over(path: Path, target: Path) -> int:
    """Copy a file with the second half of its middle packet turned over; the number of that frame."""
    listed = packets(path)
    hit = listed[len(listed) // 2]
    data = bytearray(path.read_bytes())
    half = slice(hit["pos"] + hit["size"] // 2, hit["pos"] + hit["size"])
    data[half] = bytes(byte ^ 0xFF for byte in data[half])
    target.write_bytes(data)
    return sorted(packet["pts"] for packet in listed).index(hit["pts"])


def test_a_sound_file_has_neither_faults_nor_oddities(numbered: Path) -> None:
    found = one(numbered)
    assert not found.is_broken and found.faults == [] and found.oddities == []
    assert found.info == harkit.probe(numbered)
    np.testing.assert_array_equal(found.timestamps, harkit.VideoReader(numbered).timestamps)
    assert found.damaged.dtype == np.int64 and found.damaged_spans == []


# Codecs whose data does not parse with bytes turned over. What refers to a damaged frame is itself decoded
# without complaint.
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", PARSED),
        ("a.avi", ("-c:v", "mpeg4")),
        ("a.mkv", ("-c:v", "mpeg2video", "-bf", 2)),
    ],
)
def test_the_frame_whose_bytes_were_turned_over_is_found(
    encode: Encode, tmp_path: Path, name: str, options: tuple[object, ...]
) -> None:
    sound = encode(numbered_frames(60), name, *options)
    hit = turn_over(sound, tmp_path / name)
    assert not one(sound).is_broken
    found = one(tmp_path / name)
    assert found.is_broken
    assert found.damaged[0] == hit
    assert found.faults[0].startswith(f"damaged frames: {hit}")


def test_without_decoding_damaged_frames_stay_unknown(encode: Encode, tmp_path: Path) -> None:
    turn_over(encode(numbered_frames(60), "a.mp4", *PARSED), tmp_path / "a.mp4")
    assert one(tmp_path / "a.mp4").is_broken and not one(tmp_path / "a.mp4", decode=False).is_broken


def test_ffmpegs_messages_name_the_file(
    encode: Encode, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    turn_over(encode(numbered_frames(60), "a.mp4", *PARSED), tmp_path / "a.mp4")
    harkit.inspect_videos([tmp_path / "a.mp4"])
    assert caplog.messages and all(str(tmp_path / "a.mp4") in message for message in caplog.messages)


def test_a_file_that_was_cut_off_is_broken(encode: Encode, tmp_path: Path) -> None:
    sound = encode(numbered_frames(60), "a.mkv", *H264)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(sound.read_bytes()[: sound.stat().st_size // 2])
    found = one(cut)
    assert found.is_broken and found.faults
    assert 0 < found.info.n_frames < 60


def test_files_that_do_not_open_are_rows_with_their_error(numbered: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    missing, text, sound = harkit.inspect_videos([tmp_path / "no.mp4", tmp_path / "text.mp4", numbered])
    assert isinstance(missing.error, MissingFileError) and missing.info is None
    assert isinstance(text.error, DecodeError) and str(tmp_path) not in text.faults[0]
    assert missing.is_broken and text.is_broken and not sound.is_broken


def test_one_damaged_image_of_a_folder_is_named_by_its_number(tmp_path: Path) -> None:
    harkit.write_frames(tmp_path, numbered_frames(6))
    (tmp_path / "000004.png").write_bytes(b"no image")
    assert one(tmp_path).damaged_spans == [(4, 4)]


def test_a_variable_rate_is_odd_and_rounding_to_milliseconds_is_not(encode: Encode, tmp_path: Path) -> None:
    frames = numbered_frames(30)
    constant = encode(frames, "a.mkv", *H264, fps=30)
    assert one(constant).oddities == []
    steps = np.diff(harkit.VideoReader(constant).timestamps)
    assert steps.max() - steps.min() == pytest.approx(0.001)
    source = encode(frames, "b.mp4", *H264, fps=30)
    variable = tmp_path / "variable.mp4"
    ffmpeg("-i", source, "-vf", "setpts='(N+floor(N/10)*5)/(30*TB)'", "-fps_mode", "vfr", *H264, variable)
    assert one(variable).oddities == ["variable rate: steps of 33 to 200 ms"]


def test_a_header_with_another_number_of_frames_is_odd(encode: Encode, tmp_path: Path) -> None:
    sound = encode(numbered_frames(60), "a.avi", "-c:v", "mpeg4", "-bf", 0)
    data = bytearray(sound.read_bytes())
    # dwLength of the stream header: 32 bytes after the fourcc's end, 36 after "strh" and its size.
    place = data.index(b"strh") + 8 + 32
    assert int.from_bytes(data[place : place + 4], "little") == 60
    data[place : place + 4] = (77).to_bytes(4, "little")
    (tmp_path / "a.avi").write_bytes(data)
    found = one(tmp_path / "a.avi")
    assert found.oddities == ["the header says 77 frames"] and not found.is_broken
    assert found.info.n_frames == 60


def test_late_start_rotation_oblong_pixels_and_fields_are_odd(encode: Encode, tmp_path: Path) -> None:
    source = encode(numbered_frames(20), "a.mp4", *H264)
    ffmpeg("-itsoffset", 3, "-i", source, "-c", "copy", "-copyts", tmp_path / "late.mkv")
    assert one(tmp_path / "late.mkv").oddities == ["begins at 3 s"]
    ffmpeg("-i", source, "-c", "copy", "-metadata:s:v", "rotate=180", tmp_path / "turned.mp4")
    assert one(tmp_path / "turned.mp4").oddities == ["turned by 180 degrees"]
    ffmpeg("-i", source, "-vf", "setsar=4/3", *H264, tmp_path / "oblong.mp4")
    assert one(tmp_path / "oblong.mp4").oddities == ["pixels 1.33 times as wide as high"]
    fields = ("-flags", "+ilme+ildct", "-top", 1)
    ffmpeg("-i", source, "-c:v", "mpeg2video", *fields, tmp_path / "fields.mkv")
    assert "interlaced" in one(tmp_path / "fields.mkv").oddities


def test_missing_times_are_odd(encode: Encode) -> None:
    # H.264 with B-frames in AVI: the container has no times of presentation.
    found = one(encode(numbered_frames(30), "a.avi", *H264))
    assert not found.has_times and found.oddities == ["frames without times in order"]


def test_videos_keep_their_order_and_are_counted(numbered: Path, tmp_path: Path) -> None:
    counts: list[int] = []
    paths = [numbered, tmp_path / "no.mp4", numbered]
    found = harkit.inspect_videos(paths, progress=counts.append)
    assert [one.path for one in found] == [str(path) for path in paths]
    assert counts[-1] == 3
    assert harkit.inspect_videos([]) == []


def test_a_single_path_is_refused(numbered: Path) -> None:
    with pytest.raises(ArgumentTypeError, match="`paths` must be a list of paths, got the single path"):
        harkit.inspect_videos(str(numbered))


def test_published_damage_is_found(data: Path) -> None:
    found = one(data / "clips" / "decord" / "corrupted.mp4")
    assert found.is_broken and found.info.header_frames == 50 and found.info.n_frames == 49


def test_the_dark_set_is_sound(data: Path) -> None:
    found = harkit.inspect_videos(sorted((data / "dark" / "train" / "Run").glob("*.mp4")))
    assert len(found) == 25
    assert not [one.path for one in found if one.is_broken or one.oddities]
