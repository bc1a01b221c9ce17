#!/usr/bin/env python3
"""Write default-model-tokens.json: token ids of the default model's vocabulary as SentencePiece finds them.

SentencePiece is the independent program; WORK/tokenizer.model is what data/default-model/train.py made.

    default_model_tokens.py WORK > default-model-tokens.json
"""

import json
import sys

import sentencepiece

TEXTS = [
    "", " ", "a", "  two  spaces ", "It is a truth universally acknowledged", "\n\n", "\tTab", "1234567",
    "\"Mr. Darcy!\" said she; \"and Captain Wentworth--\"", "na\u00efve caf\u00e9 \u2014 \u201c\u00c9lan\u201d",
    "\u65e5\u672c\u8a9e \U0001f642", "X<s>y</s>", "<0x0A>", "Chapter 22\n\nAnne went home to think.\n",
    "uuuuuuuu ththththth",
]

tokenizer = sentencepiece.SentencePieceProcessor(model_file=sys.argv[1] + "/tokenizer.model")
cases = [{"text": t, "tokens": tokenizer.encode(t)} for t in TEXTS]
print('{"made_by": "sentencepiece %s", "cases": [' % sentencepiece.__version__)
print(",\n".join(json.dumps(c) for c in cases))
print("]}")
