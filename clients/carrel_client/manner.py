"""I have one sentence out of its text: does it stand alone, and does it state something?"""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["Leaning", "defines", "describes", "introduces", "leans", "manner", "stands_alone"]

_LEANS = re.compile(
    r"^(?:it|its|they|their|he|she|his|her|this|that|these|those|such|both|there,|"
    r"the (?:former|latter|same|other)|but|"
    r"however|so|thus|then|also|hence|therefore|otherwise|instead|alternatively|additionally|furthermore|moreover|"
    r"in (?:addition|contrast|particular|this|that|these|such|fact|both|other words)|"
    r"for (?:example|instance|this|these)|"
    r"on the other hand|as (?:a result|such)|by contrast|conversely|similarly|likewise|besides|yet|and|or|even so|"
    r"to (?:do|achieve|address|overcome) (?:this|that|so)|at (?:that|this) (?:time|point)|nevertheless|nonetheless)\b",
    re.I,
)
_OWN_SUBJECT = re.compile(  # "These results show that X": what is said of X needs nothing before it
    r"^(?:these|this|our|the) (?:\w+ )?(?:results?|findings?|data|stud(?:y|ies)|observations?|experiments?|"
    r"evidence|paper|article|analys[ie]s|work|report) (?:\w+ )?(?:show|suggest|indicate|demonstrate|reveal|"
    r"support|provide|establish|identify|identifies|highlight|confirm|imply|implicate|describe|present|propose|introduce)",
    re.I,
)
_POINTER = re.compile(
    r"^(?:see|refer to|consult|visit|check out|look at)\b|^(?:read (?:the|more|our)|click (?:here|on))\b|"
    r"^for (?:more|further|full|complete|additional|detailed|the full)\b|"
    r"\b(?:see:? (?:also|the|our|below|above|here|https?|(?-i:[A-Z]))|visit (?:our|the|us)|"
    r"can be found (?:in|at|on|here)|"
    r"you can read (?:about|more)|this (?:guide|page|section|document|readme|chapter|tutorial|file|example|link)|"
    r"the following|as follows|(?:shown|described|given|discussed|mentioned|noted|listed) "
    r"(?:here|below|above)|(?:section|chapter|appendix|table|fig(?:ure|\.)?|eq(?:uation|\.)?|algorithm) \(?\d)|"
    r"\b(?:above|below|here)[.!:]?$",
    re.I,
)
_CHATTER = re.compile(
    r"^(?:i\b|i'|note\b|please\b|thanks\b|thank you|welcome\b|(?:we|we're|we are) (?:passionate|"
    r"grateful|happy|love|hope|welcome|appreciate|would love|thank)|"
    r"if you (?:like|find this|have any)|let us know|feel free|copyright\b|all rights|to [^,]*$)|"
    r"(?-i:\bI [a-z]+ed\b)|"
    r"\b(?:further|more|future) (?:research|work|stud(?:y|ies)) (?:is|are|will be) (?:needed|required|necessary)",
    re.I,
)
_NUMBERED = re.compile(r"^(?:\(?[0-9ivx]{1,4}[.)]|\d+(?:\.\d+)+|\d{1,2} [A-Z]|[A-Z][.)] |\(?[a-z]\) |[•·▪◦‣–—-] )")
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|can|cannot|will|would|may|might|must|should|does|do|did|don't|isn't|"
    r"(?:add|allow|build|call|check|come|contain|convert|cover|create|define|depend|describe|detect|enable|encode|ensure|"
    r"expect|export|find|follow|give|handle|help|hold|implement|import|improve|include|increase|install|keep|launch|lead|"
    r"let|make|mean|measure|need|offer|open|parse|perform|prevent|process|produce|provide|reach|read|receive|reduce|remain|"
    r"render|replace|report|require|return|run|say|send|serve|set|show|start|stop|store|suggest|support|take|turn|use|"
    r"want|work|write|play|act|bind|express|inhibit|activate|regulate|induce|promote|mediate|contribute|associate|affect|"
    r"reveal|indicate|demonstrate|identify|cause|treat|decrease|decline|grow|develop|lower|save|consist|"
    r"comprise|belong|represent|correspond|compare|achieve|obtain|result|occur|appear|become|differ|cost|last|like)(?:s|es|d|ed)?|found|gave|"
    r"held|kept|led|made|meant|ran|said|sent|took|wrote|built|came)\b",
    re.I,
)
_DEFINES = re.compile(
    r"\S+(?:\s\S+){0,7}?\s(?:(?:is|are|was|were)\s(?:\w+ly\s)?(?:an?|the|one of)\b|provides?\b|lets?\b|allows?\b|"
    r"helps?\b|enables?\b|implements?\b|offers?\b|aims?\b)"
)
_DESCRIBES = re.compile(
    r"^(?:An?|The|Python|Official|Fast|Simple|Pure)\s(?:\S+\s){0,6}?(?:library|package|module|tool\w*|framework|bindings?|"
    r"implementation|parser|interface|toolkit|wrapper|plugin|client|server|engine|collection|extension|backports?|"
    r"manager|linter|formatter|checker|database)\b|"
    r"^(?:Two|Three|Four|Five|Six)\s(?:\S+\s){0,4}?(?:libraries|packages|modules|tools|plugins|clients|servers|programs)\b",
    re.I,
)
_INTRODUCES = re.compile(  # "In this paper, we introduce X, a …"; "X, a …, is …"
    r"(?:(?:in this \w+|here),? )?(?:we|this (?:paper|work|article|report|study)|the authors) (?:\w+ly )?"
    r"(?:introduce|present|propose|describe|develop|release|built?)(?:s|d|ed)? "
    r"(?P<made>[^,.;:]{1,80}?)(?: ?\([^()]{1,60}\))?(?:,| –| —|:) (?:an?|the|our|one of) |"
    r"(?!(?:in|on|at|by|as|for|from|with|after|before|during|since|under|when|while|if|however|thus|then)\b)"
    r"(?P<named>(?-i:[A-Z0-9])[^\s,]*(?: [^\s,]+){0,3})(?: ?\([^()]{1,60}\))?, (?:an?|the|one of) [^,]{3,120}, \w+",
    re.I,
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|have|can|will|does|do|provides?|must|may|should|contains?|holds?)\b", re.I
)
_THE_DOCUMENT = re.compile(
    r"^(?:this|the) (?:\w+ )?(?:package|library|module|project|tool|repository|framework|plugin|software)\b",
    re.I,
)
_AIMS = re.compile(  # a plan or a gap, where a reader looks for what was found
    r"^(?:we|here,? we) (?:investigate|examine|stud(?:y|ied)|sought|aim|ask|assess|evaluate|explore|test)|"
    r"^(?:the (?:aim|purpose|objective|goal)|efforts to)\b|"
    r"\b(?:unknown|unclear|controversial|poorly understood|not (?:well |fully )?(?:understood|known)|yet to be)\b",
    re.I,
)
_CHANGES = re.compile(r"\bchange ?log|\brelease (?:notes|history)|\bhistory\b|what'?s new|^\[?v?\d+\.\d+", re.I)


def stands_alone(text: str, title: str = "") -> bool:
    """Whether a sentence makes a statement that needs neither a link, a figure nor another part of its text.

    A small first letter is the sign of a cut, but for a name that is written so in the ``title`` of its document.
    """
    first = text.split(maxsplit=1)[0]
    return not (
        text.rstrip("\"”’')").endswith("?")
        or (text[0].islower() and first.casefold() not in title.casefold())
        or _NUMBERED.match(text)
        or _CHATTER.search(text)
        or _POINTER.search(text)
    )


Leaning = Literal["", "title", "sentence"]


def leans(text: str) -> Leaning:
    """What a sentence speaks of without naming it: what the one before it named ("It also …"), or what the title of
    its document names ("This package …", "A library for …")."""
    if _OWN_SUBJECT.match(text):
        return ""
    if _THE_DOCUMENT.match(text) or describes(text):
        return "title"
    return "sentence" if _LEANS.match(text) else ""


def defines(text: str) -> bool:
    """Whether a sentence has the form "X is a …", which answers "What is X?" best."""
    return bool(_DEFINES.match(text))


def introduces(text: str) -> str:
    """The name that a sentence gives and explains at once ("We introduce X, a …"); empty when it does not."""
    match = _INTRODUCES.match(text)
    return (match["made"] or match["named"]) if match else ""


def describes(text: str) -> bool:
    """Whether a sentence is a description without a verb, as titles of software have ("A library for …")."""
    return bool(_DESCRIBES.match(text)) and not _FINITE.search(text.partition(" that ")[0].partition(" which ")[0])


def manner(text: str, heading: str = "") -> float:
    """How well a sentence reads out of its place, 0 to 1: one without a verb, a long one, a plan
    or a line of a change log less."""
    whole = 1.0 if _VERB.search(text) else 0.75
    changes = 0.5 if _CHANGES.search(heading) else 1.0
    plans = 0.8 if _AIMS.search(text) else 1.0
    return whole * changes * plans * (0.85 if len(text.split()) > 45 else 1.0)
