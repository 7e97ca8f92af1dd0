#!/bin/sh
# Makes the trained network that is called default, in the cache: simulates a
# survey, trains a resnet18 on it, calibrates it for int8, and evaluates it. With the
# word ensemble also default-resnet34 and default-light, its fellows in ensembles: on
# the same survey, with fewer epochs. What is there already is used; a training run that
# was interrupted goes on. TRAIN holds further flags of lens train: on a processor with
# AMX, TRAIN="--precision bf16 --channels-last" takes about half the time.
set -eu
cache=${LENSBENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lensbench}
survey=$cache/surveys/default

# train NAME MODEL EPOCHS
train() {
  model=$cache/models/$1
  if test -e "$model/model.json"; then
    echo "$model: is trained already; remove it to train anew"
  elif test -e "$model/last.safetensors"; then
    bin/lens train --data "$survey" --name "$1" --resume
  else
    bin/lens train --data "$survey" --name "$1" --model "$2" --epochs "$3" ${TRAIN:-}
  fi
  bin/lens calibrate "$1" --data "$survey"
  bin/lens evaluate "$1" --data "$survey" -o "$model/evaluation"
}

bin/lens simulate --train 26000 --validation 2000 --test 10000 --seed 1 -o "$survey"
train default resnet18 6
if test "${1:-}" = ensemble; then
  train default-resnet34 resnet34 3
  train default-light light_transformer 3
fi
