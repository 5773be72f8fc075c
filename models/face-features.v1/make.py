"""Makes `model.onnx`: from a picture to the descriptor of the face in it, as one graph.

The weights come from the npm package @vladmandic/face-api 1.7.15 (MIT): its detector (SSD on MobileNet v1), its 68 landmarks and its
port of dlib's face recognition net.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    npm pack --pack-destination .wheels @vladmandic/face-api@1.7.15
    .venv/bin/python make.py --package .wheels/vladmandic-face-api-1.7.15.tgz

What the graph does with each picture:
1. The detector answers 5,118 boxes. Of those that are certain by at least 0.4 the most prominent is taken: certainty times side.
   Where there is none, every number of the descriptor is NaN.
2. The landmarks are found in the box, and once more in a square around those landmarks, which is more exact.
3. The face is turned, scaled and moved as 51 landmarks lie on dlib's mean face (least squares), into 150 x 150 pixels.
4. The recognition net answers 128 numbers. Faces of one person are nearer to each other (Euclidean) than about 0.6.

Filters stay the 8-bit integers of the package (a scale and an offset each); the engine makes numbers of them when it starts.

Input: `image`, uint8 [N, 512, 512, 3], RGB. Output: `features`, float32 [N, 128].
"""

import argparse
import json
import tarfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
SIDE = 512
# Pictures without faces stay below 0.3 (sample photos of scikit-image), portraits from head to foot may be below 0.5.
LEAST_CERTAINTY = 0.4
CHIP = 150
LANDMARK_SIDE = 112
# Sampled twice as densely and averaged, so that large faces do not alias.
DENSITY = 2
# Margin around the mean face, as a share of its side, in the chips that the recognition net was trained on.
CHIP_PADDING = 0.25
# Side of the square in which the landmarks are looked for again, in sides of the square around the first ones.
SECOND_LOOK = 1.25
MEAN_RGB = (122.782, 117.001, 104.298)
SMALL = 4096
# Mean positions of the landmarks 18 to 68: dlib, image_transforms/interpolation.h (Boost Software License 1.0).
MEAN_FACE_X = """
0.000213256 0.0752622 0.18113 0.29077 0.393397 0.586856 0.689483 0.799124 0.904991 0.98004 0.490127 0.490127 0.490127
0.490127 0.36688 0.426036 0.490127 0.554217 0.613373 0.121737 0.187122 0.265825 0.334606 0.260918 0.182743 0.645647
0.714428 0.793132 0.858516 0.79751 0.719335 0.254149 0.340985 0.428858 0.490127 0.551395 0.639268 0.726104 0.642159
0.556721 0.490127 0.423532 0.338094 0.290379 0.428096 0.490127 0.552157 0.689874 0.553364 0.490127 0.42689"""
MEAN_FACE_Y = """
0.106454 0.038915 0.0187482 0.0344891 0.0773906 0.0773906 0.0344891 0.0187482 0.038915 0.106454 0.203352 0.307009 0.409805
0.515625 0.587326 0.609345 0.628106 0.609345 0.587326 0.216423 0.178758 0.179852 0.231733 0.245099 0.244077 0.231733
0.179852 0.178758 0.216423 0.244077 0.245099 0.780233 0.745405 0.727388 0.742578 0.727388 0.745405 0.780233 0.864805
0.902192 0.909281 0.902192 0.864805 0.784792 0.778746 0.785343 0.778746 0.784792 0.824182 0.831803 0.824182"""


class Weights:
    """The tensors of one model in the package."""

    def __init__(self, archive, name):
        def read(suffix):
            return archive.extractfile(f"package/model/{name}{suffix}").read()

        raw, at, self.tensors = read(".bin"), 0, {}
        for weight in json.loads(read("-weights_manifest.json"))[0]["weights"]:
            quantization = weight.get("quantization")
            kind = np.dtype(quantization["dtype"] if quantization else weight["dtype"])
            count = int(np.prod(weight["shape"]))
            stored = np.frombuffer(raw, kind, count, at).reshape(weight["shape"])
            at += count * kind.itemsize
            self.tensors[weight["name"]] = (stored, quantization)
        assert at == len(raw), f"{name}: another layout than this script was made for"

    def values(self, name):
        stored, quantization = self.tensors[name]
        if quantization is None:
            return stored.astype(np.float64)
        return stored.astype(np.float64) * quantization["scale"] + quantization["min"]


class Graph:
    """Collects nodes and constants; each method answers the name of what it makes."""

    def __init__(self):
        self.nodes, self.constants, self.known = [], [], set()

    def constant(self, name, value, kind=np.float32):
        if name not in self.known:
            self.known.add(name)
            self.constants.append(numpy_helper.from_array(np.array(value, kind, order="C"), name))
        return name

    def integers(self, *values):
        return self.constant("integers." + ".".join(map(str, values)), values, np.int64)

    def add(self, operator, inputs, name, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def number(self, value):
        return self.constant(f"number.{value}", value)

    def filters(self, name, weights, key, order, factor=None):
        """Filters of the package, as integers where they are many; `factor` multiplies each output channel."""
        if f"{name}.filters" in self.known:
            return f"{name}.filters"
        self.known.add(f"{name}.filters")
        stored, quantization = weights.tensors[key]
        shape = (-1, 1, 1, 1)
        if stored.size < SMALL or quantization is None:
            values = weights.values(key).transpose(order)
            values = values if factor is None else values * factor.reshape(shape)
            self.constants.append(numpy_helper.from_array(np.array(values, np.float32, order="C"), f"{name}.filters"))
            return f"{name}.filters"
        integers = self.constant(f"{name}.integers", stored.transpose(order), np.uint8)
        floats = self.add("Cast", [integers], f"{name}.floats", to=TensorProto.FLOAT)
        step = quantization["scale"] if factor is None else (quantization["scale"] * factor).reshape(shape)
        offset = quantization["min"] if factor is None else (quantization["min"] * factor).reshape(shape)
        scaled = self.add("Mul", [floats, self.constant(f"{name}.step", step)], f"{name}.scaled")
        return self.add("Add", [scaled, self.constant(f"{name}.offset", offset)], f"{name}.filters")

    def convolution(self, source, name, filters, bias=None, stride=1, groups=1, padding="SAME_UPPER"):
        inputs = [source, filters] + ([] if bias is None else [self.constant(f"{name}.bias", bias)])
        return self.add("Conv", inputs, name, strides=[stride, stride], group=groups, auto_pad=padding)

    def relu6(self, source):
        return self.add("Clip", [source, self.number(0.0), self.number(6.0)], f"{source}.relu6")

    def relu(self, source):
        return self.add("Relu", [source], f"{source}.relu")


ORDER = (3, 2, 0, 1)
DEPTHWISE = (2, 3, 0, 1)


def detector(graph, image, weights):
    """MobileNet v1 and six layers of boxes, after face-api's ssdMobilenetv1. Scores [N, 5118], boxes [N, 5118, 4] (y1 x1 y2 x2)."""

    def pointwise(source, place, stride=1):
        name = place.replace("/", ".")
        filters = graph.filters(name, weights, f"{place}/weights", ORDER)
        offset = weights.values(f"{place}/convolution_bn_offset")
        return graph.relu6(graph.convolution(source, name, filters, offset, stride))

    def depthwise(source, place, stride):
        norm = {part: weights.values(f"{place}/BatchNorm/{part}") for part in ("gamma", "beta", "moving_mean", "moving_variance")}
        factor = norm["gamma"] / np.sqrt(norm["moving_variance"] + 0.0010000000474974513)
        name = place.replace("/", ".")
        values = weights.values(f"{place}/depthwise_weights").transpose(DEPTHWISE) * factor[:, None, None, None]
        filters = graph.constant(f"{name}.filters", values)
        bias = norm["beta"] - norm["moving_mean"] * factor
        return graph.relu6(graph.convolution(source, name, filters, bias, stride, groups=len(factor)))

    halves = graph.add("Div", [image, graph.number(127.5)], "detector.halves")
    x = graph.add("Sub", [halves, graph.number(1.0)], "detector.input")
    x = pointwise(x, "MobilenetV1/Conv2d_0_pointwise", 2)
    maps = []
    for layer in range(1, 14):
        x = depthwise(x, f"MobilenetV1/Conv2d_{layer}_depthwise", 2 if layer in (2, 4, 6, 12) else 1)
        x = pointwise(x, f"MobilenetV1/Conv2d_{layer}_pointwise")
        if layer in (11, 13):
            maps.append(x)
    for layer in range(8):
        x = pointwise(x, f"Prediction/Conv2d_{layer}_pointwise", 2 if layer % 2 else 1)
        if layer % 2:
            maps.append(x)

    def predictions(part, width):
        found = []
        for index, source in enumerate(maps):
            place = f"Prediction/BoxPredictor_{index}/{part}"
            name = place.replace("/", ".")
            filters = graph.filters(name, weights, f"{place}/weights", ORDER)
            made = graph.convolution(source, name, filters, weights.values(f"{place}/biases"))
            rows = graph.add("Transpose", [made], f"{name}.rows", perm=[0, 2, 3, 1])
            found.append(graph.add("Reshape", [rows, graph.integers(0, -1, width)], f"{name}.list"))
        return graph.add("Concat", found, f"detector.{part}", axis=1)

    classes = predictions("ClassPredictor", 3)
    face = graph.add("Gather", [classes, graph.constant("one", 1, np.int64)], "detector.face", axis=2)
    scores = graph.add("Sigmoid", [face], "detector.scores")
    return scores, decode_boxes(graph, predictions("BoxEncodingPredictor", 4), weights.values("Output/extra_dim"))


def decode_boxes(graph, encoded, priors):
    sizes = priors[..., 2:] - priors[..., :2]
    centres = priors[..., :2] + sizes / 2
    shifts = graph.add("Slice", [encoded, *(graph.integers(n) for n in (0, 2, 2))], "detector.shifts")
    growths = graph.add("Slice", [encoded, *(graph.integers(n) for n in (2, 4, 2))], "detector.growths")
    size = graph.constant("detector.sizes", sizes)
    moved = graph.add("Mul", [graph.add("Div", [shifts, graph.number(10.0)], "detector.moved"), size], "detector.by")
    centre = graph.add("Add", [moved, graph.constant("detector.centres", centres)], "detector.centre")
    grown = graph.add("Exp", [graph.add("Div", [growths, graph.number(5.0)], "detector.fifths")], "detector.grown")
    return centre, graph.add("Mul", [grown, size], "detector.side")


def choose_face(graph, scores, centres, sizes):
    """The most prominent face: its centre (y, x) and the side of a square around it, as shares of the picture; and its certainty."""
    area = graph.add("ReduceProd", [sizes], "choice.area", axes=[2], keepdims=0)
    side = graph.add("Sqrt", [area], "choice.side")
    limited = graph.add("Min", [side, graph.number(1.0)], "choice.limited")
    prominence = graph.add("Mul", [scores, limited], "choice.prominence")
    certain = graph.add("GreaterOrEqual", [scores, graph.number(LEAST_CERTAINTY)], "choice.certain")
    ranked = graph.add("Where", [certain, prominence, graph.number(-1.0)], "choice.ranked")
    best = graph.add("ArgMax", [ranked], "choice.best", axis=1, keepdims=1)

    def chosen(values, name):
        return graph.add("GatherND", [values, best], f"choice.{name}", batch_dims=1)

    size = graph.add("ReduceMax", [chosen(sizes, "size")], "choice.larger", axes=[1], keepdims=1)
    rank = graph.add("Unsqueeze", [chosen(ranked, "rank"), graph.integers(1)], "choice.rank.column")
    return chosen(centres, "centre"), size, rank


def grid_of(side):
    """Places of the samples in a square of side 1 around 0, [1, side², 1] each: x and y."""
    count = side * DENSITY
    places = (np.arange(count) + 0.5) / count - 0.5
    y, x = np.meshgrid(places, places, indexing="ij")
    return x.reshape(1, -1), y.reshape(1, -1)


def sample(graph, image, x, y, side, name):
    """Pixels at x and y ([N, samples], shares of the picture): [N, 3, side, side]. Outside of the picture it is black."""
    count = side * DENSITY
    places = [graph.add("Unsqueeze", [axis, graph.integers(2)], f"{axis}.last") for axis in (x, y)]
    pairs = graph.add("Concat", places, f"{name}.pairs", axis=2)
    doubled = graph.add("Mul", [pairs, graph.number(2.0)], f"{name}.doubled")
    centred = graph.add("Sub", [doubled, graph.number(1.0)], f"{name}.centred")
    grid = graph.add("Reshape", [centred, graph.integers(0, count, count, 2)], f"{name}.grid")
    dense = graph.add("GridSample", [image, grid], f"{name}.dense", mode="bilinear", padding_mode="zeros")
    return graph.add("AveragePool", [dense], f"{name}.pixels", kernel_shape=[DENSITY] * 2, strides=[DENSITY] * 2)


def sample_square(graph, image, centre_x, centre_y, side, count, name):
    x, y = grid_of(count)
    spots = []
    for axis, centre, places in (("x", centre_x, x), ("y", centre_y, y)):
        spread = graph.add("Mul", [side, graph.constant(f"square.{count}.{axis}", places)], f"{name}.{axis}.spread")
        spots.append(graph.add("Add", [centre, spread], f"{name}.{axis}"))
    return sample(graph, image, *spots, count, name)


def normalized(graph, pixels, name):
    centred = graph.add("Sub", [pixels, graph.constant("mean.rgb", np.reshape(MEAN_RGB, (1, 3, 1, 1)))], f"{name}.colours")
    return graph.add("Div", [centred, graph.number(255.0)], f"{name}.input")


def landmarks(graph, pixels, weights, name):
    """68 landmarks, [N, 136] (x and y in turn), as shares of the square: after face-api's FaceLandmark68Net."""

    def separable(source, place, stride=1):
        spot = f"{name}.{place.replace('/', '.')}"
        depth = weights.values(f"{place}/depthwise_filter")
        filters = graph.constant(f"landmarks.{place}.depthwise", depth.transpose(DEPTHWISE))
        deep = graph.convolution(source, f"{spot}.depthwise", filters, None, stride, groups=depth.shape[2])
        points = graph.filters(f"landmarks.{place}", weights, f"{place}/pointwise_filter", ORDER)
        return graph.add("Conv", [deep, points, graph.constant(f"landmarks.{place}.bias", weights.values(f"{place}/bias"))], spot)

    x = normalized(graph, pixels, name)
    for block in range(4):
        place = f"dense{block}"
        if block == 0:
            filters = graph.constant("landmarks.first", weights.values("dense0/conv0/filters").transpose(ORDER))
            bias = graph.constant("landmarks.first.bias", weights.values("dense0/conv0/bias"))
            first = graph.add("Conv", [x, filters, bias], f"{name}.first", strides=[2, 2], auto_pad="SAME_UPPER")
        else:
            first = separable(x, f"{place}/conv0", 2)
        total = graph.relu(first)
        source = total
        for layer in (1, 2, 3):
            made = separable(source, f"{place}/conv{layer}")
            total = graph.add("Add", [total, made], f"{name}.{place}.sum{layer}")
            source = graph.relu(total)
        x = source
    pooled = graph.add("AveragePool", [x], f"{name}.pooled", kernel_shape=[7, 7], strides=[2, 2])
    flat = graph.add("Flatten", [pooled], f"{name}.flat")
    full = graph.add("MatMul", [flat, graph.constant("landmarks.fc", weights.values("fc/weights"))], f"{name}.full")
    return graph.add("Add", [full, graph.constant("landmarks.fc.bias", weights.values("fc/bias"))], f"{name}.shares")


def points_in_picture(graph, shares, centre_x, centre_y, side, name):
    """Landmarks as shares of the picture: x and y, [N, 68] each."""
    centred = graph.add("Sub", [shares, graph.number(0.5)], f"{name}.centred.shares")
    spread = graph.add("Mul", [centred, side], f"{name}.spread")
    pairs = graph.add("Reshape", [spread, graph.integers(0, 68, 2)], f"{name}.points")
    found = []
    for index, (axis, centre) in enumerate((("x", centre_x), ("y", centre_y))):
        place = graph.constant(f"index.{index}", index, np.int64)
        values = graph.add("Gather", [pairs, place], f"{name}.{axis}.offsets", axis=2)
        found.append(graph.add("Add", [values, centre], f"{name}.{axis}.points"))
    return found


def square_around(graph, points, name):
    """Centre (x, y) and side of a square around landmarks."""
    centres, sides = [], []
    for axis, values in zip("xy", points):
        low = graph.add("ReduceMin", [values], f"{name}.{axis}.low", axes=[1], keepdims=1)
        high = graph.add("ReduceMax", [values], f"{name}.{axis}.high", axes=[1], keepdims=1)
        both = graph.add("Add", [low, high], f"{name}.{axis}.both")
        centres.append(graph.add("Mul", [both, graph.number(0.5)], f"{name}.{axis}.centre"))
        sides.append(graph.add("Sub", [high, low], f"{name}.{axis}.length"))
    largest = graph.add("Max", sides, f"{name}.largest")
    return *centres, graph.add("Mul", [largest, graph.number(SECOND_LOOK)], f"{name}.side")


def aligned_chip(graph, image, points):
    """The similarity from the mean face to the landmarks with the least squared error, and the pixels along it."""
    mean = np.array([MEAN_FACE_X.split(), MEAN_FACE_Y.split()], np.float64)
    middle = mean.mean(axis=1, keepdims=True)
    tx, ty = mean - middle
    energy = (tx**2 + ty**2).sum()

    def project(values, weights, name):
        column = np.zeros((68, 1))
        column[17:, 0] = weights
        return graph.add("MatMul", [values, graph.constant(f"{name}.weights", column)], name)

    x, y = points
    ones = np.full(51, 1 / 51)
    centre_x, centre_y = project(x, ones, "chip.x.mean"), project(y, ones, "chip.y.mean")
    along = graph.add("Add", [project(x, tx / energy, "chip.xx"), project(y, ty / energy, "chip.yy")], "chip.cosine")
    across = graph.add("Sub", [project(y, tx / energy, "chip.yx"), project(x, ty / energy, "chip.xy")], "chip.sine")
    u, v = grid_of(CHIP)
    u = graph.constant("chip.u", (u + 0.5) * (1 + 2 * CHIP_PADDING) - CHIP_PADDING - middle[0])
    v = graph.constant("chip.v", (v + 0.5) * (1 + 2 * CHIP_PADDING) - CHIP_PADDING - middle[1])

    def turned(first, second, operator, centre, name):
        parts = [graph.add("Mul", [along, first], f"{name}.along"), graph.add("Mul", [across, second], f"{name}.across")]
        return graph.add("Add", [centre, graph.add(operator, parts, f"{name}.turned")], name)

    px, py = turned(u, v, "Sub", centre_x, "chip.x"), turned(v, u, "Add", centre_y, "chip.y")
    return sample(graph, image, px, py, CHIP, "chip")


def descriptor(graph, pixels, weights):
    """dlib's residual net, after face-api's FaceRecognitionNet: [N, 128]."""

    def layer(source, place, stride=1, padding="SAME_UPPER"):
        factor = weights.values(f"{place}/scale/weights")
        bias = weights.values(f"{place}/conv/bias") * factor + weights.values(f"{place}/scale/biases")
        filters = graph.filters(place, weights, f"{place}/conv/filters", ORDER, factor)
        return graph.convolution(source, place, filters, bias, stride, padding=padding)

    def residual(source, place):
        made = layer(graph.relu(layer(source, f"{place}/conv1")), f"{place}/conv2")
        return graph.relu(graph.add("Add", [made, source], f"{place}.sum"))

    def residual_down(source, place, side, channels):
        """Answers a map of half the side; where the pooled one is larger by a row and a column, zeros stand for them."""
        made = layer(graph.relu(layer(source, f"{place}/conv1", 2, "VALID")), f"{place}/conv2")
        pooled = graph.add("AveragePool", [source], f"{place}.pooled", kernel_shape=[2, 2], strides=[2, 2])
        missing = side // 2 - (side - 3) // 2 - 1
        if missing:
            made = graph.add("Pad", [made, graph.integers(0, 0, 0, 0, 0, 0, missing, missing)], f"{place}.padded")
        before, after = channels
        if before != after:
            pads = graph.integers(0, 0, 0, 0, 0, after - before, 0, 0)
            pooled = graph.add("Pad", [pooled, pads], f"{place}.widened")
        return graph.relu(graph.add("Add", [pooled, made], f"{place}.sum")), side // 2

    x = graph.relu(layer(normalized(graph, pixels, "descriptor"), "conv32_down", 2, "VALID"))
    x = graph.add("MaxPool", [x], "descriptor.pooled", kernel_shape=[3, 3], strides=[2, 2])
    side = ((CHIP - 7) // 2 + 1 - 3) // 2 + 1
    for place in ("conv32_1", "conv32_2", "conv32_3"):
        x = residual(x, place)
    for name, channels, count in (("conv64", (32, 64), 3), ("conv128", (64, 128), 2), ("conv256", (128, 256), 2)):
        x, side = residual_down(x, f"{name}_down", side, channels)
        for index in range(count):
            x = residual(x, f"{name}_{index + 1}")
    x, side = residual_down(x, "conv256_down_out", side, (256, 256))
    pooled = graph.add("GlobalAveragePool", [x], "descriptor.average")
    flat = graph.add("Flatten", [pooled], "descriptor.flat")
    return graph.add("MatMul", [flat, graph.constant("fc", weights.values("fc"))], "descriptor.values")


def build(package):
    with tarfile.open(package) as archive:
        names = ("ssd_mobilenetv1_model", "face_landmark_68_model", "face_recognition_model")
        detection, marks, recognition = (Weights(archive, name) for name in names)
    graph = Graph()
    floats = graph.add("Cast", ["image"], "float", to=TensorProto.FLOAT)
    image = graph.add("Transpose", [floats], "picture", perm=[0, 3, 1, 2])
    scores, (centres, sizes) = detector(graph, image, detection)
    centre, side, rank = choose_face(graph, scores, centres, sizes)
    y, x = (
        graph.add("Slice", [centre, *(graph.integers(n) for n in (at, at + 1, 1))], f"choice.{axis}")
        for at, axis in enumerate("yx")
    )
    for look in ("first", "second"):
        pixels = sample_square(graph, image, x, y, side, LANDMARK_SIDE, look)
        shares = landmarks(graph, pixels, marks, look)
        points = points_in_picture(graph, shares, x, y, side, look)
        x, y, side = square_around(graph, points, f"{look}.square")
    values = descriptor(graph, aligned_chip(graph, image, points), recognition)
    seen = graph.add("GreaterOrEqual", [rank, graph.number(0.0)], "seen")
    graph.add("Where", [seen, values, graph.constant("nothing", np.nan)], "features")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            HERE.name,
            [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", SIDE, SIDE, 3])],
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 128])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name=f"models/{HERE.name}/make.py",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--package", type=Path, required=True)
    arguments.add_argument("--out", type=Path, default=HERE)
    options = arguments.parse_args()
    onnx.save(build(options.package), options.out / "model.onnx")
    print(f"{options.out / 'model.onnx'}: {(options.out / 'model.onnx').stat().st_size} bytes")


if __name__ == "__main__":
    main()
