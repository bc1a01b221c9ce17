/* Single-producer single-consumer rings of trace records that overwrite the oldest. The executor's
 * threads push, one reader pops; neither waits. Knows nothing of graphs.
 *
 * A slot may be rewritten while it is being read, so its words are atomic and the reader checks
 * afterwards. `head` counts the records begun. The producer stores head = i before the words of
 * record i, each word with release; a reader that saw any word of record i (acquire) therefore sees
 * head >= i when it looks again, and drops what it read of slot i - capacity. */
#include "rt-trace.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define N_WORDS (sizeof (RtTraceRecord) / 8)
_Static_assert(sizeof (RtTraceRecord) == 40 && N_WORDS * 8 == sizeof (RtTraceRecord),
               "a trace record is a whole number of words");

typedef struct
{
  _Atomic uint64_t words[N_WORDS];
} Slot;

struct RtTraceRing
{
  alignas (64) _Atomic uint64_t head; /* records written; record number `head` may be half there */
  alignas (64) uint64_t tail;         /* the reader's next record */
  size_t capacity;                    /* a power of two */
  Slot *slots;
};

RtTraceRing *
rt_trace_ring_new (size_t capacity)
{
  size_t rounded = 2;
  while (rounded < capacity)
    {
      if (rounded > SIZE_MAX / 2 / sizeof (Slot))
        return NULL;
      rounded *= 2;
    }

  RtTraceRing *ring = aligned_alloc (64, sizeof *ring);
  if (ring == NULL)
    return NULL;
  memset (ring, 0, sizeof *ring);
  ring->capacity = rounded;
  ring->slots = calloc (rounded, sizeof (Slot));
  if (ring->slots == NULL)
    {
      free (ring);
      return NULL;
    }

  return ring;
}

void
rt_trace_ring_free (RtTraceRing *ring)
{
  if (ring == NULL)
    return;
  free (ring->slots);
  free (ring);
}

size_t
rt_trace_ring_bytes (const RtTraceRing *ring)
{
  return sizeof *ring + ring->capacity * sizeof (Slot);
}

void
rt_trace_ring_push (RtTraceRing *ring, const RtTraceRecord *record)
{
  uint64_t head = atomic_load_explicit (&ring->head, memory_order_relaxed);
  Slot *slot = &ring->slots[head & (ring->capacity - 1)];
  uint64_t words[N_WORDS];

  memcpy (words, record, sizeof words);
  for (size_t i = 0; i < N_WORDS; i++)
    atomic_store_explicit (&slot->words[i], words[i], memory_order_release);
  atomic_store_explicit (&ring->head, head + 1, memory_order_release);
}

size_t
rt_trace_ring_read (RtTraceRing *ring, RtTraceRecord *out, size_t max, uint64_t *n_lost)
{
  size_t n = 0;

  while (n < max)
    {
      uint64_t head = atomic_load_explicit (&ring->head, memory_order_acquire);
      if (ring->tail == head)
        break;

      /* Record number `head` may be on its way into the slot of record head - capacity. */
      if (head - ring->tail >= ring->capacity)
        {
          uint64_t oldest = head - ring->capacity + 1;
          *n_lost += oldest - ring->tail;
          ring->tail = oldest;
        }

      const Slot *slot = &ring->slots[ring->tail & (ring->capacity - 1)];
      uint64_t words[N_WORDS];
      for (size_t i = 0; i < N_WORDS; i++)
        words[i] = atomic_load_explicit (&slot->words[i], memory_order_acquire);

      head = atomic_load_explicit (&ring->head, memory_order_acquire);
      if (head - ring->tail >= ring->capacity)
        continue; /* overwritten meanwhile: counted as lost at the next turn */

      memcpy (&out[n++], words, sizeof words);
      ring->tail++;
    }

  return n;
}
