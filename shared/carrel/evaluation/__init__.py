"""I have questions and what answers them: how good is a pipeline, and is another one better?"""

from __future__ import annotations

from carrel.evaluation.beir import Corpus, read_corpus, read_questions
from carrel.evaluation.choosing import Choice, chosen
from carrel.evaluation.comparing import Comparison, Row, Table, compared
from carrel.evaluation.measures import mean, measure_name, measured
from carrel.evaluation.nouns import Qrels, Questions, Run, as_run
from carrel.evaluation.own import halves, own_questions
from carrel.evaluation.pipelines import DEFAULT, Pipeline, ablation, candidates, pipeline, usual
from carrel.evaluation.running import Shelf, run_pipeline
from carrel.evaluation.shelves import shelf_of
from carrel.evaluation.significance import Difference, difference
from carrel.evaluation.trec import read_qrels, read_run, written

__all__ = [
    "DEFAULT",
    "Choice",
    "Comparison",
    "Corpus",
    "Difference",
    "Pipeline",
    "Qrels",
    "Questions",
    "Row",
    "Run",
    "Shelf",
    "Table",
    "ablation",
    "as_run",
    "candidates",
    "chosen",
    "compared",
    "difference",
    "halves",
    "mean",
    "measure_name",
    "measured",
    "own_questions",
    "pipeline",
    "read_corpus",
    "read_qrels",
    "read_questions",
    "read_run",
    "run_pipeline",
    "shelf_of",
    "usual",
    "written",
]
