/* Shared by eng-machine.c, eng-roof.c and eng-roof-file.c. */
#pragma once

#include "eng-machine.h"

/* eng-roof-file.c: what has been measured before, and keeping what was. */
gboolean eng_roof_load (EngMachine *machine, guint n_threads, EngRoof *roof);
void eng_roof_store (EngMachine *machine, const EngRoof *roof);

struct _EngMachine
{
  char *root;
  char *cpu;
  char *governor;      /* NULL: unavailable */
  guint n_cpus;
  guint64 memory_bytes; /* 0: unavailable */
  guint64 cache_bytes;  /* 0: unavailable */
  EngCache caches[RT_MAX_CACHES]; /* nearest first */
  guint n_caches;
  double clock_hz;      /* 0: unavailable */
};
