/* The table behind rt_unicode_class(). */
#pragma once

#include "rt-unicode.h"

typedef struct
{
  uint32_t first;
  uint32_t last : 24;
  uint32_t char_class : 8;
} RtUnicodeRange;

extern const size_t rt_unicode_n_ranges;
extern const RtUnicodeRange rt_unicode_ranges[];
