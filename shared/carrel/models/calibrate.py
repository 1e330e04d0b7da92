"""I have a BERT: how large do the numbers get that flow between its matrices?

A plain float64 pass in numpy over a few texts. In float64 two machines differ by so little that the steps of `quantise`
swallow it, and the built model comes out the same everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carrel.models.quantise import Range

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from carrel.models.bert import Weights

    Matrix = NDArray[np.float64]

__all__ = ["CALIBRATION_TEXTS", "calibrate"]

# Prose, claims, code, tables, addresses, other scripts, and things that are hardly texts at all.
_SHORT = (
    "",
    "a",
    "?",
    "library",
    "What causes the northern lights?",
    "how to restore a deleted branch in git",
    "Vitamin D deficiency is unrelated to bone density in adults over 65.",
    "A study desk in a library is called a carrel: it is small, has walls on three sides and is often taken.",
    "Treatment with the drug reduced tumour volume by 43% (95% CI 31 to 55, p < 0.001) in twelve mice, while the "
    "control group showed no change. We conclude that the pathway is necessary but not sufficient for growth, and that "
    "its loss in the liver alone does not alter insulin secretion, glucose tolerance or body weight.",
    "The boundary layer over a flat plate at supersonic speed separates where the pressure gradient is adverse; heat "
    "transfer there was measured at Mach 2.4 and Reynolds numbers between 10^5 and 3 x 10^6.",
    "def mean(values: list[float]) -> float:\n    if not values:\n        raise ValueError('no values')\n"
    "    return sum(values) / len(values)\n",
    "SELECT author, COUNT(*) AS n FROM works WHERE year >= 1998 GROUP BY author HAVING n > 3 ORDER BY n DESC;",
    '{"name": "carrel", "version": "0.1.0", "private": true, "scripts": {"test": "pytest -q"}, "keywords": []}',
    "| year | works | cited |\n|---|---|---|\n| 2019 | 1,204 | 88% |\n| 2020 | 1,377 | 91% |\n| 2021 | 982 | 74% |",
    "# Installation\n\n1. Clone the repository.\n2. Run `make install`.\n3. Open http://localhost:8000/docs?page=2#top\n",
    "https://example.org/papers/10.1000/xyz123?utm_source=feed&id=42 doi:10.1000/182 arXiv:1706.03762v5",
    "Smith, J., O'Neill, K. & Zhao, L. (2007). On the stability of shelves. Journal of Furniture, 12(3), 45-67.",
    "She said that she would come; he did not believe her. The train, late as ever, left at ten past nine.",
    "In 1815 the eruption darkened the sky for months, and the next year had no summer: crops failed in Europe, grain "
    "prices doubled, and thousands left their villages. The price of oats is said to have led to the first bicycle.",
    "The court held that the contract was void, since neither party had signed it, and ordered the deposit returned.",
    "Shares fell 3.2 percent on Tuesday after the bank reported a loss of $1.4 billion in its second quarter.",
    "Preheat the oven to 180 degrees. Beat two eggs with 100 g of sugar, fold in the flour, and bake for 25 minutes.",
    "Let f be continuous on [a, b]. Then there is a c in (a, b) with f(b) - f(a) = f'(c)(b - a).",
    "mRNA, CRISPR-Cas9, TNF-alpha, IL-6, HbA1c, LDL, BRCA1 and p53 are abbreviations; so are RFC, DNS, TCP and HTTP/2.",
    "no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no",
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 3.14159 2.71828 1999-12-31 23:59:59 +00:00 0xff 1e-9",
    "!!! ??? ... --- *** ((( ))) [[[ ]]] {{{ }}} <<< >>> === +++ ~~~ ^^^ %%% $$$ ### @@@ &&& ||| \\\\\\ ///",
    "Die Bibliothek ist am Sonntag geschlossen; bitte geben Sie Ihre Bücher vorher zurück.",
    "La bibliothèque ferme à dix-huit heures. ¿Dónde está la sala de lectura? Il libro è sul tavolo.",
    "Библиотека открыта каждый день, кроме понедельника.",
    "图书馆每天早上九点开门，晚上六点关门。",
    "図書館は月曜日に休みます。静かに本を読んでください。",
    "المكتبة مفتوحة كل يوم",
    "Traceback (most recent call last): File \"run.py\", line 12, in <module> KeyError: 'title'",
    "ERROR 2024-03-05 12:01:44 worker-7 connection refused (errno 111), retry 3 of 5 in 8.0 s",
    "The the the and and of of of to to in in a a is is that that for for it it as as was was with with be be by by.",
)
# Long texts reach positions that short ones never see.
CALIBRATION_TEXTS = (*_SHORT, *(" ".join(_SHORT[start : start + 12]) for start in range(0, 32, 8)))


def calibrate(weights: Weights, texts: Sequence[Sequence[int]]) -> dict[str, Range]:
    """Run token sequences through the model and note each matrix's input, by ``layer.<n>.<matrix>``.

    The matrices: ``joined`` (query, key, value), ``mixed`` (attention's output), ``wide``, ``narrow`` (feed-forward).
    """
    import numpy as np

    texts = [list(text)[: weights.shape.positions] for text in texts if text]
    hidden = _embed(weights, texts)
    ends = np.cumsum([len(text) for text in texts])[:-1]
    ranges: dict[str, Range] = {}
    for layer in range(weights.shape.layers):
        hidden = _layer(weights, layer, hidden, ends, ranges)
    return ranges


def _embed(weights: Weights, texts: Sequence[Sequence[int]]) -> Matrix:
    import numpy as np

    words, places = weights.words(), weights.places()
    total = np.concatenate([words[list(text)] + places[: len(text)] for text in texts]).astype(np.float64)
    return _normal(weights, "embeddings.LayerNorm", total)


def _layer(weights: Weights, layer: int, hidden: Matrix, ends: NDArray[np.int64], ranges: dict[str, Range]) -> Matrix:
    """One transformer layer over all tokens of all texts; only attention looks at ``ends``, where the texts part."""
    import numpy as np

    at, name, shape = f"layer.{layer}", f"encoder.layer.{layer}", weights.shape

    def product(key: str, values: Matrix, matrix: NDArray[np.float32], bias: NDArray[np.float32]) -> Matrix:
        ranges[f"{at}.{key}"] = Range(np.minimum(values.min(axis=0), 0), np.maximum(values.max(axis=0), 0))
        result: Matrix = values @ matrix.T.astype(np.float64) + bias
        return result

    def dense(key: str, values: Matrix, source: str, rows: int, columns: int) -> Matrix:
        return product(key, values, weights.get(f"{source}.weight", rows, columns), weights.get(f"{source}.bias", rows))

    attention = weights.attention(layer)
    projected = np.split(product("joined", hidden, attention.matrix, attention.bias), ends)
    attended = np.concatenate([_attend(one, shape.heads) for one in projected])
    mixed = dense("mixed", attended, f"{name}.attention.output.dense", shape.hidden, shape.hidden)
    middle = _normal(weights, f"{name}.attention.output.LayerNorm", mixed + hidden)
    wide = _gelu(dense("wide", middle, f"{name}.intermediate.dense", shape.inner, shape.hidden))
    narrow = dense("narrow", wide, f"{name}.output.dense", shape.hidden, shape.inner)
    return _normal(weights, f"{name}.output.LayerNorm", narrow + middle)


def _normal(weights: Weights, source: str, values: Matrix) -> Matrix:
    import numpy as np

    size, epsilon = weights.shape.hidden, weights.shape.epsilon
    centred = values - values.mean(axis=1, keepdims=True)
    unit = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon)
    result: Matrix = unit * weights.get(f"{source}.weight", size) + weights.get(f"{source}.bias", size)
    return result


def _attend(projected: Matrix, heads: int) -> Matrix:
    """Scaled dot-product attention of one text; ``projected`` is tokens x (query, key, value)."""
    import numpy as np

    tokens, width = projected.shape
    size = width // 3 // heads
    query, key, value = projected.reshape(tokens, 3, heads, size).transpose(1, 2, 0, 3)
    scores = query @ key.transpose(0, 2, 1) / np.sqrt(size)
    shares = np.exp(scores - scores.max(axis=2, keepdims=True))
    mixed = shares @ value / shares.sum(axis=2, keepdims=True)
    result: Matrix = mixed.transpose(1, 0, 2).reshape(tokens, heads * size)
    return result


def _gelu(values: Matrix) -> Matrix:
    """GELU with the error function of Abramowitz and Stegun 7.1.26 (error below 1.5e-7, far below a step of int8)."""
    import numpy as np

    size = np.abs(values) / np.sqrt(2)
    turn = 1 / (1 + 0.3275911 * size)
    series = turn * (
        0.254829592 + turn * (-0.284496736 + turn * (1.421413741 + turn * (-1.453152027 + turn * 1.061405429)))
    )
    error = np.sign(values) * (1 - series * np.exp(-(size**2)))
    result: Matrix = values * (1 + error) / 2
    return result
