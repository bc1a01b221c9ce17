/* Trace rings: order, loss of the oldest, and a writer that overruns its reader. Built a second
 * time with ThreadSanitizer. */
#include "rt-trace.h"

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

static RtTraceRecord
make_record (uint32_t i)
{
  return (RtTraceRecord){ .start_ns = i,
                          .work_ns = i * 3ull,
                          .end_ns = i * 7ull,
                          .node = i,
                          .step = ~i,
                          .thread = i & 0xffff,
                          .phase = RT_PHASE_DECODE,
                          .n_tokens = i ^ 0x55u };
}

static void
assert_record (const RtTraceRecord *r)
{
  uint32_t i = r->node;
  g_assert_cmpuint (r->start_ns, ==, i);
  g_assert_cmpuint (r->work_ns, ==, i * 3ull);
  g_assert_cmpuint (r->end_ns, ==, i * 7ull);
  g_assert_cmpuint (r->step, ==, ~i);
  g_assert_cmpuint (r->thread, ==, i & 0xffff);
  g_assert_cmpuint (r->phase, ==, RT_PHASE_DECODE);
  g_assert_cmpuint (r->n_tokens, ==, i ^ 0x55u);
}

static void
test_order (void)
{
  RtTraceRing *ring = rt_trace_ring_new (8);
  RtTraceRecord out[8];
  uint64_t n_lost = 0;
  uint32_t next = 0;

  g_assert_cmpuint (rt_trace_ring_read (ring, out, 8, &n_lost), ==, 0);
  for (uint32_t i = 0; i < 100; i++)
    {
      RtTraceRecord record = make_record (i);
      rt_trace_ring_push (ring, &record);
      if (i % 5 != 4)
        continue;
      /* In two reads, so that a read that is full leaves the rest. */
      size_t n = rt_trace_ring_read (ring, out, 2, &n_lost);
      g_assert_cmpuint (n, ==, 2);
      n += rt_trace_ring_read (ring, out + 2, 6, &n_lost);
      g_assert_cmpuint (n, ==, 5);
      for (size_t k = 0; k < n; k++, next++)
        {
          g_assert_cmpuint (out[k].node, ==, next);
          assert_record (&out[k]);
        }
    }
  g_assert_cmpuint (n_lost, ==, 0);
  rt_trace_ring_free (ring);
}

static void
test_overrun (void)
{
  RtTraceRing *ring = rt_trace_ring_new (16);
  RtTraceRecord out[32];
  uint64_t n_lost = 0;

  for (uint32_t i = 0; i < 50; i++)
    {
      RtTraceRecord record = make_record (i);
      rt_trace_ring_push (ring, &record);
    }
  size_t n = rt_trace_ring_read (ring, out, 32, &n_lost);

  /* One slot may be half written, so 15 of 16 are readable. */
  g_assert_cmpuint (n, ==, 15);
  g_assert_cmpuint (n_lost, ==, 35);
  for (size_t k = 0; k < n; k++)
    g_assert_cmpuint (out[k].node, ==, 35 + k);
  rt_trace_ring_free (ring);
}

#define N_RACED 300000

static void *
producer (void *data)
{
  RtTraceRing *ring = data;
  for (uint32_t i = 0; i < N_RACED; i++)
    {
      RtTraceRecord record = make_record (i);
      rt_trace_ring_push (ring, &record);
    }
  return NULL;
}

/* A ring far too small for the rate: what is read is whole and in order, and everything is either
 * read or counted as lost. */
static void
test_race (void)
{
  RtTraceRing *ring = rt_trace_ring_new (64);
  RtTraceRecord out[16];
  uint64_t n_lost = 0, n_read = 0, next = 0;
  pthread_t thread;

  g_assert_cmpint (pthread_create (&thread, NULL, producer, ring), ==, 0);
  while (n_read + n_lost < N_RACED)
    {
      uint64_t n_lost_before = n_lost;
      size_t n = rt_trace_ring_read (ring, out, 16, &n_lost);
      g_assert_cmpuint (n_lost, >=, n_lost_before);
      for (size_t k = 0; k < n; k++)
        {
          assert_record (&out[k]);
          g_assert_cmpuint (out[k].node, >=, next);
          next = out[k].node + 1;
        }
      n_read += n;
    }
  pthread_join (thread, NULL);
  g_assert_cmpuint (n_read + n_lost, ==, N_RACED);
  g_assert_cmpuint (next, ==, N_RACED);
  rt_trace_ring_free (ring);
}

static void
test_impossible_size (void)
{
  g_assert_null (rt_trace_ring_new (SIZE_MAX / 2));
  rt_trace_ring_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/trace/order", test_order);
  g_test_add_func ("/trace/overrun", test_overrun);
  g_test_add_func ("/trace/race", test_race);
  g_test_add_func ("/trace/impossible-size", test_impossible_size);
  return g_test_run ();
}
