#!/usr/bin/env python3
"""The PyTorch peer: a worker of lensbench's protocol that runs and trains the
same networks in PyTorch's eager mode, with the same weights and images.

It is a measuring tool, so it does what a careful user of PyTorch does and no
more: torch.inference_mode, or fused AdamW and gradients set to None; and, where
an arm asks for it, channels-last, autocast, accumulation, checkpoints, several
scales, or torch.compile. Weights and images come from the formula that the Go
package system/nn documents, computed here with numpy, so that the outputs of
both programs can be compared.

Usage: pytorch_worker.py    (requests on stdin, responses on stdout, one JSON object a line)

Without torch and torchvision every request but close is answered with an error
of kind "unsupported" that says how to install them.
"""

import contextlib
import functools
import gc
import hashlib
import json
import math
import os
import resource
import sys
import time


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
    "precision": ("fp32", "bf16", "fp16"),
    "accumulate": range(1, 4096 + 1),
    "checkpointing": ("none", "block", "stage", "every-2", "every-3", "every-4"),
    "scales": [("32", "48", "64", "80", "96", "112", "128", "160", "192", "224")],
    "scale_mode": ("summed", "per-scale", "grouped"),
    "layers": ("training", "frozen"),
    "optimizer": ("fused", "loop"),
    "compile": bool,
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
    **dict.fromkeys(("ranks", "check_images"), "this worker is one process; scripts that torchrun starts are for several"),
    **dict.fromkeys(("members", "schedule"), "ensembles are lens's"),
}

# Settings of one kind of work alone.
ONLY = dict.fromkeys(("layout", "precision", "accumulate", "checkpointing", "scales", "scale_mode", "layers", "optimizer"), "train")

DEFAULTS = {"batch": 1, "bands": 3, "threads": 0, "seed": 0, "layout": "contiguous", "precision": "fp32", "accumulate": 1,
            "checkpointing": "none", "scales": [], "scale_mode": "", "layers": "training", "optimizer": "fused", "compile": False}

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
    for line in sys.stdin:
        response, closing = answer(worker, line)
        RESPONSES.write(json.dumps(response, allow_nan=False) + "\n")
        RESPONSES.flush()
        if closing:
            return


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
    except Refusal as refusal:
        error = {"kind": refusal.kind, "message": str(refusal)}
    except Exception as failure:  # whatever PyTorch raises is an answer, not the worker's end
        error = {"kind": kind_of(failure), "message": f"{type(failure).__name__}: {failure}"}
    return {"id": number, "error": error}, False


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
    check_scales(settings["scales"], settings["scale_mode"])
    if settings["compile"] and settings["checkpointing"] != "none":
        raise Refusal("unsupported", "compile with checkpointing: torch.compile chooses by itself what it computes again")
    for side in [settings["pixels"], *map(int, settings["scales"])]:
        if settings["model"] == "vit_b_16" and side != 224:
            raise Refusal("unsupported", f"vit_b_16: images of {side} pixels: want 224")
    return settings


def check_scales(scales, mode):
    if mode and not scales:
        raise Refusal("bad-request", "scale_mode without scales")
    if mode == "grouped":
        raise Refusal("unsupported", "scale_mode grouped: PyTorch does not say how many bytes of activations a scale has")
    if len(scales) == 1 or len(set(scales)) < len(scales):
        raise Refusal("bad-request", f"scales {', '.join(scales)}: want two or more different ones")


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

    def handle(self, request):
        if MISSING:
            raise Refusal("unsupported", f"cannot import PyTorch ({MISSING}); install it with: {INSTALL}")
        return getattr(self, request["op"])(request)

    def hello(self, _):
        with open(__file__, "rb") as f:
            build = hashlib.sha256(f.read()).hexdigest()[:12]
        libraries = {"torch": torch.__version__, "torchvision": torchvision.__version__,
                     "numpy": np.__version__, "python": sys.version.split()[0]}
        return {"hello": {"protocol": PROTOCOL, "worker": "pytorch", "build": build, "libraries": libraries,
                          "kinds": list(SETTINGS["kind"]), "settings": list(SETTINGS), "devices": [processor()]}}

    def prepare(self, request):
        begin = time.perf_counter()
        self.work = None  # its memory goes before the new work's comes
        prepare = request.get("prepare")
        if not isinstance(prepare, dict):
            raise Refusal("bad-request", "prepare without its object")
        if prepare.get("pass") == "memory":
            raise Refusal("unsupported", "pass memory: PyTorch does not count the bytes of CPU tensors exactly")
        if prepare.get("pass") != "time":
            raise Refusal("bad-request", f"unknown pass {prepare.get('pass')!r}")
        settings = parse_settings(prepare.get("settings"))
        work = {"inference": Inference, "train": Training}[settings["kind"]](settings)
        if settings["compile"]:
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
        return {"sample": measure(work, untimed, iterations)}

    def verify(self, request):
        work, verify = self.prepared("verify"), request.get("verify") or {}
        check = verify.get("check", "") if isinstance(verify, dict) else verify
        compute = work.checks().get(check or work.DEFAULT)
        if check == "final_quality":
            raise Refusal("unsupported", "final_quality: the short training is on images that lens simulates, augments and reads; compare losses, gradients or weights")
        if compute is None:
            raise Refusal("unsupported", f"no outputs {check!r} of this work, only {', '.join(work.checks())}")
        return {"outputs": compute()}

    def prepared(self, op):
        if self.work is None:
            raise Refusal("bad-request", f"{op} before a successful prepare")
        return self.work


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


class Inference:
    """One network on a fixed batch in memory."""

    DEFAULT = "logits"

    def __init__(self, settings):
        self.model, self.images, self.facts = load(settings)
        self.step = functools.partial(compiled(self.model) if settings["compile"] else self.model, self.images)
        self.mode = torch.inference_mode

    def rewind(self):
        pass  # nothing changes

    def checks(self):
        return {"logits": self.logits}

    def logits(self):
        with torch.inference_mode():
            return outputs(array(self.step()))


class Training:
    """Steps of training on a fixed batch in memory, every second image a lens.
    A step has one or more micro-batches; its gradients are those of the mean loss
    over all of them."""

    DEFAULT = "losses"
    RATE, DECAY, CLIP = 1e-3, 1e-4, 1.0  # as system/train has them by default
    STEPS = 3  # whose losses are compared, and what they make of the weights
    WAYS = {"fused": {"fused": True}, "loop": {"foreach": False}}

    def __init__(self, settings):
        self.settings = settings
        self.model, images, self.facts = load(settings)
        self.model.train()
        if settings["layout"] == "channels-last":
            self.model = self.model.to(memory_format=torch.channels_last)
            images = images.to(memory_format=torch.channels_last)
        labels = (torch.arange(len(images)) % 2).float()
        self.parts = list(zip(images.split(settings["batch"]), labels.split(settings["batch"])))
        add_checkpoints(self.model.backbone, settings["checkpointing"])
        self.forward = compiled(self.model) if settings["compile"] else self.model
        self.autocast = autocast(settings["precision"])
        self.parameters = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=self.RATE, weight_decay=self.DECAY, **self.WAYS[settings["optimizer"]])
        self.scaler = None
        self.initial = [t.clone() for t in self.model.state_dict().values()]
        self.mode = contextlib.nullcontext

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
        for images, labels in self.parts:
            for loss in self.losses_of(images, labels):
                if len(self.parts) > 1:
                    loss = loss * (1 / len(self.parts))
                (loss if self.scaler is None else self.scaler.scale(loss)).backward()
                total = loss.detach() if total is None else total + loss.detach()
        return total

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

    def checks(self):
        return {"losses": self.losses, "gradients": self.gradients, "weights": self.weights, "digests": self.digests}

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
        return outputs(array(torch.stack([self.step().detach() for _ in range(self.STEPS)])))

    def gradients(self):
        """Those of the first step, before clipping: a selection of the values, and
        digests of all. They are as they are, not as a scaler makes them."""
        self.rewind()
        self.scaler = None
        self.model.train(self.settings["layers"] == "training")
        try:
            self.add()
        finally:
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


def load(settings):
    """Returns a network, a batch of images and the facts of the work."""
    torch.set_num_threads(settings["threads"] or DEFAULT_THREADS)
    model = build(settings["model"], settings["bands"])
    fill_weights(model, settings["seed"])
    count = settings["batch"] * settings["accumulate"]
    shape = (count, settings["bands"], settings["pixels"], settings["pixels"])
    images = uniform("input", settings["seed"], math.prod(shape), 0.0, math.sqrt(3))
    state = model.state_dict().values()
    facts = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "weight_bytes": sum(t.numel() * t.element_size() for t in state if t.is_floating_point()),
        "flop_per_item": 0.0,  # unknown: eager PyTorch does not say
        "items_per_iteration": count,
        "threads": torch.get_num_threads(),
    }
    return model, torch.from_numpy(images.reshape(shape)), facts


def measure(work, untimed, iterations):
    """Runs the iterations with Python's cycle collector off, as timeit does."""
    gc.collect()
    gc.disable()
    try:
        step, clock = work.step, time.perf_counter
        work.rewind()
        with work.mode():
            for _ in range(untimed):
                step()
            before, marks = resource.getrusage(resource.RUSAGE_SELF), [clock()]
            for _ in range(iterations):
                step()
                marks.append(clock())
            after = resource.getrusage(resource.RUSAGE_SELF)
    finally:
        gc.enable()
    return {
        "wall": marks[-1] - marks[0],
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "durations": [b - a for a, b in zip(marks, marks[1:])],
        "items": iterations * work.facts["items_per_iteration"],
        "tensor_peak": 0,
        "rss_peak": resident_peak(),
        "voluntary": after.ru_nvcsw - before.ru_nvcsw,
        "involuntary": after.ru_nivcsw - before.ru_nivcsw,
    }


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


def uniform(name, seed, count, centre, bound):
    """The first elements of the array called name, float32."""
    out = np.empty(count, np.float32)
    key, chunk = mix(fnv1a(name) ^ mix(seed)), 1 << 18  # elements that stay in cache
    steps = np.arange(1, chunk + 1, dtype=np.uint64) * np.uint64(INCREMENT)
    for begin in range(0, count, chunk):
        z = steps[: min(chunk, count - begin)] + np.uint64((key + begin * INCREMENT) & MASK)
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

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.patch(self.layer3(self.layer2(self.layer1(x))))
        _, d, h, w = x.shape
        x = self.patch_norm(x.flatten(2).transpose(1, 2))
        p = self.pos.view(1, 8, 8, d).permute(0, 3, 1, 2)
        if (h, w) != (8, 8):
            p = F.interpolate(p, (h, w), mode="bicubic", align_corners=False)
        x = self.drop(x + p.flatten(2).transpose(1, 2))
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
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)  # whoever asked has gone; nothing is worth flushing
