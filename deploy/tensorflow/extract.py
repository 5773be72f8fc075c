"""Takes library and headers of TensorFlow out of its wheel: python3 extract.py WHEELS DEPS."""

import pathlib, shutil, sys, zipfile
wheels, deps = map(pathlib.Path, sys.argv[1:])
libraries = ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2")
headers = ("tensorflow/c/", "tensorflow/core/platform/ctstring", "tensorflow/tsl/platform/ctstring", "tsl/")
shutil.rmtree(deps, ignore_errors=True)
(deps / "lib").mkdir(parents=True)
with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
    for name in wheel.namelist():
        inner = name.removeprefix("tensorflow/include/")
        if name in libraries:
            target = deps / "lib" / pathlib.PurePath(name).name
        elif inner != name and inner.startswith(headers) and not name.endswith("/"):
            target = deps / "include" / inner
        else:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with wheel.open(name) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 22)
