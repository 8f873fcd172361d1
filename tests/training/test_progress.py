"""The bar of a run: all its steps, the time left, and nothing where it is not wanted."""

from __future__ import annotations

import re

from tests.fixtures import runs


def test_one_bar_counts_the_steps_of_the_whole_run(small_network, sample_root, tmp_path, capsys):
    trainer = runs.trainer(tmp_path, enable_progress_bar=True)
    trainer.fit(runs.task(small_network()), runs.datamodule(sample_root, batch_size=32))
    shown = capsys.readouterr().err
    assert trainer.global_step == 4
    first, *_, last = re.findall(r"training: .*?\| (\d+)/4 \[\d\d:\d\d<(\d\d:\d\d|\?)", shown)
    assert first[0] == "0" and last == ("4", "00:00")
    assert re.search(r"epoch=2/2, loss=[\d.]+, held-out MAE=0\.\d+", shown)


def test_without_it_nothing_is_shown(small_network, sample_root, tmp_path, capsys):
    trainer = runs.trainer(tmp_path, limit_train_batches=1, limit_val_batches=1)
    trainer.fit(runs.task(small_network()), runs.datamodule(sample_root, batch_size=32))
    assert "training:" not in capsys.readouterr().err
