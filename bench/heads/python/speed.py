"""How fast others learn, on one thread: NumPy's Gram matrix and Cholesky, scikit-learn's and River's online learners.

Reads request.json ({"dimensions": D, "classes": K}); prints labels a second and seconds of one factorization,
of processor time, so that waiting for other programs does not count.
"""

import json
import time

import numpy as np
from river import linear_model
from sklearn.linear_model import SGDClassifier

BATCH = 64
ROUND_SECONDS = 0.2
ROUNDS = 3


def rate(step, labels):
    """Median over rounds of labels a second; `step` learns that many labels."""
    step()
    rates = []
    for _ in range(ROUNDS):
        start, steps = time.process_time(), 0
        while time.process_time() - start < ROUND_SECONDS:
            step()
            steps += 1
        rates.append(steps * labels / (time.process_time() - start))
    return float(np.median(rates))


def main():
    request = json.load(open("request.json"))
    d, classes = request["dimensions"], request["classes"]
    random = np.random.default_rng(1)
    a = np.maximum(random.normal(size=(BATCH, d)), 0)
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    y = np.arange(BATCH) % classes
    gram = np.zeros((d, d))

    def numpy_gram():
        nonlocal gram
        gram += a.T @ a

    result = {"numpyGram": rate(numpy_gram, BATCH)}

    many = np.maximum(random.normal(size=(2 * d, d)), 0)
    positive = many.T @ many + d * np.eye(d)
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        np.linalg.cholesky(positive)
        seconds.append(time.process_time() - start)
    result["numpyCholeskySeconds"] = float(np.median(seconds))

    sgd = SGDClassifier(loss="log_loss").partial_fit(a, y, classes=np.arange(classes))
    result["sgdBatches"] = rate(lambda: sgd.partial_fit(a, y), BATCH)
    one = iter(range(1 << 62))

    def sgd_single():
        i = next(one) % BATCH
        sgd.partial_fit(a[i : i + 1], y[i : i + 1])

    result["sgdSingle"] = rate(sgd_single, 1)

    softmax = linear_model.SoftmaxRegression()
    rows = [dict(enumerate(row.tolist())) for row in a]

    def river_single():
        i = next(one) % BATCH
        softmax.learn_one(rows[i], int(y[i]))

    for i in range(classes):
        softmax.learn_one(rows[i], int(y[i]))
    result["riverSoftmax"] = rate(river_single, 1)
    print(json.dumps(result))


main()
