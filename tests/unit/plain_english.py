"""Phrases that readers stumble over, and what to write instead. A page or a message that has one fails a test.

The reader is tired, often not a native speaker, and searches for words. The list holds what was wrong once: odd
grammar, verbs that only fit people or places, and short forms whose meaning must be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Phrase(NamedTuple):
    """``pattern`` is a regular expression, matched without regard to case; ``instead`` is what to write."""

    pattern: str
    instead: str


PHRASES = (
    # Grammar: say what a thing is not, not that it "is no" such thing.
    Phrase(r"(?<!there )\b(?:is|are|was|were|be) no (?!longer\b|more than\b|later than\b)[a-z]", "is not a ..."),
    Phrase(r"\b(?:is|are) none(?:$|[;:.,])", "is not a ..., or: there is no ..."),
    Phrase(r"\bnone of (?!the\b|these\b|those\b|them\b|its\b|it\b)", "not one of"),
    Phrase(r"\bnothing is known of\b", "unsupported, or unknown"),
    Phrase(r"\bhas(?: it)? no more\b|\bno .{1,30} any more\b", "no longer"),
    Phrase(r"\b(?:has|have) (?:its|his) [a-z]+ not\b", "does not have"),
    Phrase(r"\banew\b", "again, or a new ..."),
    Phrase(r"\ball the same\b", "anyway"),
    Phrase(r"\bso (?:many|long)\b(?! (?:as|that)\b)", "a number, or: the number of"),
    Phrase(r"\bof which\b", "two sentences"),
    Phrase(r"\bby (?:itself|themselves)\b", "alone, or: automatically"),
    Phrase(r"\bas (?:it is|they are)(?:$|[;:.,])", "unchanged"),
    Phrase(r"\bnot yet come\b|\bhas not come\b", "has not reached"),
    Phrase(r"\bwhere one is\b|\bwhere (?:it|there) is one\b", "if there is one"),
    Phrase(r"(?:^|[.;:] )where (?:no|nothing|nobody)\b", "if no ..."),
    # Verbs: a file does not lie, stand, tell or come.
    Phrase(r"\b(?:lies|lie|lay) (?:in|on|at|there|beside|behind|within)\b", "is in"),
    Phrase(r"\bstands? (?:in|at|beside|below|for itself|there)\b", "is in"),
    Phrase(r"\bgo(?:es)? on (?:with|all)\b", "continue"),
    Phrase(r"\btells (?:of|that|what|how|whether|the)\b", "says, or: shows"),
    Phrase(r"\b(?:leads?|led) back\b|\bway back\b", "undo, or: roll back"),
    Phrase(r"\b(?:leads?|led) (?:on|to (?!a\b|an\b|the\b))", "resolves to, or: continues with"),
    Phrase(r"\b(?:take|taken|takes|took) (?:it |them )?back\b", "undo"),
    Phrase(r"\bgiv(?:e|en|es|ing) (?:the hosts? |it |them )?back\b", "release"),
    Phrase(r"(?<![.])\bmend(?:s|ed|ing)?\b", "repair, fix, correct"),
    Phrase(r"\bspoil(?:s|ed|t)?\b", "corrupt"),
    Phrase(r"\bthrow(?:n|s)? away\b", "delete, or: discard"),
    Phrase(r"\bis at work\b", "is in progress"),
    Phrase(r"\bbrought to (?:its|their) end\b|\bbrings? .{1,30} to (?:its|their) end\b", "finish"),
    Phrase(r"\bwhole on\b|\bNOT whole\b|\bproven whole\b", "intact"),
    Phrase(r"\bserves? on\b", "keeps serving"),
    Phrase(r"\bmake room\b", "free some space"),
    # One name for each idea.
    Phrase(r"\bbefore (?:the|its) first start\b|\bbefore anything starts\b", "before the point of no return"),
    # Phrases of earlier messages, word for word.
    Phrase(r"\bthe hosts know no\b", "no open run on any host"),
    Phrase(r"\bused before\b", "plan already used"),
    Phrase(r"\bproven to hold the same\b", "the backups differ, or could not be compared"),
    Phrase(r"\bleft at once\b", "aborted"),
    Phrase(r"\bcannot be had\b", "is not available"),
    Phrase(r"\bnobody (?:knows|says|can say)\b", "unknown"),
    Phrase(r"\bmember that knows most\b", "the member with the highest revision"),
)


def complaints(text: str) -> Iterator[str]:
    """Yield `phrase (instead: ...)` for each phrase in a text. Line breaks count as blanks."""
    words = " ".join(text.split())
    for phrase in PHRASES:
        for found in re.finditer(phrase.pattern, words, re.IGNORECASE):
            around = words[max(0, found.start() - 40) : found.end() + 40]
            yield f"{found.group()!r} in {around!r} (instead: {phrase.instead})"
