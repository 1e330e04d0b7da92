"""Quotes under attack: edits that change what is said are never accepted, true quotes never lost."""

from __future__ import annotations

import time
import unicodedata

import pytest

from carrel.citations import check_quote

AROUND = "The museum stands by the river and is open on Sundays. Its garden is planted with herbs."


def verdict(source: str, quote: str) -> str:
    return check_quote(quote, f"{AROUND}\n\n{source}\n\n{AROUND}").verdict


SAFE = "The drug is safe for children under twelve years."
BOARD = "The council did not approve the extension of the road."
CHANGED = [
    ("There are 2⁵ possible outcomes of the whole game.", "There are 25 possible outcomes of the whole game."),
    ("Roughly ½ of the cups were broken in transit then.", "Roughly 12 of the cups were broken in transit then."),
    (SAFE, "The drug is [un]safe for children under twelve years."),
    (SAFE, "The drug is [hardly] safe for children under twelve years."),
    (SAFE, "The drug is [neither] safe for children under twelve years."),
    (SAFE, "The drug is [anything but] safe for children under twelve years."),
    (SAFE, "The drug is 【not】 safe for children under twelve years."),
    (SAFE, "The drug is <not > safe for children under twelve years."),
    (SAFE, "The drug is [^not] safe for children under twelve years."),
    ("The drug is 【not】 safe for children under twelve years.", SAFE),
    ("The fee was ₹50 for every visitor of the museum.", "The fee was ₩50 for every visitor of the museum."),
    ("The board was 5′ long when the carpenter bought it.", "The board was 5″ long when the carpenter bought it."),
    ("The value was ~5 in each of the samples we took.", "The value was 5 in each of the samples we took."),
    ("The value was 5 in each of the samples we took.", "The value was ∼ 5 in each of the samples we took."),
    ("x = 5 × 3 in the first line of the little table.", "x = 5 + 3 in the first line of the little table."),
    ("x ∈ A holds for all of the points on that line.", "x ∉ A holds for all of the points on that line."),
    ("A ∪ B is the set that we use in the proof below.", "A ∩ B is the set that we use in the proof below."),
    ("The C++ compiler was faster than all the others.", "The C# compiler was faster than all the others."),
    ("The C++ compiler was faster than all the others.", "The C compiler was faster than all the others."),
    ("The C# compiler was faster than all the others.", "The C compiler was faster than all the others."),
    ("The whole engine was written in C++ by two people.", "The whole engine was written in C"),
    ("The grade was A+ in the final examination in June.", "The grade was A- in the final examination in June."),
    ("The charge was + 5 in the second experiment.", "The charge was - 5 in the second experiment."),
    ("It is a typical case of the disease in young adults.", "It is atypical case of the disease in young adults."),
    ("Nowhere in the text is the author named at all.", "Now here in the text is the author named at all."),
    ("The review was 👍 from all the visitors on Sunday.", "The review was 👎 from all the visitors on Sunday."),
    ("About 12 500 people lived in the town at that time.", "500 people lived in the town at that time."),
    ("About 12\u202f500 people lived in the town at that time.", "500 people lived in the town at that time."),
    ("The people of the town numbered 12\u202f500 at that time.", "The people of the town numbered 12"),
    ("The budget was 5 million euros in total last year.", "The budget was 5 billion euros in total last year."),
    ("It took fifty attempts to open the sealed vault.", "It took fifth attempts to open the sealed vault."),
    ("Henry VIII married six times during his long reign.", "Henry VII married six times during his long reign."),
    ("About 10⁶ cells were counted in each of the samples.", "About 106 cells were counted in each of the samples."),
    ("About 106 cells were counted in each of the samples.", "About 10⁶ cells were counted in each of the samples."),
    ("About 10<sup>6</sup> cells were counted in each sample.", "About 106 cells were counted in each sample."),
    ("The odds were 1/2 for the second runner in the race.", "The odds were 12 for the second runner in the race."),
    ("The score was 3:1 when the referee stopped the game.", "The score was 31 when the referee stopped the game."),
    ("Between 5-10 patients were seen on each of the days.", "Between 510 patients were seen on each of the days."),
    ("Patients were deficient in vitamin C after the trip.", "Patients were deficient in vitamin D after the trip."),
    ("The nurse was tested for hepatitis B before work.", "The nurse was tested for hepatitis C before work."),
    ("Patients were asymptomatic during the whole study.", "Patients were symptomatic during the whole study."),
    ("Patients were symptomatic during the whole study.", "Patients were asymptomatic during the whole study."),
    ("Es gab einen Grund für die Ablehnung des Antrags.", "Es gab keinen Grund für die Ablehnung des Antrags."),
    ("They examined the afferent nerve of the left leg.", "They examined the efferent nerve of the left leg."),
    ("该药物对十二岁以下的儿童是安全的，研究者说。", "该药物对十二岁以下的儿童是不安全的，研究者说。"),
    ("该药物对十二岁以下的儿童是安全的，研究者说。", "该药物对二十岁以下的儿童是安全的，研究者说。"),
    (
        "She moved from Paris to Rome in the spring of that year.",
        "She moved to Paris from Rome in the spring of that year.",
    ),
    ("He gave the keys to her before the meeting began.", "She gave the keys to him before the meeting began."),
    ("The song was written by Anna in the year of the war.", "The song was written for Anna in the year of the war."),
    ("You may have tea and coffee after the main course.", "You may have tea or coffee after the main course."),
    (BOARD, "The council did … approve the extension of the road."),
    (BOARD, "The council did [...] approve the extension of the road."),
    (
        "The council did not, as many had hoped it would, approve the extension.",
        "The council did … approve the extension.",
    ),
    (
        "The drug was\nnot shown to be\nsafe for children under twelve years.",
        "The drug was safe for children under twelve years.",
    ),
    (
        "It is recommended for\nnobody but the dying and\nchildren under twelve years.",
        "It is recommended for children under twelve years.",
    ),
    (SAFE, "The drug is n\u200bo\u200bt safe for children under twelve years."),
    ("The drug is n\u200bo\u200bt safe for children under twelve years.", SAFE),
    (
        "Water with nitrate was given to the mice each morning.",
        "Water with nitrite was given to the mice each morning.",
    ),
    ("The link was causal in all of the examined cohorts.", "The link was casual in all of the examined cohorts."),
    ("The authors used a microscopic model of the economy.", "The authors used a macroscopic model of the economy."),
    ("The employer was liable for the damage to the car.", "The employed was liable for the damage to the car."),
    ("Is the drug safe for children? The study asks this.", "The drug is safe for children. The study asks this."),
    ("The rise was\n> 0.05 in each of the samples we took.", "The rise was 0.05 in each of the samples we took."),
    ("The sum (a+b)² is used in each of the three proofs.", "The sum (a+b) is used in each of the three proofs."),
    ("The dose was &lt;5 mg in each of the treated groups.", "The dose was &gt;5 mg in each of the treated groups."),
]


@pytest.mark.parametrize(("source", "quote"), CHANGED)
def test_an_edit_that_changes_what_is_said_is_never_accepted(source: str, quote: str) -> None:
    assert verdict(source, quote) in ("altered", "absent")


KOREAN = "정부는 새로운 법안을 발표했다고 전했다."
KANA = "ガラスの値段は上がりました、と彼は言った。"
RUSSIAN = "Новый закон был принят ещё в мае, сообщил йог."
SAME = [
    (
        "> The drug was safe and\n> cheap for the ill in\n> that year.",
        "The drug was safe and cheap for the ill in that year.",
    ),
    ("The drug, which is new, was safe and cheap for the ill.", "[T]he drug ... was safe and cheap [...] ill."),
    (
        "The authors claimed it in the last of the three letters.",
        "The authors claim[ed] it in the last of the three letters.",
    ),
    (
        "Smith &amp; Jones didn&#39;t pay &lt;5 euros &ndash; they said.",
        "Smith & Jones didn't pay <5 euros – they said.",
    ),
    (
        "Smith & Jones didn't pay <5 euros – they said.",
        "Smith &amp; Jones didn&#39;t pay &lt;5 euros &ndash; they said.",
    ),
    ("caf&eacute; owners paid the whole bill on that day.", "café owners paid the whole bill on that day."),
    ("The fee was 5 euros.¹² It fell later on.", "The fee was 5 euros. It fell later on."),
    ("The law was passed in 2019¹² and then it was dropped.", "The law was passed in 2019 and then it was dropped."),
    (unicodedata.normalize("NFD", KOREAN), KOREAN),
    (KOREAN, unicodedata.normalize("NFD", KOREAN)),
    (unicodedata.normalize("NFD", KANA), KANA),
    (unicodedata.normalize("NFD", RUSSIAN), RUSSIAN),
    ("ｶﾞﾗｽの値段は上がりました、と彼は言った。", KANA),
    ("أَعْلَنَتِ الحُكومَةُ عَنِ القانونِ الجَديدِ", "أعلنت الحكومة عن القانون الجديد"),
    ("أعلنت الحكومـــة عن القانون الجديد في شهر مايو", "أعلنت الحكومة عن القانون الجديد في شهر مايو"),
    ("הַמֶּמְשָׁלָה הוֹדִיעָה עַל הַחוֹק", "הממשלה הודיעה על החוק"),
    ("About 10⁶ cells were counted in each of the samples.", "About 10^6 cells were counted in each of the samples."),
    ("The box was 5×3 inches in the first of the tables.", "The box was 5 x 3 inches in the first of the tables."),
    ("In 2019 500 people lived in the town at that time.", "500 people lived in the town at that time."),
    ("The drug works, not without harm, in mice and rats, and it is cheap.", "The drug works, … and it is cheap."),
    ("<jats:p>The drug was <jats:italic>safe</jats:italic> for the ill.</jats:p>", "The drug was safe for the ill."),
]


@pytest.mark.parametrize(("source", "quote"), SAME)
def test_a_true_quote_is_found_however_it_is_written(source: str, quote: str) -> None:
    assert verdict(source, quote) in ("verbatim", "normalized", "elided")


def test_a_place_found_in_a_rewritten_text_is_the_place_in_the_original() -> None:
    text = "A &amp; B &lt; C. Caf&eacute; owners paid the bill. More &amp; more words stand after it."
    check = check_quote("Café owners paid the bill. More & more words", text)
    assert text[check.start : check.end] == check.matched == "Caf&eacute; owners paid the bill. More &amp; more words"
    assert check.verdict == "normalized"
    plain = check_quote("words stand after", text)
    assert (plain.verdict, plain.matched) == ("verbatim", "words stand after")
    altered = check_quote("More & more birds stand after it.", text)
    assert [(e.kind, text[e.start : e.end]) for e in altered.edits] == [("content", "words")]


def test_what_an_ellipsis_hides_is_named() -> None:
    check = check_quote("The council did … approve the extension of the road.", BOARD)
    assert (check.verdict, [(e.kind, e.source) for e in check.critical]) == ("altered", [("negation", "not")])


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("a " + " " * 19_000 + " b", "the cat sat " * 40_000),
        ("[[" * 9_900 + " a b", "the cat sat " * 2_000),
        ("the cat sat", "&amp;" * 100_000 + " the cat sat"),
        ("the cat sat", "가" * 100_000 + " the cat sat"),
        ("the cat sat", "x" + "́" * 200_000),
        ("the cat sat", "\n>" * 150_000),
        ("the cat sat", "mats.¹" + "¹" * 200_000),
        ("12 cats sat", "12 500 " * 60_000),
        (" … ".join(["the cat"] * 1_500 + ["dog dog"]), "The cat sat on the mat. " * 20_000),
    ],
)
def test_hostile_texts_take_linear_time(quote: str, text: str) -> None:
    began = time.thread_time()
    check_quote(quote, text)
    assert time.thread_time() - began < 5
