"""Closed word classes of English that change what a sentence says, and small word tools.

The lists are short on purpose: a word stands here because swapping, adding or dropping it turns a statement round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

__all__ = [
    "HEDGES",
    "NEGATORS",
    "QUANTIFIERS",
    "SLIGHT",
    "STOPWORDS",
    "confused_with",
    "content_words",
    "is_negator",
    "opposite",
    "opposites_of",
    "stem",
    "words_of",
]


def words_of(text: str) -> frozenset[str]:
    """The words of ``text``, which is how the lists below are written."""
    return frozenset(text.split())


STOPWORDS = words_of(
    """
    a about above across after again against ago all along already also although always am among an and any
    anyone are as at away back be became because become been before began being below between both but by came
    can come could did do does doing done down during each either else etc even ever every few first for from
    further get go had has have having he her here hers herself him himself his how however i if in instead into
    is it its itself just last less let like made make makes many may me might mine more most much must my
    myself namely near need neither nevertheless no nor not now of off often on once one only onto or other
    others our ours out over own per perhaps quite rather said same say says several shall she should since so
    some something still such than that the their theirs them themselves then there thereby therefore these they
    this those though through thus to together too toward towards under until up upon us use used uses using
    very via was we well were what when where whereas whether which while who whom whose why will with within
    without would yet you your yours yourself
    """
)

SLIGHT = STOPWORDS - words_of(
    """
    first last only same other others again against already before after above below over under until since
    during within without more most less least much many few every each all both either neither once often even
    just near very still yet down up off out further ever instead rather although though because while whereas
    """
)
"""Stopwords that come and go without changing what is said."""

NEGATORS = words_of(
    """
    no not never none nobody nothing nowhere neither nor without cannot cant dont doesnt didnt isnt arent wasnt
    werent wont wouldnt shouldnt couldnt hasnt havent hadnt aint mustnt neednt hardly barely scarcely unable
    fail fails failed failing lack lacks lacked lacking absent absence refuse refuses refused deny denies denied
    """
)
"""Words that turn a statement round. Contractions stand without their apostrophe."""

HEDGES = words_of(
    """
    may might could can possibly perhaps probably likely potentially suggest suggests suggested suggesting
    appear appears appeared seem seems seemed hypothesize hypothesized hypothesise hypothesised propose proposes
    proposed believe believes believed thought presumably reportedly allegedly apparently tentative preliminary
    would should indicate indicates expected estimated unclear uncertain
    """
)
"""Words by which an author holds back; a claim that drops them says more than its source."""

QUANTIFIERS: dict[str, int] = {
    "all": 5, "every": 5, "always": 5, "entire": 5, "each": 5, "whole": 5, "everyone": 5,
    "most": 4, "majority": 4, "mostly": 4, "usually": 4, "mainly": 4,
    "many": 3, "often": 3, "numerous": 3, "half": 3,
    "some": 2, "several": 2, "sometimes": 2, "partly": 2, "occasionally": 2,
    "few": 1, "rarely": 1, "seldom": 1, "minority": 1, "little": 1,
    "none": 0, "no": 0, "never": 0, "nobody": 0,
}  # fmt: skip
"""Strength from none (0) to all (5)."""

_PAIRS = """
increase/decrease increases/decreases increased/decreased increasing/decreasing rise/fall rises/falls rose/fell
rising/falling higher/lower high/low highest/lowest more/less more/fewer most/least most/fewest many/few greater/smaller
greater/less larger/smaller large/small largest/smallest big/small bigger/smaller biggest/smallest better/worse
best/worst good/bad positive/negative positively/negatively accept/reject accepts/rejects accepted/rejected
support/oppose supports/opposes supported/opposed win/lose wins/loses won/lost gain/loss gains/losses
gained/lost profit/loss before/after above/below over/under upper/lower up/down inside/outside in/out
include/exclude includes/excludes included/excluded including/excluding allow/forbid allows/prevents allow/prevent
allowed/prevented enable/disable enables/disables enabled/disabled enhance/reduce enhances/reduces enhanced/reduced
enhance/inhibit enhances/inhibits enhanced/inhibited improve/worsen improves/worsens improved/worsened
improvement/deterioration activate/inhibit activates/inhibits activated/inhibited activation/inhibition
activator/inhibitor promote/inhibit promotes/inhibits promoted/inhibited promote/suppress promotes/suppresses
promoted/suppressed promote/prevent promotes/prevents stimulate/inhibit stimulates/inhibits stimulated/inhibited
induce/inhibit induces/inhibits induced/inhibited cause/prevent causes/prevents caused/prevented strong/weak
stronger/weaker strongest/weakest strongly/weakly strengthen/weaken strengthened/weakened strengthens/weakens fast/slow
faster/slower fastest/slowest quickly/slowly rapid/slow rapidly/slowly early/late earlier/later earliest/latest
first/last start/end starts/ends started/ended begin/end begins/ends began/ended open/closed opened/closed
open/close opens/closes long/short longer/shorter longest/shortest old/young older/younger oldest/youngest old/new
older/newer hot/cold hotter/colder warm/cool warmer/cooler warming/cooling heat/cold hard/soft hard/easy harder/easier
hardest/easiest difficult/easy simple/complex true/false right/wrong left/right north/south northern/southern east/west
eastern/western male/female men/women man/woman father/mother son/daughter brother/sister boy/girl husband/wife
same/different similar/different similarly/differently with/without always/never all/none all/few all/some every/no
everyone/nobody everything/nothing everywhere/nowhere both/neither either/neither often/rarely frequently/rarely
frequent/rare common/rare commonly/rarely usually/rarely success/failure successful/unsuccessful succeed/fail
succeeds/fails succeeded/failed safe/dangerous safe/unsafe healthy/sick active/passive active/inactive present/absent
presence/absence major/minor majority/minority maximum/minimum maximal/minimal maximize/minimize
maximizes/minimizes maximized/minimized upregulate/downregulate upregulates/downregulates upregulated/downregulated
upregulation/downregulation import/export imports/exports imported/exported internal/external interior/exterior
public/private legal/illegal guilty/innocent alive/dead live/die lives/dies lived/died life/death birth/death born/died
buy/sell buys/sells bought/sold create/destroy creates/destroys created/destroyed attack/defend expand/contract
expands/contracts expanded/contracted expansion/contraction grow/shrink grows/shrinks grew/shrank growth/decline
accelerate/decelerate ascend/descend add/remove adds/removes added/removed push/pull send/receive sent/received
agree/disagree agrees/disagrees agreed/disagreed agreement/disagreement confirm/refute confirms/refutes
confirmed/refuted prove/disprove proves/disproves proved/disproved proven/disproven necessary/unnecessary
sufficient/insufficient possible/impossible likely/unlikely able/unable effective/ineffective significant/insignificant
significantly/insignificantly dependent/independent direct/indirect directly/indirectly complete/incomplete
correct/incorrect stable/unstable known/unknown benefit/harm benefits/harms beneficial/harmful advantage/disadvantage
advantages/disadvantages optimistic/pessimistic rich/poor cheap/expensive cheaper/pricier full/empty wet/dry light/dark
light/heavy lighter/heavier near/far nearer/farther wide/narrow wider/narrower thick/thin deep/shallow deeper/shallower
acute/chronic benign/malignant susceptible/resistant susceptibility/resistance sensitive/resistant
sensitivity/resistance toxic/nontoxic hyper/hypo hypertension/hypotension
hyperglycemia/hypoglycemia ancient/modern temporary/permanent
temporarily/permanently partial/complete partially/completely partly/fully liberal/conservative democratic/republican
democrat/republican democrats/republicans victory/defeat victories/defeats ally/enemy approve/reject approves/rejects
approved/rejected approval/rejection appoint/dismiss appointed/dismissed hire/fire hired/fired enter/leave entered/left
arrive/depart arrived/departed arrives/departs raise/lower raised/lowered raises/lowers join/leave joined/left
upstream/downstream horizontal/vertical convex/concave linear/nonlinear supervised/unsupervised synchronous/asynchronous
outperform/underperform outperforms/underperforms outperformed/underperformed overestimate/underestimate
overestimates/underestimates overestimated/underestimated exceed/trail exceeds/trails positive/adverse
dominant/recessive day/night winter/summer shallow/deep maternal/paternal inner/outer former/latter
"""


_NEGATIVE = re.compile(r"^(?:un|in|im|il|ir|non|dis|mis|anti|de|mal)(?=...)")


def is_negator(word: str) -> bool:
    """Whether a folded word (apostrophes ignored) turns its statement round."""
    return word.replace("'", "").replace("’", "") in NEGATORS or word.endswith(("n't", "n’t"))


def opposite(one: str, other: str) -> bool:
    """Whether two folded words are opposites: listed as a pair, or one is the other with a negative prefix."""
    if other in _OPPOSITES.get(one, ()):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) >= 3 and len(long) - len(short) in (2, 3, 4) and _NEGATIVE.sub("", long, count=1) == short


_LOOKALIKES = """
nitrate/nitrite nitrates/nitrites sulfate/sulfite sulfates/sulfites sulphate/sulphite phosphate/phosphite
chlorate/chlorite causal/casual causally/casually afferent/efferent prescribe/proscribe prescribed/proscribed
prescribes/proscribes employer/employed employer/employee employers/employees employed/employee lessor/lessee
mortgagor/mortgagee payer/payee trainer/trainee absorb/adsorb absorbed/adsorbed absorption/adsorption
immigrant/emigrant immigrants/emigrants immigration/emigration abduction/adduction perfusion/profusion
infect/infest infected/infested ileum/ilium dysphagia/dysphasia alkane/alkene alkene/alkyne martial/marital
united/untied preform/perform complement/compliment principal/principle discreet/discrete
"""
_SWAPPED_PREFIXES = (
    ("micro", "macro"), ("hyper", "hypo"), ("inter", "intra"), ("pre", "post"), ("over", "under"), ("homo", "hetero"),
    ("endo", "exo"), ("super", "sub"), ("up", "down"), ("ante", "anti"), ("in", "ex"), ("im", "ex"),
)  # fmt: skip
_PRIVATIVE = words_of(
    """
    typical typically symptomatic sexual moral morally political theist theists theism social septic synchronous
    periodic cyclic symmetric symmetrical symmetry tonal biotic cellular vascular historical gnostic febrile phasic
    """
)


def _table(pairs: str) -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for pair in pairs.split():
        one, other = pair.split("/")
        table.setdefault(one, set()).add(other)
        table.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in table.items()}


_OPPOSITES = _table(_PAIRS)
_CONFUSED = _table(f"{_LOOKALIKES} {' '.join(f'{word}/a{word}' for word in _PRIVATIVE)}")
_SWAPPED = tuple(pair for one, other in _SWAPPED_PREFIXES for pair in ((one, other), (other, one)))


@lru_cache(maxsize=16_384)
def confused_with(word: str) -> frozenset[str]:
    """Folded words that look like this one and mean something else: "nitrate"/"nitrite", "micro…"/"macro…"."""
    swapped = {new + word[len(old) :] for old, new in _SWAPPED if word.startswith(old) and len(word) >= len(old) + 3}
    return _CONFUSED.get(word, frozenset()) | swapped


def opposites_of(word: str) -> frozenset[str]:
    """The listed opposites of a folded word."""
    return _OPPOSITES.get(word, frozenset())


_ENDINGS = (
    ("ational", "ate"), ("ization", "ize"), ("isation", "ize"), ("iveness", "ive"), ("fulness", "ful"),
    ("ousness", "ous"), ("ically", "ic"), ("ments", ""), ("ment", ""), ("ations", "ate"), ("ation", "ate"),
    ("ising", "ize"), ("izing", "ize"), ("ised", "ize"), ("ises", "ize"), ("ized", "ize"), ("izes", "ize"),
    ("ise", "ize"), ("ities", "ity"), ("ies", "y"), ("ied", "y"), ("ily", "y"), ("sses", "ss"), ("ings", ""), ("ing", ""),  # noqa: E501
    ("edly", ""), ("ed", ""), ("ers", ""), ("er", ""), ("ors", "or"), ("ions", ""), ("ion", ""), ("ally", "al"),
    ("ly", ""), ("ness", ""), ("es", ""), ("s", ""), ("e", ""),
)  # fmt: skip
_IRREGULAR = {
    "was": "be", "were": "be", "is": "be", "are": "be", "been": "be", "am": "be", "being": "be", "has": "have",
    "had": "have", "men": "man", "women": "woman", "children": "child", "people": "person", "rose": "rise",
    "risen": "rise", "fell": "fall", "fallen": "fall", "grew": "grow", "grown": "grow", "wrote": "write",
    "written": "write", "won": "win", "lost": "lose", "began": "begin", "begun": "begin", "found": "find", "made": "make",  # noqa: E501
    "held": "hold", "led": "lead", "built": "build", "sold": "sell", "bought": "buy", "became": "become", "took": "take",  # noqa: E501
    "taken": "take", "gave": "give", "given": "give", "saw": "see", "seen": "see", "knew": "know", "known": "know",
    "shown": "show", "ran": "run", "died": "die", "dying": "die", "analyses": "analysis", "data": "datum", "mice": "mouse",  # noqa: E501
    "said": "say", "says": "say", "chose": "choose", "chosen": "choose", "sung": "sing", "sang": "sing", "left": "leave",  # noqa: E501
    "met": "meet", "paid": "pay", "sent": "send", "spent": "spend", "spoke": "speak", "spoken": "speak", "told": "tell",
    "thought": "think", "came": "come", "went": "go", "gone": "go", "kept": "keep", "brought": "bring", "caught": "catch",  # noqa: E501
}  # fmt: skip


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """A crude common form of a folded English word; enough to tell inflection from another word."""
    word = word.removesuffix("'s").removesuffix("’s")
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 3 or not word.isalpha():
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= 3:
            word = word[: len(word) - len(ending)] + instead
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def content_words(words: Iterable[str]) -> list[str]:
    """The words that carry content: neither stopwords nor single letters."""
    return [word for word in words if word not in STOPWORDS and (len(word) > 1 or not word.isascii() or word.isdigit())]
