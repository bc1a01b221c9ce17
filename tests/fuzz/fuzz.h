/* What a fuzz target offers to libFuzzer and to fuzz-main.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t n);

/* Set when the last input was well-formed; only fuzz-main.c looks at it. */
extern bool fuzz_accepted;

/* What must hold for every input. */
#define FUZZ_CHECK(condition)                                                                      \
  do                                                                                               \
    {                                                                                              \
      if (!(condition))                                                                            \
        {                                                                                          \
          fprintf (stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);           \
          abort ();                                                                                \
        }                                                                                          \
    }                                                                                              \
  while (0)
