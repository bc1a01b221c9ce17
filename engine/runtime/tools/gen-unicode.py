#!/usr/bin/env python3
"""Write rt-unicode-table.c: the character classes that pre-tokenizers ask for.

    /usr/bin/python3 engine/runtime/tools/gen-unicode.py > engine/runtime/rt-unicode-table.c

Letters, numbers and punctuation are the general categories L*, N* and P* of Python's unicodedata.
Spaces are the property White_Space (PropList.txt), which unicodedata does not carry: it is the
categories Z* and the controls U+0009..U+000D and U+0085.
"""
import sys
import unicodedata


def char_class(cp):
    category = unicodedata.category(chr(cp))
    if category[0] == 'Z' or 0x09 <= cp <= 0x0D or cp == 0x85:
        return 'RT_CHAR_SPACE'
    return {'L': 'RT_CHAR_LETTER', 'N': 'RT_CHAR_NUMBER', 'P': 'RT_CHAR_PUNCT'}.get(category[0])


def ranges():
    first, current = 0, None
    for cp in range(0x110001):
        found = char_class(cp) if cp < 0x110000 else None
        if found != current:
            if current:
                yield first, cp - 1, current
            first, current = cp, found


def main():
    rows = list(ranges())
    print(f'''/* Character classes by code point, sorted. Made by tools/gen-unicode.py from Unicode
 * {unicodedata.unidata_version}; do not edit. */
#include "rt-unicode-private.h"

const char rt_unicode_version[] = "{unicodedata.unidata_version}";
const size_t rt_unicode_n_ranges = {len(rows)};

/* clang-format off */
const RtUnicodeRange rt_unicode_ranges[{len(rows)}] = {{''')
    line = ' '
    for first, last, name in rows:
        item = f' {{0x{first:x},0x{last:x},{name}}},'
        if len(line) + len(item) > 100:
            print(line)
            line = ' '
        line += item
    print(line)
    print('};')


if __name__ == '__main__':
    sys.exit(main())
