/* The heap of packed weights: slabs that are filled from the start to the end and never reused in
 * part. Freeing returns the pages to the system and, with a slab's last block, the slab. Knows
 * nothing of weights.
 *
 * One heap per process, behind a lock: packing allocates a few hundred times when a model is
 * opened, running never does. */
#include "rt-heap.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE_BYTES ((size_t)4096)
#define HUGE_BYTES ((size_t)2 << 20)
#define SLAB_BYTES ((size_t)32 << 20)

typedef struct Slab Slab;
struct Slab
{
  Slab *next;
  uint8_t *memory; /* aligned to HUGE_BYTES */
  size_t size, used;
  size_t live; /* bytes of blocks that are not freed */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Slab *slabs; /* the one that is being filled comes first */

static size_t
round_up (size_t n, size_t unit)
{
  return (n + unit - 1) / unit * unit;
}

/* Map @size bytes that begin at a multiple of HUGE_BYTES. */
static uint8_t *
map_aligned (size_t size)
{
  uint8_t *memory
      = mmap (NULL, size + HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return NULL;

  size_t before = round_up ((uintptr_t)memory, HUGE_BYTES) - (uintptr_t)memory;
  if (before > 0)
    munmap (memory, before);
  if (before < HUGE_BYTES)
    munmap (memory + before + size, HUGE_BYTES - before);
  madvise (memory + before, size, MADV_HUGEPAGE);
  return memory + before;
}

static Slab *
slab_new (size_t size)
{
  Slab *slab = malloc (sizeof *slab);
  uint8_t *memory = slab != NULL ? map_aligned (size) : NULL;

  if (memory == NULL)
    {
      free (slab);
      return NULL;
    }
  *slab = (Slab){ .next = slabs, .memory = memory, .size = size };
  slabs = slab;
  return slab;
}

void *
rt_heap_alloc (size_t n_bytes)
{
  void *block = NULL;

  if (n_bytes > SIZE_MAX / 2)
    return NULL;
  n_bytes = round_up (n_bytes > 0 ? n_bytes : 1, PAGE_BYTES);

  pthread_mutex_lock (&lock);
  Slab *slab = slabs;
  if (slab == NULL || slab->size - slab->used < n_bytes)
    slab = slab_new (round_up (n_bytes > SLAB_BYTES ? n_bytes : SLAB_BYTES, HUGE_BYTES));
  if (slab != NULL)
    {
      block = slab->memory + slab->used;
      slab->used += n_bytes;
      slab->live += n_bytes;
    }
  pthread_mutex_unlock (&lock);
  return block;
}

void
rt_heap_free (void *memory, size_t n_bytes)
{
  uint8_t *block = memory;

  if (block == NULL)
    return;
  n_bytes = round_up (n_bytes > 0 ? n_bytes : 1, PAGE_BYTES);

  pthread_mutex_lock (&lock);
  Slab **link = &slabs;
  while (block < (*link)->memory || block >= (*link)->memory + (*link)->size)
    link = &(*link)->next;

  Slab *slab = *link;
  slab->live -= n_bytes;
  if (slab->live == 0)
    {
      *link = slab->next;
      munmap (slab->memory, slab->size);
      free (slab);
    }
  else
    madvise (block, n_bytes, MADV_DONTNEED);
  pthread_mutex_unlock (&lock);
}
