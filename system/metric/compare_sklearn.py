#!/usr/bin/env python3
"""Write testdata/sklearn.json: scores with many ties, and what scikit-learn and SciPy
say of them.

    python3 system/metric/compare_sklearn.py

ECE and MCE, which scikit-learn has not, are computed bin by bin as the package
comment defines them. Infinite scores, which scikit-learn refuses, are given to it as
huge ones: only their order matters. What is undefined is null.
"""
import json
import math
import pathlib
import warnings

import numpy as np
from scipy import stats
from sklearn import metrics

warnings.filterwarnings("ignore")
RATES = [0, 0.001, 0.01, 0.1, 0.5]
rng = np.random.default_rng(4)


def ranking(scores, y):
    """What depends on the order of scores alone."""
    s = np.clip(scores, -1e300, 1e300)
    out = {"auprc": metrics.average_precision_score(y, s) if y.any() else math.nan}
    if 0 < y.sum() < len(y):
        out["auroc"] = metrics.roc_auc_score(y, s)
        u = stats.mannwhitneyu(s[y == 1], s[y == 0]).statistic
        assert abs(out["auroc"] - u / (y.sum() * (1 - y).sum())) < 1e-12
        fpr, tpr, thresholds = metrics.roc_curve(y, s, drop_intermediate=False)
        last = [np.flatnonzero(fpr <= rate)[-1] for rate in RATES]
        out["tpr_at"] = [tpr[k] for k in last]
        # scikit-learn's first threshold, which nothing passes, is infinite.
        out["threshold_at"] = [math.nan if k == 0 else thresholds[k] for k in last]
        out["fpr"], out["tpr"] = list(fpr), list(tpr)
        precision, recall, _ = metrics.precision_recall_curve(y, s)
        out["precision"], out["recall"] = list(precision[::-1]), list(recall[::-1])
    return out


def decisions(p, y):
    passed = p >= 0.5
    return {
        "accuracy": metrics.accuracy_score(y, passed),
        "precision_at": metrics.precision_score(y, passed, zero_division=math.nan),
        "recall_at": metrics.recall_score(y, passed, zero_division=math.nan),
    }


def calibration(p, y):
    gaps, share = [], []
    for k in range(15):
        inside = (p > k / 15) & (p <= (k + 1) / 15)
        if k == 0:
            inside |= p == 0
        if inside.any():
            gaps.append(abs(y[inside].mean() - p[inside].mean()))
            share.append(inside.mean())
    return {
        "brier": metrics.brier_score_loss(y, p, pos_label=1) if 0 < y.sum() < len(y) else np.mean((p - y) ** 2),
        "nll": metrics.log_loss(y, p, labels=[0, 1]),
        "ece": np.dot(gaps, share),
        "mce": max(gaps),
    }


def finite(v):
    """v as JSON has it."""
    if isinstance(v, dict):
        return {k: finite(x) for k, x in v.items()}
    if isinstance(v, (list, np.ndarray)):
        return [finite(x) for x in v]
    v = float(v)
    return None if math.isnan(v) else v


def case(name, kind, scores, y):
    scores, y = np.asarray(scores, float), np.asarray(y, int)
    want = ranking(scores, y)
    if kind == "probabilities":
        want |= decisions(scores, y) | calibration(scores, y)
    if kind == "logits":
        p = 1 / (1 + np.exp(-scores))
        want |= decisions(p, y) | calibration(p, y)
        want["nll"] = float(np.mean(np.minimum(np.logaddexp(0, np.where(y == 1, -scores, scores)), 52 * math.log(2))))
    texts = [repr(v) for v in np.clip(scores, -math.inf, math.inf).tolist()]
    return {"name": name, "kind": kind, "scores": texts, "labels": y.tolist(), "want": finite(want)}


def cases():
    for n, digits in [(2, 0), (3, 1), (10, 1), (60, 0), (60, 1), (60, 2), (300, 1), (300, 3), (300, 17)]:
        for lenses in (0.5, 0.1):
            y = (rng.random(n) < lenses).astype(int)
            p = np.clip(rng.normal(0.35 + 0.3 * y, 0.25), 0, 1)
            yield case(f"{n} probabilities of {digits} digits, {lenses} lenses", "probabilities", np.round(p, digits), y)
            yield case(f"{n} logits of {digits} digits, {lenses} lenses", "logits", np.round(3 * rng.normal(2 * y - 1), digits), y)
    y = rng.integers(0, 2, 96)
    yield case("probabilities on the edges of bins", "probabilities", (np.arange(96) % 16) / 15, y)
    yield case("probabilities of one digit, each many times", "probabilities", rng.integers(0, 11, 96) / 10, y)
    yield case("all equal", "probabilities", np.full(96, 0.3), y)
    yield case("two scores", "probabilities", rng.integers(0, 2, 96) * 0.5, y)
    yield case("certain and wrong", "probabilities", 1 - y, y)
    yield case("certain and right", "probabilities", y, y)
    yield case("large logits", "logits", rng.integers(-60, 60, 96), y)
    yield case("infinite", "scores", rng.choice([-math.inf, -1, 0, 1, math.inf], 96), y)
    yield case("a negative at infinity", "scores", [math.inf, 1, 0], [0, 1, 0])
    yield case("only lenses", "probabilities", rng.integers(0, 11, 20) / 10, np.ones(20))
    yield case("no lens", "probabilities", rng.integers(0, 11, 20) / 10, np.zeros(20))


def binomials():
    for n in (1, 2, 10, 97, 5000):
        for k in sorted({0, 1, n // 3, n - 1, n}):
            row = {"k": k, "n": n}
            for method in ("exact", "wilson"):
                ci = stats.binomtest(k, n).proportion_ci(0.95, method)
                row[method] = [ci.low, ci.high]
            yield {k: finite(v) if isinstance(v, list) else int(v) for k, v in row.items()}


path = pathlib.Path(__file__).parent / "testdata" / "sklearn.json"
path.parent.mkdir(exist_ok=True)
lines = ",\n  ".join(json.dumps(c) for c in cases())
rows = ",\n  ".join(json.dumps(b) for b in binomials())
path.write_text(f'{{"rates": {RATES},\n "cases": [\n  {lines}],\n "binomial": [\n  {rows}]}}\n')
