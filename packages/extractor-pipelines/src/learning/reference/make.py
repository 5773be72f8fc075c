"""What NumPy and scikit-learn answer for small inputs: reference.json, which fitted.reference.test.ts compares with.

pip install numpy==2.4.6 scikit-learn==1.9.1; python make.py > reference.json
"""

import json

import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler
from sklearn.utils import murmurhash3_32

random = np.random.default_rng(7)


def numbers(array):
    return np.where(np.isnan(array), None, array).tolist()


mixing = random.normal(size=(12, 12)) * np.array([9, 6, 4, 3, 1, 1, 0.5, 0.5, 0.2, 0.2, 0.1, 0.1])[:, None]
vectors = (random.normal(size=(80, 12)) @ mixing + random.normal(size=12) * 5).astype(np.float32)
pca = PCA(n_components=4, svd_solver="full").fit(vectors.astype(np.float64))
components = pca.components_
signs = np.sign(components[np.arange(4), np.abs(components).argmax(axis=1)])[:, None]

columns = (random.normal(size=(101, 3)) * [1, 1000, 1e-6] + [0, 5, 1e-5]).astype(np.float32)
columns[:, 0] = np.round(columns[:, 0] * 2) / 2
gaps = columns.copy()
gaps[random.random(gaps.shape) < 0.3] = np.nan
wide = columns.astype(np.float64)
quantile = KBinsDiscretizer(5, encode="ordinal", strategy="quantile", quantile_method="linear", subsample=None).fit(wide)
uniform = KBinsDiscretizer(5, encode="ordinal", strategy="uniform", subsample=None).fit(wide)
scaler = StandardScaler().fit(wide)

texts = [
    "a red mug on a wooden table", "a blue mug", "the red car", "café crème and a red cup", "naïve 猫 猫 and a dog",
    "a dog on a table", "zebra Zebra émail", "", "a a a a red red",
]
tokens = [text.split() for text in texts]


def terms(**options):
    vectorizer = TfidfVectorizer(tokenizer=lambda one: one, preprocessor=lambda one: one, token_pattern=None, **options)
    matrix = vectorizer.fit_transform(tokens)
    return {"terms": vectorizer.get_feature_names_out().tolist(), "vectors": matrix.toarray().tolist()}


print(json.dumps({
    "versions": {"numpy": np.__version__, "sklearn": sklearn.__version__},
    "pca": {
        "vectors": vectors.tolist(),
        "components": (components * signs).tolist(),
        "variances": pca.explained_variance_.tolist(),
        "share": pca.explained_variance_ratio_.sum(),
        "reduced": (pca.transform(vectors[:5].astype(np.float64)) * signs.T).tolist(),
    },
    "columns": columns.tolist(),
    "gaps": numbers(gaps),
    "standardized": scaler.transform(wide[:5]).tolist(),
    "means": SimpleImputer(strategy="mean").fit(gaps.astype(np.float64)).statistics_.tolist(),
    "medians": SimpleImputer(strategy="median").fit(gaps.astype(np.float64)).statistics_.tolist(),
    "quantileEdges": [edges[1:-1].tolist() for edges in quantile.bin_edges_],
    "quantileBins": quantile.transform(wide).tolist(),
    "uniformEdges": [edges[1:-1].tolist() for edges in uniform.bin_edges_],
    "tokens": tokens,
    "tfidf": terms(),
    "tfidfPairs": terms(ngram_range=(1, 2), sublinear_tf=True, min_df=2, max_df=0.6, norm=None),
    "murmur3": {text: murmurhash3_32(text, seed=0, positive=False) for text in ["", "a", "ab", "abc", "abcd", "abcde", "naïve", "猫", "x" * 99]},
}))
