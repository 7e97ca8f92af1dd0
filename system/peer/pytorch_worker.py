#!/usr/bin/env python3
"""The PyTorch peer: a worker of lensbench's protocol that runs and trains the
same networks in PyTorch, with the same weights and images. Inference may go on in
other engines, which pytorch_engines.py has.

It is a measuring tool, so it does what a careful user of PyTorch does and no
more: torch.inference_mode, or fused AdamW and gradients set to None; and, where
an arm asks for it, channels-last, autocast, accumulation, checkpoints, several
scales, torch.compile, or DistributedDataParallel over Gloo. Weights and images come from the formula that the Go
package system/nn documents, computed here with numpy, so that the outputs of
both programs can be compared.

Usage: pytorch_worker.py    (requests on stdin, responses on stdout, one JSON object a line)

Of several ranks this process is rank 0; it starts the others as
"pytorch_worker.py rank", with requests and replies of their own.

Without torch and torchvision every request but close is answered with an error
of kind "unsupported" that says how to install them.
"""

import contextlib
import ctypes
import datetime
import functools
import gc
import hashlib
import json
import math
import os
import resource
import signal
import subprocess
import sys
import time

import pytorch_engines as engines


def claim_stdout():
    """Returns a private copy of descriptor 1 and points 1 at standard error, so
    that a library that prints cannot break the protocol."""
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return private


RESPONSES = claim_stdout() if __name__ == "__main__" else None  # before the imports below, which may print

try:
    import numpy as np
    import torch
    import torch.distributed
    import torch.nn.functional as F
    import torch.utils.checkpoint
    import torchvision

    MISSING, Module, DEFAULT_THREADS = None, torch.nn.Module, torch.get_num_threads()
except (ImportError, OSError) as e:
    MISSING, Module, DEFAULT_THREADS = e, object, 0

PROTOCOL = 1
INSTALL = f"{sys.executable} -m pip install torch==2.11.0 torchvision==0.26.0"

# Side of the images that each network is meant for.
PIXELS = {"resnet18": 64, "resnet34": 64, "vit_b_16": 224, "light_transformer": 112}

# What each setting may be: one of a tuple of words, a list of such words, an
# integer of a range, or true.
SETTINGS = {
    "kind": ("inference", "train"),
    "model": tuple(PIXELS),
    "pixels": range(32, 1024 + 1),
    "batch": range(1, 65536 + 1),
    "bands": range(1, 16 + 1),
    "threads": range(1, 1024 + 1),
    "seed": range(0, 2**31),
    "layout": ("contiguous", "channels-last"),
    "engine": tuple(engines.PRECISIONS),
    "precision": ("fp32", "bf16", "fp16", "int8"),
    "accumulate": range(1, 4096 + 1),
    "checkpointing": ("none", "block", "stage", "every-2", "every-3", "every-4"),
    "scales": [("32", "48", "64", "80", "96", "112", "128", "160", "192", "224")],
    "scale_mode": ("summed", "per-scale", "grouped"),
    "layers": ("training", "frozen"),
    "optimizer": ("fused", "loop"),
    "compile": bool,
    "ranks": range(1, 64 + 1),
    "check_images": range(1, 65536 + 1),
}

# Settings that the protocol has and this worker does not follow, and why: arms with them
# are skipped.
UNSUPPORTED = {
    **dict.fromkeys(("source", "format", "workers", "prefetch", "persistent", "cache", "images"),
                    "images on disk are read by lens's loader, which is no part of PyTorch"),
    **dict.fromkeys(("budget", "adaptive", "monitor"),
                    "PyTorch does not count the bytes of CPU tensors, so it can neither keep to a budget nor report a peak"),
    **dict.fromkeys(("scale_budget", "scale_split", "scale_checkpointing"),
                    "groups of scales, and large scales in parts or with checkpoints of their own, are lens's; scale_mode summed and per-scale can be compared"),
    **dict.fromkeys(("members", "schedule", "aggregate", "device", "placement"), "ensembles are lens's"),
    **dict.fromkeys(("mode", "rate", "load"), "queries are made by lens's load generator"),
    **dict.fromkeys(("passes", "passes_through"), "Monte-Carlo dropout draws its masks from lens's generator"),
    "delay": "a slowdown is planted in lens, which is what the gate is about",
    "exchange": "DistributedDataParallel sends gradients by Gloo, as it always does on a CPU",
    "trained": "trained networks are lens's; their weights go over as safetensors",
    **dict.fromkeys(("script", "freeze", "optimise"), "these scripts are lens's; compare with engine"),
    **dict.fromkeys(("plan", "search"), "plans are lens's; compare with engine"),
}

# Settings of one kind of work alone.
ONLY = {"engine": "inference", **dict.fromkeys(("accumulate", "checkpointing", "scales", "scale_mode", "layers", "optimizer",
                                                "ranks", "check_images", "compile"), "train")}

DEFAULTS = {"batch": 1, "bands": 3, "threads": 0, "seed": 0, "layout": "contiguous", "engine": "", "precision": "", "accumulate": 1,
            "checkpointing": "none", "scales": [], "scale_mode": "", "layers": "training", "optimizer": "fused", "compile": False,
            "ranks": 1, "check_images": 0}

# Instructions of a processor that a scenario may need, as Linux names them.
FEATURES = ("avx512_bf16", "amx_bf16", "avx512_fp16", "amx_fp16", "avx512_vnni", "avx_vnni", "amx_int8")


class Refusal(Exception):
    """An error of a kind that the protocol has; the worker goes on."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


# --- the protocol -----------------------------------------------------------


def main():
    worker = Worker()
    try:
        for line in sys.stdin:
            response, closing = answer(worker, line)
            respond(response)
            if closing:
                return
    finally:
        worker.discard()


def respond(response):
    RESPONSES.write(json.dumps(response, allow_nan=False) + "\n")
    RESPONSES.flush()


def answer(worker, line):
    """Returns the response to a line, and whether it is the last one."""
    number = 0
    try:
        request = parse_request(line)
        number = request["id"]
        check_request(request)
        if request["op"] == "close":
            return {"id": number}, True
        return {"id": number, **worker.handle(request)}, False
    except Exception as failure:  # whatever PyTorch raises is an answer, not the worker's end
        return {"id": number, "error": error_of(failure)}, False


def error_of(failure):
    """The error as the protocol has it."""
    if isinstance(failure, Refusal):
        return {"kind": failure.kind, "message": str(failure)}
    if isinstance(failure, engines.Unsupported):
        return {"kind": "unsupported", "message": str(failure)}
    return {"kind": kind_of(failure), "message": f"{type(failure).__name__}: {failure}"}


def parse_request(line):
    try:
        request = json.loads(line)
    except ValueError as e:
        raise Refusal("bad-request", f"request is not JSON: {e}") from e
    if not isinstance(request, dict) or not isinstance(request.get("id"), int):
        raise Refusal("bad-request", "request is not an object with an integer id")
    return request


def check_request(request):
    for key in request:
        if key not in ("id", "op", "prepare", "sample", "verify"):
            raise Refusal("bad-request", f"request has the unknown key {key!r}")
    if request.get("op") not in ("hello", "prepare", "sample", "verify", "close"):
        raise Refusal("bad-request", f"unknown operation {request.get('op')!r}")


def kind_of(failure):
    """PyTorch reports a failed allocation of CPU memory as a RuntimeError."""
    memory = isinstance(failure, MemoryError) or "can't allocate memory" in str(failure)
    return "out-of-memory" if memory else "failed"


def parse_settings(raw):
    if not isinstance(raw, dict):
        raise Refusal("bad-request", "prepare without an object of settings")
    settings = {}
    for key, value in raw.items():
        if key in UNSUPPORTED and value not in (0, "", []):
            raise Refusal("unsupported", f"{key}: {UNSUPPORTED[key]}")
        if key not in SETTINGS and key not in UNSUPPORTED:
            raise Refusal("unknown-setting", f"setting {key!r} is not known to this worker")
        if value in (0, "", []):
            continue  # not set
        settings[key] = check_setting(key, value, SETTINGS[key])
        if ONLY.get(key, raw.get("kind")) != raw.get("kind"):
            raise Refusal("bad-request", f"setting {key!r} does not belong to kind {raw.get('kind')}, but to {ONLY[key]}")
    for key in ("kind", "model"):
        if key not in settings:
            raise Refusal("bad-request", f"setting {key!r} is missing")
    settings.setdefault("pixels", PIXELS[settings["model"]])
    settings = {**DEFAULTS, **settings}
    settings.update(check_engine(settings))
    check_scales(settings["scales"], settings["scale_mode"])
    check_ranks(settings)
    if settings["compile"] and settings["checkpointing"] != "none":
        raise Refusal("unsupported", "compile with checkpointing: torch.compile chooses by itself what it computes again")
    for side in [settings["pixels"], *map(int, settings["scales"])]:
        if settings["model"] == "vit_b_16" and side != 224:
            raise Refusal("unsupported", f"vit_b_16: images of {side} pixels: want 224")
    return settings


def check_engine(settings):
    """Returns the engine and the precision, with their defaults."""
    precision = settings["precision"]
    if settings["kind"] == "train":
        if precision == "int8":
            raise Refusal("unsupported", "precision int8: training is in fp32, bf16 or fp16")
        return {"precision": precision or "fp32"}
    engine = settings["engine"] or "eager"
    try:
        return {"engine": engine, "precision": engines.check(engine, precision, settings["layout"])}
    except engines.Unsupported as e:
        raise Refusal("unsupported", str(e)) from e


def check_scales(scales, mode):
    if mode and not scales:
        raise Refusal("bad-request", "scale_mode without scales")
    if mode == "grouped":
        raise Refusal("unsupported", "scale_mode grouped: PyTorch does not say how many bytes of activations a scale has")
    if len(scales) == 1 or len(set(scales)) < len(scales):
        raise Refusal("bad-request", f"scales {', '.join(scales)}: want two or more different ones")


def check_ranks(settings):
    ranks, each = settings["ranks"], settings["batch"] * settings["ranks"]
    if settings["check_images"] % each:
        raise Refusal("bad-request", f"check_images: {settings['check_images']}, want a multiple of {each} images, batch × ranks")
    if ranks > 1 and settings["compile"]:
        raise Refusal("unsupported", "compile with ranks: several ranks train in eager mode")
    if ranks > 1 and settings["scales"]:
        raise Refusal("unsupported", "scales with ranks: DistributedDataParallel wants a backward pass after every forward pass")


def check_setting(key, value, allowed):
    if isinstance(allowed, list):
        if not isinstance(value, list):
            raise Refusal("bad-request", f"{key}: {value!r}, want a list")
        return [check_setting(key, word, allowed[0]) for word in value]
    if allowed is bool:
        if value is not True:
            raise Refusal("bad-request", f"{key}: {value!r}, want true or false")
    elif isinstance(allowed, range):
        if type(value) is not int or value not in allowed:
            raise Refusal("bad-request", f"{key}: {value!r}, want an integer from {allowed[0]} to {allowed[-1]}")
    elif value not in allowed:
        raise Refusal("unknown-setting", f"{key}: {value!r} is not known to this worker, want {', '.join(allowed)}")
    return value


# --- the work ---------------------------------------------------------------


class Worker:
    """Answers requests in order."""

    def __init__(self):
        self.loaded = age()
        self.work = None  # nothing prepared
        self.profiles = False

    def handle(self, request):
        if MISSING:
            raise Refusal("unsupported", f"cannot import PyTorch ({MISSING}); install it with: {INSTALL}")
        return getattr(self, request["op"])(request)

    def hello(self, _):
        build = hashlib.sha256()
        for path in (__file__, engines.__file__):
            with open(path, "rb") as f:
                build.update(f.read())
        libraries = {"torch": torch.__version__, "torchvision": torchvision.__version__,
                     "numpy": np.__version__, "python": sys.version.split()[0], **engines.versions()}
        return {"hello": {"protocol": PROTOCOL, "worker": "pytorch", "build": build.hexdigest()[:12], "libraries": libraries,
                          "kinds": list(SETTINGS["kind"]), "settings": list(SETTINGS), "devices": [processor()]}}

    def prepare(self, request):
        begin = time.perf_counter()
        self.discard()  # its memory goes before the new work's comes
        prepare = request.get("prepare")
        if not isinstance(prepare, dict):
            raise Refusal("bad-request", "prepare without its object")
        if prepare.get("pass") == "memory":
            raise Refusal("unsupported", "pass memory: PyTorch does not count the bytes of CPU tensors exactly")
        if prepare.get("pass") not in ("time", "profile"):
            raise Refusal("bad-request", f"unknown pass {prepare.get('pass')!r}")
        self.profiles = prepare["pass"] == "profile"
        if self.profiles:
            check_profile(prepare.get("settings"))
        settings = parse_settings(prepare.get("settings"))
        work = open_work(settings, prepare.get("cache"), self.profiles)
        if settings["compile"] or settings["engine"] == "compile":
            compile_now(work, prepare.get("cache"))
        self.work = work
        gc.collect()
        gc.freeze()  # the collection before each sample then looks at next to nothing
        return {"facts": {**self.work.facts, "load_seconds": self.loaded, "prepare_seconds": time.perf_counter() - begin}}

    def sample(self, request):
        work, sample = self.prepared("sample"), request.get("sample")
        if not isinstance(sample, dict):
            raise Refusal("bad-request", "sample without its object")
        untimed, iterations = sample.get("untimed", 0), sample.get("iterations")
        if type(iterations) is not int or iterations < 1 or type(untimed) is not int or untimed < 0:
            raise Refusal("bad-request", f"sample of {untimed!r} untimed and {iterations!r} iterations")
        return {"sample": measure(work, untimed, iterations, self.profiles)}

    def verify(self, request):
        work, verify = self.prepared("verify"), request.get("verify") or {}
        check = verify.get("check", "") if isinstance(verify, dict) else verify
        if check == "final_quality":
            raise Refusal("unsupported", "final_quality: the short training is on images that lens simulates, augments and reads; compare losses, gradients or weights")
        if (check or work.DEFAULT) not in work.CHECKS:
            raise Refusal("unsupported", f"no outputs {check!r} of this work, only {', '.join(work.CHECKS)}")
        return {"outputs": work.check(check or work.DEFAULT)}

    def prepared(self, op):
        if self.work is None:
            raise Refusal("bad-request", f"{op} before a successful prepare")
        return self.work

    def discard(self):
        work, self.work = self.work, None
        if work is not None:
            work.close()


def number(v):
    """JSON has no NaN and no infinities."""
    if math.isfinite(v):
        return v
    return "NaN" if math.isnan(v) else "+Inf" if v > 0 else "-Inf"


def outputs(values, digests=()):
    """Outputs as the protocol has them: float32 values, and digests of parts."""
    out = {"digest": digest(values), "shape": list(values.shape), "values": [number(v) for v in values.ravel().tolist()]}
    return {**out, "digests": list(digests)} if digests else out


def digest(values):
    return hashlib.sha256(np.ascontiguousarray(values, "<f4").tobytes()).hexdigest()


def array(tensor):
    return tensor.detach().contiguous().numpy()


class Work:
    """What is measured: iterations of self.step."""

    mode = contextlib.nullcontext  # of all iterations
    noted = None  # notes operators, as engines have it; None: they are PyTorch's

    def rewind(self):
        """Back to the start, for work that changes something."""

    def barrier(self):
        """Waits for other processes, for work that has some."""

    def iterate(self, iterations):
        """Returns when the first iteration began and when each has ended."""
        step, clock = self.step, time.perf_counter
        with self.mode():
            self.barrier()
            marks = [clock()]
            for left in reversed(range(iterations)):
                step()
                if not left:
                    self.barrier()
                marks.append(clock())
        return marks

    def usage(self):
        """What it has used so far: seconds, switches, and the highest resident set."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {"cpu": used.ru_utime + used.ru_stime, "voluntary": used.ru_nvcsw, "involuntary": used.ru_nivcsw,
                "rss_peak": resident_peak()}

    def extra(self, seconds):
        """More to say of a sample whose iterations took so long each."""
        return {}

    def check(self, name):
        return getattr(self, name)()

    def close(self):
        """Ends other processes, for work that has some."""


def open_work(settings, cache, profiles):
    if settings["kind"] == "inference":
        return Inference(settings, cache, profiles)
    return Company(settings) if settings["ranks"] > 1 else Training(settings)


class Inference(Work):
    """One network on a fixed batch in memory."""

    DEFAULT, CHECKS = "logits", ("logits",)

    def __init__(self, settings, cache, profiles=False):
        model, images, self.facts = load(settings)
        engine = engines.open_engine(settings, model, images, functools.partial(calibration_images, settings), cache, profiles)
        self.step, self.facts["threads"], self.noted = engine.step, engine.threads, engine.noted
        self.mode = torch.inference_mode

    def logits(self):
        with torch.inference_mode():
            return outputs(array(torch.as_tensor(self.step())))


class Training(Work):
    """Steps of training on a fixed batch in memory, every second image a lens.
    A step has one or more micro-batches; its gradients are those of the mean loss
    over all of them, and over all ranks, of which this process may be one."""

    DEFAULT, CHECKS = "losses", ("losses", "gradients", "weights", "digests")
    RATE, DECAY, CLIP = 1e-3, 1e-4, 1.0  # as system/train has them by default
    STEPS = 3  # whose losses are compared, and what they make of the weights
    WAYS = {"fused": {"fused": True}, "loop": {"foreach": False}}

    def __init__(self, settings, rank=0):
        self.settings, self.rank, self.ranks = settings, rank, settings["ranks"]
        self.model, images, self.facts = load(settings, rank)
        self.model.train()
        if settings["layout"] == "channels-last":
            self.model = self.model.to(memory_format=torch.channels_last)
        self.parts = self.split(images)
        add_checkpoints(self.model.backbone, settings["checkpointing"])
        self.forward = compiled(self.model) if settings["compile"] else self.model
        if self.ranks > 1:
            self.forward = torch.nn.parallel.DistributedDataParallel(self.model)
        self.exchange = True  # gradients, after the last micro-batch
        self.autocast = autocast(settings["precision"])
        self.parameters = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=self.RATE, weight_decay=self.DECAY, **self.WAYS[settings["optimizer"]])
        self.scaler = None
        self.initial = [t.clone() for t in self.model.state_dict().values()]

    def split(self, images):
        """Micro-batches of images and labels."""
        if self.settings["layout"] == "channels-last":
            images = images.to(memory_format=torch.channels_last)
        labels = ((self.rank * len(images) + torch.arange(len(images))) % 2).float()
        return list(zip(images.split(self.settings["batch"]), labels.split(self.settings["batch"])))

    def rewind(self):
        """Back to the weights, the optimiser's state and the random numbers of the start."""
        torch.manual_seed(self.settings["seed"])
        self.optimizer.zero_grad()
        with torch.no_grad():
            for t, initial in zip(self.model.state_dict().values(), self.initial):
                t.copy_(initial)
            for state in self.optimizer.state.values():
                for t in state.values():
                    t.zero_()
        self.scaler = torch.amp.GradScaler("cpu") if self.settings["precision"] == "fp16" else None

    def step(self):
        loss = self.add()
        if self.scaler is None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.CLIP)
            self.optimizer.step()
        else:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.parameters, self.CLIP)
            self.scaler.step(self.optimizer)
            self.scaler.update()
        self.optimizer.zero_grad()
        return loss

    def add(self):
        """Adds up the gradients of a step, and returns its loss."""
        total = None
        for i, (images, labels) in enumerate(self.parts):
            with self.exchanging(self.exchange and i == len(self.parts) - 1):
                for loss in self.losses_of(images, labels):
                    if len(self.parts) > 1:
                        loss = loss * (1 / len(self.parts))
                    (loss if self.scaler is None else self.scaler.scale(loss)).backward()
                    total = loss.detach() if total is None else total + loss.detach()
        return total

    def exchanging(self, now):
        """The context of a forward and a backward pass that make gradients those of
        all ranks, now or in a later one."""
        return contextlib.nullcontext() if now or self.ranks == 1 else self.forward.no_sync()

    def barrier(self):
        if self.ranks > 1:
            torch.distributed.barrier()

    def local_step(self):
        """Seconds of a step of this rank's images without the other ranks, which do the
        same. Weights differ after it until the next rewind."""
        self.exchange = False
        try:
            self.barrier()
            begin = time.perf_counter()
            self.step()
            return time.perf_counter() - begin
        finally:
            self.exchange = True

    def losses_of(self, images, labels):
        """The parts of a micro-batch's loss, each to go back from before the next."""
        if not self.settings["scales"]:
            yield F.binary_cross_entropy_with_logits(self.logits(images), labels)
        elif self.settings["scale_mode"] == "per-scale":
            yield from self.scale_losses(images, labels)
        else:
            yield sum(self.scale_losses(images, labels))

    def scale_losses(self, images, labels):
        """As package system/step has them: their sum is the mean of the scales'
        losses and the consistency term."""
        target, n = None, len(self.settings["scales"])
        for side in map(int, self.settings["scales"]):
            logits = self.logits(resized(images, side))
            loss = F.binary_cross_entropy_with_logits(logits, labels)
            if target is None:
                target = logits.detach()
            else:
                loss = loss + CONSISTENCY * n / (n - 1) * bernoulli_kl(target, logits)
            yield loss * (1 / n)

    def logits(self, images):
        with self.autocast():
            y = self.forward(images)
        return y.float()

    def weights(self):
        """How far the first steps have moved each weight tensor, and where to."""
        self.rewind()
        before = [array(p).ravel().copy() for p in self.parameters]
        for _ in range(self.STEPS):
            self.step()
        moved = [movement(array(p).ravel(), b, self.RATE) for p, b in zip(self.parameters, before)]
        return outputs(np.concatenate(moved).astype(np.float32))

    def losses(self):
        self.rewind()
        means = torch.stack([self.step().detach() for _ in range(self.STEPS)])
        if self.ranks > 1:
            torch.distributed.all_reduce(means)
            means /= self.ranks
        return outputs(array(means))

    def gradients(self):
        """Those of the first step, before clipping: a selection of the values, and
        digests of all. They are as they are, not as a scaler makes them."""
        self.rewind()
        self.scaler, parts = None, self.parts
        if self.settings["check_images"]:
            self.parts = self.split(formula_images(self.settings, self.rank, self.settings["check_images"] // self.ranks))
        self.model.train(self.settings["layers"] == "training")
        try:
            self.add()
        finally:
            self.parts = parts
            self.model.train()
        grads = [array(p.grad) for p in self.parameters]
        self.optimizer.zero_grad()
        return outputs(np.concatenate([selection(g.ravel()) for g in grads]), [digest(g) for g in grads])

    def digests(self):
        """Of the losses, and of all weights and statistics after them."""
        parts = [self.losses()["digest"]]
        parts += [digest(array(t)) for t in self.model.state_dict().values() if t.is_floating_point()]
        text = "".join(p + "\n" for p in parts)
        return {"digest": hashlib.sha256(text.encode()).hexdigest(), "shape": [], "values": [], "digests": parts}


# --- several ranks ----------------------------------------------------------

LOOPBACK = "127.0.0.1"
PATIENCE = datetime.timedelta(minutes=5)  # of ranks that wait for each other
FAREWELL = 5  # seconds that ranks may take to end by themselves


class Company(Work):
    """Training in several ranks, as rank 0 sees it: the others do what this process
    does. Once one of them has failed, all are ended."""

    DEFAULT, CHECKS = Training.DEFAULT, Training.CHECKS

    def __init__(self, settings):
        if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
            raise Refusal("unsupported", f"ranks: this PyTorch has no Gloo; install one that has it with: {INSTALL}")
        settings = {**settings, "threads": settings["threads"] or max(1, DEFAULT_THREADS // settings["ranks"])}
        self.lost, self.training = None, None
        self.store = torch.distributed.TCPStore(LOOPBACK, 0, settings["ranks"], is_master=True, wait_for_workers=False)
        self.processes = [start_rank(r, settings["threads"]) for r in range(1, settings["ranks"])]

        def own():
            self.training = join(settings, 0, self.store)

        self.do({"op": "open", "settings": settings, "port": self.store.port}, own)
        self.facts = self.training.facts

    def rewind(self):
        self.do({"op": "rewind"}, self.training.rewind)

    def iterate(self, iterations):
        return self.do({"op": "iterate", "iterations": iterations}, lambda: self.training.iterate(iterations))[0]

    def usage(self):
        own, others = self.do({"op": "usage"}, self.training.usage)
        return {key: own[key] + sum(r["usage"][key] for r in others) for key in own}

    def extra(self, seconds):
        """What a step takes longer than one without exchange is communication: sending,
        and waiting for who is slower."""
        own, others = self.do({"op": "local"}, self.training.local_step)
        steps = [own, *(r["seconds"] for r in others)]
        mean = sum(steps) / len(steps)
        return {"communication_share": 1 - mean / seconds, "straggler_spread": (max(steps) - min(steps)) / mean}

    def check(self, name):
        return self.do({"op": "check", "check": name}, lambda: self.training.check(name))[0]

    def do(self, request, own):
        """Has all ranks do the same: this one own, the others what the request says.
        Returns what own does, and their replies."""
        if self.lost:
            raise self.lost
        try:
            for p in self.processes:
                p.stdin.write(json.dumps(request) + "\n")
                p.stdin.flush()
            return own(), [self.reply(rank) for rank in range(1, len(self.processes) + 1)]
        except Exception as failure:
            self.lost = self.explain(failure)
            self.kill()
            raise self.lost from failure

    def reply(self, rank):
        line = self.processes[rank - 1].stdout.readline()
        reply = json.loads(line) if line else {"error": {"kind": "failed", "message": "its process has ended"}}
        if "error" in reply:
            raise Refusal(reply["error"]["kind"], f"rank {rank}: {reply['error']['message']}")
        return reply

    def explain(self, failure):
        """A failure of this rank as a Refusal: that of others, if one of them has ended,
        for that is then what it comes from."""
        deadline = time.monotonic() + 2
        while not any(p.poll() is not None for p in self.processes) and time.monotonic() < deadline:
            time.sleep(0.02)
        codes = [(rank, p.poll()) for rank, p in enumerate(self.processes, 1) if p.poll() is not None]
        if killed := [f"rank {rank} was killed by {signal.Signals(-code).name}" for rank, code in codes if code < 0]:
            return Refusal("failed", "; ".join(killed))
        if isinstance(failure, Refusal):
            return failure
        for rank, _ in codes:
            try:
                self.reply(rank)
            except Refusal as theirs:
                return theirs
        error = error_of(failure)
        return Refusal(error["kind"], f"rank 0: {error['message']}")

    def kill(self):
        for p in self.processes:
            p.kill()
        for p in self.processes:
            p.wait()

    def close(self):
        for p in self.processes:
            with contextlib.suppress(OSError):  # of one that is gone
                p.stdin.close()
        self.training = None
        leave()
        for p in self.processes:
            try:
                p.wait(FAREWELL)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
            p.stdout.close()


def start_rank(rank, threads):
    # GOMP_SPINCOUNT: threads of more ranks than processors would take each other's time
    # while they wait; 30000 is 1.4 ms.
    env = {"GOMP_SPINCOUNT": "30000", **os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, __file__, "rank", str(rank)]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")


def join(settings, rank, store):
    """Meets the other ranks, and opens this one's part of the training."""
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=settings["ranks"], timeout=PATIENCE)
    return Training(settings, rank)


def leave():
    gc.unfreeze()
    gc.collect()  # a DistributedDataParallel, before its group goes
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def serve_rank(rank):
    """The whole work of a process that is one rank, but for rank 0: it does what
    requests say until there are no more."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it ends with rank 0, however that ends
    training = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] == "open":
                store = torch.distributed.TCPStore(LOOPBACK, request["port"], request["settings"]["ranks"], is_master=False)
                training, reply = join(request["settings"], rank, store), {}
                gc.collect()
                gc.freeze()
            else:
                reply = answer_rank(training, request)
        except Exception as failure:
            respond({"error": error_of(failure)})
            os._exit(1)  # the group would wait for calls that are in flight
        respond(reply)
    training = None
    leave()


def answer_rank(training, request):
    """Does what rank 0 does at the same time."""
    op = request["op"]
    if op == "rewind":
        training.rewind()
    elif op == "iterate":
        with collector_off():
            training.iterate(request["iterations"])
    elif op == "local":
        return {"seconds": training.local_step()}
    elif op == "check":
        training.check(request["check"])
    elif op == "usage":
        return {"usage": training.usage()}
    return {}


# --- what training needs ----------------------------------------------------

CONSISTENCY = 0.1  # weight of the consistency term of several scales
SELECTED = 64  # values of each gradient that are compared one by one


def selection(values):
    """The norm of all values, and some at equal distances."""
    n = min(SELECTED, len(values))
    norm = math.sqrt(np.square(values.astype(np.float64)).sum())
    return np.array([norm, *values[[k * len(values) // n for k in range(n)]]], np.float32)


PROJECTIONS = 4  # sums that stand for what has become of a weight tensor


def movement(now, before, rate):
    """The norm of a difference and its projections, as the Go package system/worker
    has them."""
    d = now.astype(np.float64) - before
    unit = rate * math.sqrt(len(d))
    sums = [np.dot(uniform(f"projection {k}", 0, len(d), 0.0, math.sqrt(3)), d) for k in range(PROJECTIONS)]
    return np.array([math.sqrt(np.dot(d, d)), *sums]) / unit


def resized(images, side):
    if images.shape[-1] == side:
        return images
    return F.interpolate(images, (side, side), mode="bilinear", align_corners=False, antialias=True)


def bernoulli_kl(a, b):
    """The mean of KL(σ(a) ‖ σ(b)) over logits a, from which no gradient comes, and b."""
    p = torch.sigmoid(a)
    return F.binary_cross_entropy_with_logits(b, p) - F.binary_cross_entropy_with_logits(a, p)


def autocast(precision):
    """A function that returns the context of a forward pass."""
    if precision == "fp32":
        return contextlib.nullcontext
    return functools.partial(torch.autocast, "cpu", dtype={"bf16": torch.bfloat16, "fp16": torch.float16}[precision])


# --- torch.compile ----------------------------------------------------------


def compiled(model):
    from torch._inductor import config

    config.fallback_random = True  # dropout as in eager mode, so that losses can be compared
    config.compile_threads = 1  # no processes beside the one that is timed
    return torch.compile(model, dynamic=False)


def compile_now(work, cache):
    """Makes the code of a whole step, for which torch.compile waits until the first.
    Later processes find it in the cache."""
    if cache:
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", os.path.join(cache, "torchinductor"))
    try:
        work.rewind()
        with work.mode():
            work.step()
    except Exception as failure:  # no compiler, no headers of Python, code that it cannot compile
        if kind_of(failure) == "out-of-memory":
            raise
        reason = " ".join(str(failure).split())
        raise Refusal("unsupported", f"torch.compile does not work here: {type(failure).__name__}: {reason[:400]}") from failure


# --- gradient checkpointing -------------------------------------------------


def add_checkpoints(backbone, policy):
    """Makes the backward pass compute again what the policy names, as package
    system/nn documents policies. A stem is one segment under all of them."""
    if policy == "none":
        return
    if hasattr(backbone, "conv1"):
        checkpoint_together([backbone.conv1, backbone.bn1, backbone.relu, backbone.maxpool])
    for stages in chains(backbone):
        for segment in segments(stages, policy):
            checkpoint_together(segment)


def chains(backbone):
    """Blocks that are called one after another, in stages."""
    if isinstance(backbone, torchvision.models.VisionTransformer):
        layers = list(backbone.encoder.layers)
        return [[layers[i : i + 3] for i in range(0, len(layers), 3)]]
    trunk = [list(getattr(backbone, f"layer{i}")) for i in range(1, 5) if hasattr(backbone, f"layer{i}")]
    return [trunk, [list(backbone.blocks)]] if hasattr(backbone, "blocks") else [trunk]


def segments(stages, policy):
    if policy == "stage":
        return stages
    layers, k = sum(stages, []), 1 if policy == "block" else int(policy.removeprefix("every-"))
    return [layers[i : i + k] for i in range(0, len(layers), k)]


def checkpoint_together(modules):
    """Makes modules that are called one after another one checkpoint: the first does
    the work of all, and the others pass it on."""
    forwards = [m.forward for m in modules]
    norms = [n for m in modules for n in m.modules() if isinstance(n, torch.nn.BatchNorm2d)]

    def run(x):
        for forward in forwards:
            x = forward(x)
        return x

    contexts = lambda: (contextlib.nullcontext(), frozen_statistics(norms))
    modules[0].forward = functools.partial(torch.utils.checkpoint.checkpoint, run, use_reentrant=False, context_fn=contexts)
    for m in modules[1:]:
        m.forward = lambda x: x


@contextlib.contextmanager
def frozen_statistics(norms):
    """The second pass normalises as the first, but moves no running statistics. It
    has to save the same tensors, so they are moved by nothing instead of left alone."""
    momenta = [n.momentum for n in norms]
    for n in norms:
        n.momentum = 0.0
    try:
        yield
    finally:
        for n, momentum in zip(norms, momenta):
            n.momentum = momentum


# --- both kinds of work -----------------------------------------------------


def load(settings, rank=0):
    """Returns a network, the images of a rank's step and the facts of the work."""
    torch.set_num_threads(settings["threads"] or DEFAULT_THREADS)
    model = build(settings["model"], settings["bands"])
    fill_weights(model, settings["seed"])
    count = settings["batch"] * settings["accumulate"]
    state = model.state_dict().values()
    facts = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "weight_bytes": sum(t.numel() * t.element_size() for t in state if t.is_floating_point()),
        "flop_per_item": 0.0,  # unknown: eager PyTorch does not say
        "items_per_iteration": count * settings["ranks"],
        "threads": torch.get_num_threads(),
    }
    return model, formula_images(settings, rank, count), facts


def formula_images(settings, rank, count):
    """A rank's images: of the formula's array those that follow those of the ranks
    before."""
    return images_from(settings, rank * count, count)


def images_from(settings, first, count):
    """Images of the formula's array from one on."""
    shape = (count, settings["bands"], settings["pixels"], settings["pixels"])
    images = uniform("input", settings["seed"], math.prod(shape), 0.0, math.sqrt(3), first=first * math.prod(shape[1:]))
    return torch.from_numpy(images.reshape(shape))


def calibration_images(settings):
    """The images that follow those of the batch, in batches, as lens looks at them."""
    number, at = 32, 4
    for i in range(0, number, at):
        yield images_from(settings, settings["batch"] + i, at)


@contextlib.contextmanager
def collector_off():
    """Python's cycle collector collects now, and then not within, as timeit has it."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def measure(work, untimed, iterations, profiles=False):
    """Runs the iterations and returns a sample of the protocol, with a profile of them if wanted."""
    with collector_off():
        work.rewind()
        work.iterate(untimed)
        before = work.usage()
        run = functools.partial(work.iterate, iterations)
        marks, profile = profiled(run, work.noted, iterations) if profiles else (run(), {})
        after = work.usage()
    used = {key: after[key] - before[key] for key in ("cpu", "voluntary", "involuntary")}
    wall = marks[-1] - marks[0]
    return {
        "wall": wall,
        "durations": [b - a for a, b in zip(marks, marks[1:])],
        "items": iterations * work.facts["items_per_iteration"],
        "tensor_peak": 0,
        "rss_peak": after["rss_peak"],
        "extra": work.extra(wall / iterations),
        **used,
        **profile,
    }


# --- profiles ---------------------------------------------------------------

MOST_OPERATORS = 40  # that a profile lists, as the protocol has it


def check_profile(settings):
    """Refuses work whose operators are not noted."""
    if not isinstance(settings, dict):
        return  # which another check says
    if settings.get("ranks", 1) not in (0, 1):
        raise Refusal("unsupported", f"profile of {settings['ranks']} ranks: each is a process of its own, and operators are noted in one")


def profiled(run, noted, iterations):
    """Calls run, and returns what it returns and a part of a sample: the profile of it."""
    if noted:
        result, wall, operators = noted(run, iterations)
        busy = min(wall, sum(seconds for _, seconds in operators.values()))  # one after another
        return result, {"profile": {"wall": wall, "busy": busy, "threads": 1, **listed(operators)}}
    with torch.autograd.profiler.profile() as profiler:
        begin = time.perf_counter()
        result = run()
        wall = time.perf_counter() - begin
    return result, {"profile": table(profiler.function_events, wall)}


def table(events, wall):
    """The protocol's profile of events that took wall seconds: calls and self time by
    name, and the time in which at least one thread was in one."""
    rows, outermost = {}, []
    for e in events:
        if e.cpu_parent is None:
            outermost.append(e)
        inner = sum(c.time_range.elapsed_us() for c in e.cpu_children)
        calls, self_us = rows.get(e.name, (0, 0.0))
        rows[e.name] = (calls + 1, self_us + max(0.0, e.time_range.elapsed_us() - inner))
    return {"wall": wall, "busy": union((e.time_range.start, e.time_range.end) for e in outermost) / 1e6,
            "threads": len({e.thread for e in outermost}), **listed({name: (calls, us / 1e6) for name, (calls, us) in rows.items()})}


def listed(rows):
    """Calls and seconds by name as the protocol has them: the longest, and the sum of others."""
    order = sorted(rows.items(), key=lambda row: -row[1][1])
    longest, rest = order[:MOST_OPERATORS], [row for _, row in order[MOST_OPERATORS:]]
    part = {"operators": [{"name": name, "calls": calls, "seconds": seconds} for name, (calls, seconds) in longest]}
    if rest:
        part["other"] = {"calls": sum(calls for calls, _ in rest), "seconds": sum(seconds for _, seconds in rest)}
    return part


def union(spans):
    """The length of what (start, end) pairs cover together."""
    covered, reach = 0.0, -math.inf
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, reach))
        reach = max(reach, end)
    return covered


# --- the machine ------------------------------------------------------------


def processor():
    """The device that this worker computes on."""
    fields = {}
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        for line in f:
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags", "").split()
    return {"kind": "cpu", "name": fields.get("model name", ""), "features": [f for f in FEATURES if f in flags]}


def resident_peak():
    """Bytes; getrusage would count what the parent had at the time of the fork."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM:"))


def age():
    """Seconds since this process was started."""
    with open("/proc/self/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rpartition(")")[2].split()  # the name in parentheses may hold anything
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")


# --- weights and images from the formula ------------------------------------

MASK = 2**64 - 1
INCREMENT = 0x9E3779B97F4A7C15
M1, M2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def mix(z):
    """SplitMix64's finalizer of a Python integer."""
    z = (z ^ z >> 30) * M1 & MASK
    z = (z ^ z >> 27) * M2 & MASK
    return z ^ z >> 31


def fnv1a(name):
    h = 14695981039346656037
    for byte in name.encode():
        h = (h ^ byte) * 1099511628211 & MASK
    return h


def uniform(name, seed, count, centre, bound, first=0):
    """Elements of the array called name, float32, from one on."""
    out = np.empty(count, np.float32)
    key, chunk = mix(fnv1a(name) ^ mix(seed)), 1 << 18  # elements that stay in cache
    steps = np.arange(1, chunk + 1, dtype=np.uint64) * np.uint64(INCREMENT)
    for begin in range(0, count, chunk):
        z = steps[: min(chunk, count - begin)] + np.uint64((key + (first + begin) * INCREMENT) & MASK)
        z = (z ^ z >> np.uint64(30)) * np.uint64(M1)
        z = (z ^ z >> np.uint64(27)) * np.uint64(M2)
        z ^= z >> np.uint64(31)
        u = ((z >> np.uint64(40)).astype(np.int32) - (1 << 23)).astype(np.float32) / np.float32(1 << 23)
        out[begin : begin + len(u)] = np.float32(centre) + np.float32(bound) * u
    return out


def distributions(model):
    """Name of each parameter and buffer → (centre, bound), as system/nn has it."""
    out = {}
    for prefix, module in model.named_modules():
        for name, d in module_distributions(module).items():
            out[f"{prefix}.{name}"] = d
    return out


def module_distributions(module):
    nn = torch.nn
    if isinstance(module, nn.Conv2d) and module.bias is None:
        fan_out = module.out_channels * math.prod(module.kernel_size)
        return {"weight": (0.0, math.sqrt(3 * (2 / fan_out)))}
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        d = per_fan_in(math.prod(module.weight.shape[1:]))
        return {"weight": d, "bias": d}
    if isinstance(module, nn.MultiheadAttention):
        d = per_fan_in(module.embed_dim)
        return {"in_proj_weight": d, "in_proj_bias": d}
    if isinstance(module, nn.BatchNorm2d):
        return {"weight": (1.0, 0.0), "bias": (0.0, 0.0), "running_mean": (0.0, 0.0), "running_var": (1.0, 0.0)}
    if isinstance(module, nn.LayerNorm):
        return {"weight": (1.0, 0.0), "bias": (0.0, 0.0)}
    embedding = (0.0, math.sqrt(3 * (0.02 * 0.02)))
    return {n: embedding for n, _ in module.named_parameters(recurse=False)}


def per_fan_in(fan_in):
    return 0.0, math.sqrt(3 * (1 / (3 * fan_in)))


def fill_weights(model, seed, scrambled=False):
    """Sets all parameters and buffers; scrambled moves the constant ones too."""
    known = distributions(model)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("num_batches_tracked"):
                tensor.zero_()
                continue
            centre, bound = known[name]
            if scrambled and bound < 1e-3:
                bound = 0.25
            values = uniform(name, seed, tensor.numel(), centre, bound)
            tensor.copy_(torch.from_numpy(values).view(tensor.shape))


# --- the networks -----------------------------------------------------------


class Block(Module):
    """Pre-norm transformer block, 4 heads, MLP ratio 2, DropPath on both branches."""

    def __init__(self, dim, path):
        super().__init__()
        self.path = path
        self.norm1 = torch.nn.LayerNorm(dim)
        self.qkv = torch.nn.Linear(dim, 3 * dim)
        self.proj = torch.nn.Linear(dim, dim)
        self.norm2 = torch.nn.LayerNorm(dim)
        self.fc1 = torch.nn.Linear(dim, 2 * dim)
        self.fc2 = torch.nn.Linear(2 * dim, dim)
        self.drop = torch.nn.Dropout(0.1)

    def droppath(self, x):
        if not self.training or self.path == 0:
            return x
        keep = 1 - self.path
        return x * x.new_empty(x.shape[0], 1, 1).bernoulli_(keep) / keep

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, n, 3, 4, d // 4).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d)
        x = x + self.droppath(self.drop(self.proj(y)))
        y = self.drop(self.fc2(self.drop(F.gelu(self.fc1(self.norm2(x))))))
        return x + self.droppath(y)


class LightTransformer(Module):
    """ResNet-18 up to layer3, 2x2 patches of its map as tokens, four blocks, mean."""

    def __init__(self, bands, dim=256, depth=4):
        super().__init__()
        self.pos = torch.nn.Parameter(torch.zeros(1, 64, dim))  # an 8x8 grid, row-major
        r = torchvision.models.resnet18(weights=None)
        self.conv1, self.bn1, self.relu, self.maxpool = stem(bands), r.bn1, r.relu, r.maxpool
        self.layer1, self.layer2, self.layer3 = r.layer1, r.layer2, r.layer3
        self.patch = torch.nn.Conv2d(256, dim, 2, 2)  # no padding: an odd last row or column is dropped
        self.patch_norm = torch.nn.LayerNorm(dim)
        self.drop = torch.nn.Dropout(0.1)
        self.blocks = torch.nn.ModuleList(Block(dim, 0.1 * i / (depth - 1)) for i in range(depth))
        self.norm = torch.nn.LayerNorm(dim)
        self.fixed = None  # positions of images of one size, else made for each batch

    def patches(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.patch(self.layer3(self.layer2(self.layer1(x))))

    def positions(self, h, w):
        p = self.pos.view(1, 8, 8, -1).permute(0, 3, 1, 2)
        if (h, w) != (8, 8):
            p = F.interpolate(p, (h, w), mode="bicubic", align_corners=False)
        return p.flatten(2).transpose(1, 2)

    def fix_positions(self, x):
        """Makes positions a constant, for graphs that take images of the size of x alone."""
        with torch.no_grad():
            self.fixed = self.positions(*self.patches(x[:1]).shape[2:]).contiguous()

    def forward(self, x):
        x = self.patches(x)
        p = self.positions(*x.shape[2:]) if self.fixed is None else self.fixed
        x = self.patch_norm(x.flatten(2).transpose(1, 2))
        x = self.drop(x + p)
        for block in self.blocks:
            x = block(x)
        return self.norm(x.mean(1))


class Classifier(Module):
    """A backbone and the binary head; logits [B]."""

    def __init__(self, backbone, dim, drop):
        super().__init__()
        self.backbone = backbone
        self.head = torch.nn.Sequential(torch.nn.Dropout(drop), torch.nn.Linear(dim, 1))

    def forward(self, x):
        return self.head(self.backbone(x)).squeeze(1)


def stem(bands):
    return torch.nn.Conv2d(bands, 64, 7, 2, 3, bias=False)


def build(name, bands):
    """The network in evaluation mode, its weights not yet set."""
    with torch.device("meta"):  # no time for random numbers that are replaced
        model = build_module(name, bands)
    return model.to_empty(device="cpu").eval()


def build_module(name, bands):
    if name == "light_transformer":
        return Classifier(LightTransformer(bands), 256, 0.1)
    backbone = getattr(torchvision.models, name)(weights=None)
    if name == "vit_b_16":
        backbone.conv_proj = torch.nn.Conv2d(bands, 768, 16, 16)
        backbone.heads = torch.nn.Identity()
        return Classifier(backbone, 768, 0.5)
    backbone.conv1 = stem(bands)
    backbone.fc = torch.nn.Identity()
    return Classifier(backbone, 512, 0.5)


if __name__ == "__main__":
    try:
        serve_rank(int(sys.argv[2])) if sys.argv[1:2] == ["rank"] else main()
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)  # whoever asked has gone; nothing is worth flushing
