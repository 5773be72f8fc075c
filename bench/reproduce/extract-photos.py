"""Takes some of scikit-image's sample photographs out of its wheel: python3 extract-photos.py FOLDER FILE..."""

import pathlib
import sys
import zipfile

folder = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
    for name in sys.argv[2:]:
        (folder / name).write_bytes(wheel.read(f"skimage/data/{name}"))
