/* The caches of a processor, as Linux describes them in sysfs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct
{
  uint32_t level;
  uint64_t bytes;
  uint32_t n_sharing; /* processors that share it; 0: unavailable */
} RtCache;

#define RT_MAX_CACHES 8

/* Those of processor 0 that hold data, nearest first, below @root ("/", or a recorded tree).
 * Returns how many; 0: the system does not describe them. */
size_t rt_caches_read (const char *root, RtCache caches[RT_MAX_CACHES]);
