# make bench   build, simulate, run the quick suite, update RESULTS.md
# make test    build, run every test
# make help    all targets

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := build

CXX       ?= g++
GO        ?= go
# Equal sources give equal programs. The build ID of one that uses cgo has the
# path of the checkout in it, so both go without.
GOBUILD   := $(GO) build -trimpath -buildvcs=false -tags relocatable
# NVIDIA's header says of calls that old drivers need that they are old.
export CGO_CFLAGS := -O2 -g -Wno-deprecated-declarations
# Loops of the shim share the threads of libtorch's by OpenMP.
CXXFLAGS  := -std=c++20 -O2 -DNDEBUG -fPIC -fvisibility=hidden -fopenmp -Wall

SHIM      := bin/liblt.so.1
SHIM_SRC  := $(wildcard torch/shim/*.cpp)
SHIM_OBJ  := $(SHIM_SRC:torch/shim/%.cpp=build/shim/%.o)
SHIM_TEST := $(wildcard torch/shim/test/*.cpp)
NCCL      := bin/liblt_nccl.so
PEER      := bin/pytorch_worker.py bin/pytorch_engines.py bin/pytorch_requirements.txt

##@ Use

.PHONY: build
build: shim $(PEER) ## leave bin/bench and bin/lens
	$(GOBUILD) -ldflags=-buildid= -o bin/bench ./bench
	$(GOBUILD) -ldflags=-buildid= -o bin/lens ./system/lens

.PHONY: bench
bench: build ## run the quick suite on this machine and update RESULTS.md
	bin/bench run --suite quick --results RESULTS.md

.PHONY: train
train: build ## train the network called default and evaluate it: half an hour on two cores
	sh scripts/train.sh

.PHONY: train-ensemble
train-ensemble: build ## train, and the two networks that go with it in ensembles: an hour and a half on two cores
	sh scripts/train.sh ensemble

##@ Test

# Go's test cache does not look into a shared library: tests read this
# variable, so that a changed shim runs them again.
SHIM_HASH = $$(sha256sum $(SHIM) | cut -c1-16)

.PHONY: test
test: build test-shim test-scripts ## every test, Go, C++ and Python
	LENSBENCH_SHIM_HASH=$(SHIM_HASH) $(GO) test -timeout 30m ./...

.PHONY: test-shim
test-shim: shim build/shim-test
	LD_LIBRARY_PATH=bin build/shim-test

.PHONY: test-scripts
test-scripts: need
	python3 -m unittest discover -s scripts -p "*_test.py"
	python3 -m unittest discover -v -s system/peer -p "*_test.py"

.PHONY: race
race: build ## the tests under the race detector
	LENSBENCH_SHIM_HASH=$(SHIM_HASH) $(GO) test -race -timeout 30m ./...

.PHONY: slow
slow: build ## what is too slow for every test run: 10,000 training steps that leak nothing, memory under all policies of checkpoints, thousands of simulated runs
	LENSBENCH_SLOW=1 $(GO) test -count=1 -v -run LeakNothing ./system/optim
	LENSBENCH_SLOW=1 $(GO) test -count=1 -v -run ActivationPeak ./system/model
	LENSBENCH_SLOW=1 $(GO) test -count=1 -v -timeout 60m -run 'Cover|Looks|Detectable|Family|Noise|Level|Repeat' ./verdict
	LENSBENCH_SLOW=1 $(GO) test -count=1 -v -run Looks ./gate

.PHONY: smoke
smoke: build ## one block of every scenario: the whole tool end to end, no verdicts
	bin/bench run --suite quick --restarts 1 --blocks 1 --runs build/smoke

.PHONY: lint
lint: build ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l .)" || { echo "not formatted (run gofmt -w):"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

##@ Other

.PHONY: generate
generate: build ## rewrite generated files: golden files and the JSON Schema
	$(GO) generate ./...

.PHONY: clean
clean: ## remove what was built; runs, results and the cache stay
	rm -rf bin build

.PHONY: help
help: ## this list
	@awk -F '## ' '/^##@/ {print "\n" substr($$0, 5)} /^[a-z-]+:.*## / {sub(/:.*/, "", $$1); printf "  make %-14s %s\n", $$1, $$2}' Makefile

.PHONY: need
need:
	@CXX="$(CXX)" sh scripts/need.sh

# The C++ side. build/libtorch changes only when another libtorch is used, and
# then everything that was compiled against the old one is made again. At most
# two compilers run at once, whatever -j says: each takes up to 1 GB.

.PHONY: shim
shim: build/libtorch build/nccl
	@case "$$(cat build/nccl)" in none:*) rm -f $(NCCL); nccl=;; *) nccl=$(NCCL);; esac; \
	$(MAKE) --no-print-directory MAKEFLAGS=-j2 $(SHIM) $$nccl

build/libtorch: FORCE | need
	@mkdir -p build/shim bin
	@python3 scripts/libtorch.py > build/libtorch.new
	@if cmp -s build/libtorch.new $@; then rm build/libtorch.new; else mv build/libtorch.new $@; fi

# What NCCL's part is compiled with, or why it is not built.
build/nccl: build/libtorch FORCE
	@sh scripts/nccl.sh "$$(cat build/libtorch)" > build/nccl.new
	@if cmp -s build/nccl.new $@; then rm build/nccl.new; else mv build/nccl.new $@; fi

# Names of Gloo's, whose headers PyTorch's wheel lacks: searched last.
build/shim/dist.o: CXXFLAGS += -idirafter torch/shim/stub

build/shim/%.o: torch/shim/%.cpp build/libtorch
	$(CXX) $(CXXFLAGS) -MMD -MP -isystem "$$(cat build/libtorch)/include" \
	  -isystem "$$(cat build/libtorch)/include/torch/csrc/api/include" -c $< -o $@

$(SHIM): $(SHIM_OBJ) torch/shim/lt.map
	@T=$$(cat build/libtorch) && set -x && \
	$(CXX) -shared -o $@ $(SHIM_OBJ) -Wl,-soname,liblt.so.1 -Wl,--version-script=torch/shim/lt.map -Wl,-z,defs \
	  -L"$$T/lib" -Wl,-rpath,"$$T/lib" -ltorch_cpu -lc10 -l:libgomp.so.1 -ldl -lpthread
	@ln -sf liblt.so.1 bin/liblt.so

$(NCCL): torch/shim/nccl/nccl.cpp torch/shim/nccl.hpp build/nccl
	@T=$$(cat build/libtorch) && set -x && \
	$(CXX) $(CXXFLAGS) -shared $< -o $@ -isystem "$$T/include" -isystem "$$T/include/torch/csrc/api/include" $$(cat build/nccl) \
	  -Wl,-z,defs -L"$$T/lib" -Wl,-rpath,"$$T/lib" -ltorch_cpu -lc10 -ltorch_cuda -lc10_cuda

build/shim-test: $(SHIM_TEST) torch/shim/lt.h $(SHIM)
	$(CXX) -std=c++20 -O1 -g -Wall -Itorch/shim $(SHIM_TEST) -o $@ -Lbin -llt -Wl,--allow-shlib-undefined

$(PEER): bin/%: system/peer/%
	@mkdir -p bin
	cp $< $@

.PHONY: FORCE
FORCE:

-include $(SHIM_OBJ:.o=.d)
