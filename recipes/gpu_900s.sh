#!/bin/bash
# Train the small network, from `best`, in 900 seconds of one large GPU: packing, decoding, 60 to 100
# passes over DUTS-TR at 352 px with strong augmentation, and a checkpoint. Not run on a GPU yet.
#   recipes/gpu_900s.sh              all of it; data/DUTS-TR is there
#   recipes/gpu_900s.sh pack         elsewhere: packs/1.zip and 2.zip, some 57 MB each, to be sent
#   recipes/gpu_900s.sh decode 1     on the GPU's machine, while 2.zip is on its way
#   recipes/gpu_900s.sh train        what is decoded
#   SETS=duts_tr,photos ARCHIVES=4 recipes/gpu_900s.sh      with photographs and their maps, 1:1
#   REHEARSE=1 recipes/gpu_900s.sh   everything in half a minute on a CPU: the sample, 64 px
# Variables: PACKS, ARRAYS (memory), OUTPUT, TIME_LIMIT (until it has to be saved), START, BATCH.
set -euo pipefail
begun=$(date +%s)
python=${PYTHON:-python} packs=${PACKS:-packs} arrays=${ARRAYS:-/dev/shm/gpu_900s}
output=${OUTPUT:-checkpoints/gpu_900s.safetensors} archives=${ARCHIVES:-2}
size=352 batch=${BATCH:-64} limit=${TIME_LIMIT:-540} start=${START:-best} sets=${SETS:-duts_tr}
if [ "${REHEARSE:-0}" = 1 ]; then
    size=64 batch=8 limit=${TIME_LIMIT:-20} start=fast sets=sample_train
fi
step() { "$python" -m recipes.gpu_900s "$@" --size "$size"; }

pack() { step pack "$packs" --sets "$sets" --archives "$archives" --data-root "${DATA_ROOT:-data}"; }
decode() { step decode "$arrays" --archive "$packs/$1.zip"; }
train() {
    step train "$arrays" --batch "$batch" --start "$start" --output "$output" \
        --seconds "$limit" --late "$(($(date +%s) - begun))"
}

case ${1:-all} in
    pack) pack ;;
    decode) decode "$2" ;;
    train) train ;;
    all)
        [ -f "$packs/$archives.zip" ] || pack
        begun=$(date +%s)
        for ((number = 1; number <= archives; number++)); do decode "$number"; done
        train
        ;;
    *) echo "gpu_900s.sh: $1: give pack, decode NUMBER, train or nothing" >&2; exit 2 ;;
esac
