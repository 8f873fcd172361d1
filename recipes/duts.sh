#!/bin/bash
# Train the full network on DUTS-TR as F3Net was trained, and score it on all test sets that are there.
# Needs one GPU, DUTS-TR in data/ and Res2Net's ImageNet weights. Not run to an end: no score is known.
# Arguments go to the training.
set -e
python train.py experiment=duts "$@"
python eval.py dataset=all checkpoint=last output=results/duts
