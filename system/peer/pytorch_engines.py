"""What can run a network of the PyTorch peer: PyTorch itself in several ways, ONNX
Runtime, OpenVINO.

An engine is made once, from a network in evaluation mode with its weights set, for
batches of one shape, and then called again and again, as its users are told to do it
for one batch after another on a CPU. All of them take the same images, float32 in
memory, and give the same logits; whatever they convert them to is part of their time.
All have the same number of threads, pinned to no core, and one batch in flight.

Engines get networks from PyTorch as ONNX, which is written into the cache of derived
data. In 8 bits they choose ranges from the images that lens chooses them from.
"""

import functools
import hashlib
import importlib
import importlib.metadata
import json
import logging
import os
import sys
import tempfile
import time
import warnings

# What the engines beside PyTorch are tested with; requirements.txt lists the same.
VERSIONS = {"onnx": "1.23.2", "onnxscript": "0.7.2", "onnxruntime": "1.32.0", "openvino": "2026.4.1", "nncf": "3.4.0"}

# Precisions that an engine has, its default first.
PRECISIONS = {
    "eager": ("fp32", "bf16"),
    "torchscript": ("fp32", "bf16"),
    "compile": ("fp32", "bf16"),
    "x86": ("int8",),
    "onnxruntime": ("fp32", "int8"),
    "openvino": ("fp32", "bf16", "int8"),
}

# Packages that an engine needs beside PyTorch, in each precision that it has more for.
PACKAGES = {
    "onnxruntime": {"": ("onnx", "onnxscript", "onnxruntime")},
    "openvino": {"": ("onnx", "onnxscript", "openvino"), "int8": ("nncf",)},
}


class Unsupported(Exception):
    """What cannot be run here, why, and what to do."""


class Engine:
    """Computes logits by step, without arguments: a tensor or an array [batch], float32,
    that is valid until the next call."""

    def __init__(self, step, threads, noted=None):
        self.step = step
        self.threads = threads  # compute threads, read back from whoever has them
        # noted(run, n) calls run, which makes n steps, and returns what it returns, the
        # seconds that the steps took, and of each operator calls and seconds by name; it
        # is there if notes are wanted of an engine whose operators are not PyTorch's.
        self.noted = noted


def check(engine, precision, layout):
    """Returns the precision of an engine, "" being its default, or raises Unsupported."""
    precision = precision or PRECISIONS[engine][0]
    if precision not in PRECISIONS[engine]:
        others = [e for e, has in PRECISIONS.items() if precision in has]
        reason = f"{precision} has {', '.join(others)}" if others else f"no engine has {precision}"
        raise Unsupported(f"engine {engine} in precision {precision}: it has {', '.join(PRECISIONS[engine])}; {reason}")
    if engine in PACKAGES and layout != "contiguous":
        raise Unsupported(f"engine {engine} with layout {layout}: it takes images as they are and chooses layouts itself; leave layout out")
    return precision


def open_engine(settings, model, images, calibration, cache, notes=False):
    """Makes the engine of the settings, which have been checked. Images [N bands pixels
    pixels] are those of every call. calibration returns the images that ranges of 8 bits
    come from, in batches. cache is a directory for what was derived, or "". notes: its
    operators are to be noted."""
    import_packages(settings["engine"], settings["precision"])
    way = {"eager": eager, "torchscript": torchscript, "compile": compiled, "x86": x86,
           "onnxruntime": onnxruntime, "openvino": openvino}[settings["engine"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ways that will go in a later version, and of constants in traces
        return way(Task(settings, model, images, calibration, cache, notes))


class Task:
    """What an engine is made for."""

    def __init__(self, settings, model, images, calibration, cache, notes):
        self.settings, self.model, self.images, self.calibration, self.cache, self.notes = settings, model, images, calibration, cache, notes
        self.precision, self.threads = settings["precision"], torch_threads()


def torch_threads():
    import torch

    return torch.get_num_threads()


# --- packages ----------------------------------------------------------------


def import_packages(engine, precision):
    """Raises Unsupported with the command that installs what cannot be imported."""
    wanted = PACKAGES.get(engine, {})
    names = [*wanted.get("", ()), *wanted.get(precision, ())]
    for name in names:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as e:
            raise Unsupported(f"cannot import {name} ({e}); install what engine {engine} needs with: {install(names)}") from e


def install(names):
    return f"{sys.executable} -m pip install " + " ".join(f"{n}=={VERSIONS[n]}" for n in names)


def versions():
    """Of the packages that are there."""
    found = {}
    for name in VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


# --- PyTorch -----------------------------------------------------------------


def laid_out(task):
    """The network and the images in the layout of the settings."""
    import torch

    if task.settings["layout"] == "channels-last":
        return [v.to(memory_format=torch.channels_last) for v in (task.model, task.images)]
    return task.model, task.images


def in_precision(model, precision):
    """The network with weights and activations in 16 bits, if so: its images and logits
    stay float32."""
    import torch

    if precision != "bf16":
        return model

    class Narrow(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(x.to(torch.bfloat16)).float()

    return Narrow(model.to(torch.bfloat16)).eval()


def eager(task):
    model, images = laid_out(task)
    return Engine(functools.partial(in_precision(model, task.precision), images), torch_threads())


def torchscript(task):
    import torch

    model, images = laid_out(task)
    with torch.no_grad():
        traced = torch.jit.trace(in_precision(model, task.precision), images, check_trace=False)
        optimized = torch.jit.optimize_for_inference(torch.jit.freeze(traced))
        for _ in range(3):  # the executor looks at shapes in its first calls, and compiles for them
            optimized(images)
    return Engine(functools.partial(optimized, images), torch_threads())


def compiled(task):
    """torch.compile with weights as constants. It compiles in its first call."""
    import torch
    from torch._inductor import config

    config.freezing = True
    config.compile_threads = 1  # no processes beside the one that is timed
    model, images = laid_out(task)
    return Engine(functools.partial(torch.compile(in_precision(model, task.precision), dynamic=False), images), torch_threads())


def x86(task):
    """Static quantisation by PyTorch's own engine, with its default observers."""
    import torch
    from torch.ao.quantization import get_default_qconfig_mapping, quantize_fx

    if "x86" not in torch.backends.quantized.supported_engines:
        raise Unsupported(f"engine x86: this PyTorch has only {', '.join(torch.backends.quantized.supported_engines)}")
    torch.backends.quantized.engine = "x86"
    fix_sizes(task)
    model, images = laid_out(task)
    try:
        prepared = quantize_fx.prepare_fx(model, get_default_qconfig_mapping("x86"), (images,))
    except Exception as e:  # what cannot be traced
        raise Unsupported(f"engine x86 cannot trace {task.settings['model']}: {type(e).__name__}: {' '.join(str(e).split())[:300]}") from e
    with torch.no_grad():
        for batch in task.calibration():
            prepared(batch)
        quantized = quantize_fx.convert_fx(prepared)
    return Engine(functools.partial(quantized, images), torch_threads())


# --- ONNX --------------------------------------------------------------------


def derived(task, suffix, make):
    """The path of a file that make(path) writes, once for these settings and versions."""
    import torch

    keys = ("model", "pixels", "bands", "batch", "seed")
    words = {**{k: task.settings[k] for k in keys}, **versions(), "torch": torch.__version__, "code": digest_of_code()}
    name = hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16] + suffix
    folder = os.path.join(task.cache, "peer") if task.cache else os.path.join(tempfile.gettempdir(), f"lensbench-peer-{os.getuid()}")
    path = os.path.join(folder, name)
    if os.path.exists(path):
        return path
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        made = os.path.join(scratch, name)
        make(made)
        for file in sorted(os.listdir(scratch), key=name.__eq__):  # the file itself comes last
            os.replace(os.path.join(scratch, file), os.path.join(folder, file))
    return path


def digest_of_code():
    """Of this file, and of the one that has the networks."""
    code = hashlib.sha256()
    for name in ("pytorch_engines.py", "pytorch_worker.py"):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "rb") as f:
            code.update(f.read())
    return code.hexdigest()[:12]


def exported(task):
    """The network as ONNX."""
    import torch

    def make(path):
        fix_sizes(task)
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        with torch.no_grad():
            torch.onnx.export(task.model, (task.images,), path, dynamo=True, external_data=False, verbose=False,
                              input_names=["images"], output_names=["logits"])

    return derived(task, ".onnx", make)


def fix_sizes(task):
    """Makes what depends on the size of the images alone a constant: graphs are for one
    size, and a tracer cannot follow a choice that depends on it."""
    if hasattr(task.model.backbone, "fix_positions"):
        task.model.backbone.fix_positions(task.images)


def calibration_arrays(task):
    """The images of calibration in batches of the size that the graph is for. The last
    is filled up with the first images, which leaves ranges as they are."""
    import numpy as np

    images, batch = np.concatenate([b.numpy() for b in task.calibration()]), len(task.images)
    batches = -(-len(images) // batch)
    return list(np.resize(images, (batches, batch, *images.shape[1:])))


def onnxruntime(task):
    session = onnx_session(task)
    feed = {session.get_inputs()[0].name: task.images.numpy()}
    threads = session.get_session_options().intra_op_num_threads
    if not task.notes:
        return Engine(lambda: session.run(None, feed)[0], threads)
    notes = OnnxNotes(task)
    return Engine(lambda: notes.session.run(None, feed)[0], threads, notes.noted)


def onnx_session(task, notes=""):
    """A session, which writes its notes to files whose names begin so."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = task.threads, 1
    if notes:
        options.enable_profiling, options.profile_file_prefix = True, notes
    path = exported(task) if task.precision == "fp32" else quantized_onnx(task)
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class OnnxNotes:
    """A session notes operators until its notes are read."""

    def __init__(self, task):
        self.task, self.folder = task, tempfile.TemporaryDirectory()
        self.open()

    def open(self):
        self.session, self.noting = onnx_session(self.task, os.path.join(self.folder.name, "notes")), True

    def noted(self, run, steps):
        if not self.noting:
            self.open()
        result = run()
        self.noting = False
        with open(self.session.end_profiling(), encoding="utf-8") as f:
            events = json.load(f)
        passes = sorted((e for e in events if e.get("name") == "model_run"), key=lambda e: e["ts"])[-steps:]
        operators = {}
        for e in events:
            if e.get("cat") == "Node" and e["name"].endswith("_kernel_time") and e["ts"] >= passes[0]["ts"]:
                note(operators, "onnx::" + e["args"]["op_name"], e["dur"] / 1e6)
        return result, sum(e["dur"] for e in passes) / 1e6, operators


def note(operators, name, seconds, calls=1):
    calls_before, before = operators.get(name, (0, 0.0))
    operators[name] = (calls_before + calls, before + seconds)


def quantized_onnx(task):
    """By ONNX Runtime's own tool: quantisation of operands written into the graph,
    weights for each channel, ranges by extremes."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.batches = iter(calibration_arrays(task))

        def get_next(self):
            return next(({"images": b} for b in self.batches), None)

    def make(path):
        with tempfile.TemporaryDirectory() as scratch:
            ready = os.path.join(scratch, "ready.onnx")
            quant_pre_process(exported(task), ready, skip_symbolic_shape=True)
            quantization.quantize_static(ready, path, Reader(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
                                         activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8)

    return derived(task, ".int8.onnx", make)


# --- OpenVINO ----------------------------------------------------------------

HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "bf16"}  # of what is not in 8 bits: as in lens


def openvino(task):
    import openvino as ov

    core = ov.Core()
    path = exported(task) if task.precision != "int8" else quantized_openvino(task, core)
    compiled_model = core.compile_model(core.read_model(path), "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": task.threads,
        "ENABLE_CPU_PINNING": False, "INFERENCE_PRECISION_HINT": HINTS[task.precision], "PERF_COUNT": task.notes,
    })
    request = compiled_model.create_infer_request()
    images = ov.Tensor(task.images.numpy(), shared_memory=True)
    request.set_input_tensor(images)
    output = request.get_output_tensor()

    def step():
        request.infer()
        return output.data

    step.images = task.images  # whose memory the request reads
    notes = OpenVINONotes(request, step) if task.notes else None
    return Engine(notes.step if notes else step, compiled_model.get_property("INFERENCE_NUM_THREADS"), notes and notes.noted)


class OpenVINONotes:
    """A request's notes are means over all of its passes."""

    def __init__(self, request, step):
        self.request, self.pass_, self.passes, self.seconds = request, step, 0, 0.0

    def step(self):
        begin = time.perf_counter()
        logits = self.pass_()
        self.seconds += time.perf_counter() - begin
        self.passes += 1
        return logits

    def sums(self):
        """Type and seconds so far of each operator that was executed, by its name."""
        return {i.node_name: (i.node_type, i.real_time.total_seconds() * self.passes)
                for i in self.request.profiling_info if i.status == i.Status.EXECUTED} if self.passes else {}

    def noted(self, run, steps):
        before, self.seconds = self.sums(), 0.0
        result = run()
        operators = {}
        for name, (kind, seconds) in self.sums().items():
            note(operators, "openvino::" + kind, max(0.0, seconds - before.get(name, (kind, 0.0))[1]), steps)
        return result, self.seconds, operators


def quantized_openvino(task, core):
    """By NNCF, OpenVINO's own tool, with its defaults for the kind of network."""
    import nncf
    import openvino as ov

    def make(path):
        nncf.set_log_level(logging.ERROR)
        kind = {} if task.settings["model"].startswith("resnet") else {"model_type": nncf.ModelType.TRANSFORMER}
        images = calibration_arrays(task)
        model = nncf.quantize(core.read_model(exported(task)), nncf.Dataset(images), subset_size=len(images), **kind)
        ov.save_model(model, path, compress_to_fp16=False)

    return derived(task, ".int8.xml", make)
