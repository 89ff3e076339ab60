"""run.json: its format, and that what several processes add at once stays."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import FormatError, RunError
from seq2seq.run import Run
from tests.support.users import another_user, open_to_all, seal


def add(number: int) -> Any:
    return lambda record: {**record, "evaluations": {**record.get("evaluations", {}), str(number): {}}}


def test_a_record_begins_with_its_format_and_one_without_is_read(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"seed": 3}')
    assert Run(tmp_path).record() == {"seed": 3}
    Run(tmp_path).note(more=1)
    assert (tmp_path / "run.json").read_text() == '{\n  "format": 1,\n  "seed": 3,\n  "more": 1\n}\n'
    assert Run(tmp_path).record() == {"seed": 3, "more": 1}


def test_a_newer_record_is_refused_and_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"format": 2}')
    for use in (Run(tmp_path).record, lambda: Run(tmp_path).note(more=1)):
        with pytest.raises(FormatError, match=r"run\.json has format 2, and this seqx reads up to 1: .*update seqx"):
            use()
    assert (tmp_path / "run.json").read_text() == '{"format": 2}'


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_what_several_processes_add_at_once_is_all_there(tmp_path: Path) -> None:
    run, processes, each = Run(tmp_path), 4, 25
    children = []
    for process in range(processes):
        child = os.fork()
        if not child:
            try:
                for number in range(each):
                    run.update(add(process * each + number))
                    run.note(**{f"note {process} {number}": number})
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert all(os.waitpid(child, 0)[1] == 0 for child in children)
    record = run.record()
    assert record.pop("evaluations").keys() == {str(number) for number in range(processes * each)}
    assert len(record) == processes * each


def test_a_record_that_cannot_be_written_is_an_error_that_names_the_folder() -> None:
    with open_to_all() as folder:
        (folder / "run.json").write_text("{}")
        seal(folder)
        with another_user(), pytest.raises(RunError, match=f"cannot write to {folder}: Permission denied; free"):
            Run(folder).note(more=1)
        assert [path.name for path in folder.iterdir()] == ["run.json"]


def test_a_name_that_is_no_text_can_be_put_on_record(tmp_path: Path) -> None:
    Run(tmp_path).note(file="caf\udce9.fr", other="café")
    assert Run(tmp_path).record() == {"file": "caf\udce9.fr", "other": "café"}
    assert "café" in (tmp_path / "run.json").read_text(encoding="utf-8")


def test_files_that_are_replaced_may_have_other_names(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    Run(tmp_path / "run").note(first=1)
    shutil.copytree(tmp_path / "run", tmp_path / "backup", copy_function=os.link)
    Run(tmp_path / "backup").path.joinpath(".record.lock").unlink()
    Run(tmp_path / "run").note(second=2)
    assert json.loads((tmp_path / "backup" / "run.json").read_text()) == {"format": 1, "first": 1}
