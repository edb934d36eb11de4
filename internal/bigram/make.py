#!/usr/bin/env python3
"""Writes bigrams.txt: how likely a letter is behind another one in the words of a list, one a line.

    make.py WORDS >bigrams.txt

The table was made of /usr/share/dict/american-english in Debian's wamerican 2020.12.07-2, which is public domain and freely licensed lists
put together (SCOWL, Copyright 2000-2011 by Kevin Atkinson). Words with anything but ASCII letters (and a final 's) are left out; case does not matter.
"""
import collections
import math
import re
import sys

BOUND = "."
CLASSES = "abcdefghijklmnopqrstuvwxyz" + BOUND
pairs: collections.Counter = collections.Counter()
words = {w.removesuffix("'s").lower() for w in open(sys.argv[1], encoding="utf-8").read().split()}
for word in sorted(words):
    if re.fullmatch("[a-z]+", word):
        text = BOUND + word + BOUND
        pairs.update(zip(text, text[1:]))
print("// Thousandths of the logarithm to the base 2 of the probability of a column behind a row. Written by make.py.")
print("//", " ".join(CLASSES))
for a in CLASSES:
    n = sum(pairs[a, b] for b in CLASSES)
    print(" ".join(str(round(1000 * math.log2((pairs[a, b] + 1) / (n + len(CLASSES))))) for b in CLASSES))
