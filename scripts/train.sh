#!/bin/sh
# Makes the trained network that is called default, in the cache: simulates a
# survey, trains a resnet18 on it, and evaluates it. What is there already is
# used; a training run that was interrupted goes on.
set -eu
cache=${LENSBENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lensbench}
survey=$cache/surveys/default
model=$cache/models/default
bin/lens simulate --train 26000 --validation 2000 --test 10000 --seed 1 -o "$survey"
if test -e "$model/model.json"; then
  echo "$model: is trained already; remove it to train anew"
elif test -e "$model/last.safetensors"; then
  bin/lens train --data "$survey" --name default --resume
else
  bin/lens train --data "$survey" --name default --model resnet18 --epochs 6
fi
bin/lens calibrate default --data "$survey"
bin/lens evaluate default --data "$survey" -o "$model/evaluation"
