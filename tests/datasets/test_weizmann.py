from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harkit import datasets
from harkit.errors import ArgumentError, MissingFileError

Touch = Callable[..., Path]


def test_names_tell_person_and_action_also_where_actions_end_in_digits(touch: Touch) -> None:
    own = datasets.weizmann(touch("wave1/eli_wave1.avi", "daria_wave2.avi", "run/lena_run.avi", "notes.avi"))
    assert own.all.names == ["lena_run", "eli_wave1", "daria_wave2"]
    assert own.all.groups == ["lena", "eli", "daria"] and own.all.labels.tolist() == [4, 8, 9]
    assert len(own.missing) == 87 and "lena_walk" in own.missing


def test_doubles_are_kept_or_left_out(touch: Touch) -> None:
    root = touch("lena_run1.avi", "lena_run2.avi", "lena_wave1.avi", "ira_run.avi")
    assert datasets.weizmann(root).all.names == ["ira_run", "lena_run1", "lena_run2", "lena_wave1"]
    once = datasets.weizmann(root, doubles="leave_out")
    assert (
        once.all.names == ["ira_run", "lena_run1", "lena_wave1"]
        and once.missing == datasets.weizmann(root).missing
    )


def test_folds_leave_one_person_out(touch: Touch) -> None:
    own = datasets.weizmann(touch("a_bend.avi", "a_run.avi", "b_bend.avi", "b_run.avi", "c_bend.avi"))
    folds = own.all.leave_one_group_out()
    assert [set(fold.test.groups) for fold in folds] == [{"a"}, {"b"}, {"c"}]


def test_what_cannot_be_is_refused(touch: Touch, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="there is no Weizmann clip"):
        datasets.weizmann(tmp_path)
    with pytest.raises(ArgumentError, match=r"a_bend.avi lies there twice"):
        datasets.weizmann(touch("x/a_bend.avi", "y/a_bend.avi"))
    with pytest.raises(ArgumentError, match="`doubles` must be one of 'keep', 'leave_out', got True"):
        datasets.weizmann(tmp_path, doubles=True)
