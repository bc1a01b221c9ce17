/* Shared by eng-machine.c and eng-roof.c. */
#pragma once

#include "eng-machine.h"

struct _EngMachine
{
  char *root;
  char *cpu;
  char *governor;      /* NULL: unavailable */
  guint n_cpus;
  guint64 memory_bytes; /* 0: unavailable */
  guint64 cache_bytes;  /* 0: unavailable */
  double clock_hz;      /* 0: unavailable */
};
