"""The figures that `manage.py evaluate` prints."""

from assistant.documents.evaluate import PlainBm25, score
from assistant.documents.question_sets import Asked

RIGHT = frozenset({"a", "b"})


def test_the_first_right_passage_decides_hits_and_reciprocal_rank() -> None:
    found = [frozenset({"x"}), frozenset[str](), frozenset({"a"})]
    scores = score([(Asked(text="?", right=RIGHT), found)])
    assert (scores.hit1, scores.hit5, scores.hit10) == (0.0, 1.0, 1.0)
    assert scores.mrr == 1 / 3


def test_ndcg_is_one_for_the_ideal_order_and_counts_a_place_once() -> None:
    asked = Asked(text="?", right=RIGHT)
    ideal = score([(asked, [frozenset({"a"}), frozenset({"b"})])])
    repeated = score([(asked, [frozenset({"a"}), frozenset({"a"})])])
    assert ideal.ndcg == 1.0
    assert repeated.ndcg < 1.0


def test_a_question_without_a_right_passage_counts_as_nought() -> None:
    scores = score([(Asked(text="?", right=RIGHT), []), (Asked(text="?", right=RIGHT), [RIGHT])])
    assert (scores.hit1, scores.mrr) == (0.5, 0.5)


def test_plain_bm25_prefers_the_rare_word() -> None:
    index = PlainBm25(["the rent is due", "the roof is old", "the rent and the roof"])
    assert index.search("old roof")[0] == 1
    assert index.search("zebra") == []
