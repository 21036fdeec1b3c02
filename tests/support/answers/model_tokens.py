"""How many tokens a text may cost a model, where no vocabulary is at hand to count them."""

import re
from math import ceil

# The pieces into which o200k cuts a text before it looks at its vocabulary: a word with what stands
# before it, up to three digits, signs, blanks.
_PIECE = re.compile(
    r"[^\r\nA-Za-z0-9]?(?P<word>[A-Z]*[a-z]+|[A-Z]+)"
    r"|[0-9]{1,3}"
    r"| ?[^\sA-Za-z0-9]+[\r\n]*"
    r"|\s+"
)
_SIGNS_A_TOKEN = 3
# Names and codes are rarely in a vocabulary as a whole, plain words nearly always.
_LETTERS_OF_A_WORD, _LETTERS_OF_A_NAME, _LETTERS_OF_A_CODE = 7, 3, 2


def most_tokens(text: str) -> int:
    """Return a bound that the number of tokens stays under.

    A rule of thumb for answers such as ours, English and figures: tests/outside/test_tokens.py
    holds it against the exact count of each of them.
    """
    return sum(map(_most_of_piece, _PIECE.finditer(text)))


def _most_of_piece(piece: re.Match[str]) -> int:
    word = piece["word"]
    if word is None:
        said = piece[0]
        return (
            1 if said.isspace() or said.isdecimal() else ceil(len(said.encode()) / _SIGNS_A_TOKEN)
        )
    if word.islower():
        return ceil(len(word) / _LETTERS_OF_A_WORD)
    return ceil(len(word) / (_LETTERS_OF_A_CODE if word.isupper() else _LETTERS_OF_A_NAME))
