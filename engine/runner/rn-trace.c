/* Trace records of the executor as telemetry. Called after each instrumented pass, outside of what
 * is timed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rn-run.h"

/* Told of each phase whatever it costs, and afterwards so many a second: passes of small networks
 * take microseconds, and no link carries all of their records. */
#define FIRST_TRACES 128
#define MORE_NS 100000000ull

typedef struct
{
  uint32_t n_told;
  uint64_t next_ns;
} Told;

struct RnTrace
{
  RtTraceRecord *records;
  size_t n, capacity;
  uint64_t *starts, *ends; /* [n_nodes] of the last step; end 0: did not run */
  uint32_t n_nodes, n_threads;
  Told told[RT_N_PHASES];
};

struct RnTrace *
rn_trace_new (const RtExec *exec, uint32_t n_nodes, uint32_t n_threads)
{
  struct RnTrace *self = calloc (1, sizeof *self);

  (void)exec;
  if (self == NULL)
    return NULL;
  self->n_nodes = n_nodes;
  self->n_threads = n_threads;
  /* A thread leaves one record per node. */
  self->capacity = (size_t)n_nodes * n_threads + 256;
  self->records = malloc (self->capacity * sizeof *self->records);
  self->starts = calloc (n_nodes + 1, sizeof *self->starts);
  self->ends = calloc (n_nodes + 1, sizeof *self->ends);
  if (self->records != NULL && self->starts != NULL && self->ends != NULL)
    return self;
  rn_trace_free (self);
  return NULL;
}

void
rn_trace_free (struct RnTrace *self)
{
  if (self == NULL)
    return;
  free (self->records);
  free (self->starts);
  free (self->ends);
  free (self);
}

/* Records of the newest run; *@n_lost as of the rings. */
static void
gather (struct RnTrace *self, RtExec *exec, uint64_t *n_lost)
{
  self->n = 0;
  for (uint32_t t = 0; t < self->n_threads; t++)
    {
      size_t n;
      do
        {
          n = rt_trace_ring_read (rt_exec_trace (exec, t), self->records + self->n,
                                  self->capacity - self->n, n_lost);
          self->n += n;
        }
      while (n > 0 && self->n < self->capacity);
    }
  uint32_t step = 0;
  for (size_t i = 0; i < self->n; i++)
    if (i == 0 || (int32_t)(self->records[i].step - step) > 0)
      step = self->records[i].step;
  size_t kept = 0;
  for (size_t i = 0; i < self->n; i++)
    if (self->records[i].step == step && self->records[i].node < self->n_nodes)
      self->records[kept++] = self->records[i];
  self->n = kept;
}

/* Each node from its first thread's start to its end, added, as the studio's profiler does. */
static double
sum_nodes (struct RnTrace *self, uint64_t *base_ns)
{
  double sum = 0;

  memset (self->ends, 0, self->n_nodes * sizeof *self->ends);
  *base_ns = UINT64_MAX;
  for (size_t i = 0; i < self->n; i++)
    {
      const RtTraceRecord *record = &self->records[i];
      uint64_t *start = &self->starts[record->node], *end = &self->ends[record->node];
      if (*end == 0 || record->start_ns < *start)
        *start = record->start_ns;
      *end = record->end_ns > *end ? record->end_ns : *end;
      *base_ns = record->start_ns < *base_ns ? record->start_ns : *base_ns;
    }
  for (uint32_t n = 0; n < self->n_nodes; n++)
    if (self->ends[n] > self->starts[n])
      sum += (double)(self->ends[n] - self->starts[n]);
  return sum;
}

static void
fill (RnRun *run, uint64_t base_ns, uint64_t n_lost)
{
  const struct RnTrace *self = run->trace;
  const RtTraceRecord *first = &self->records[0];
  RnLine *line = &run->line;
  const RtKv *kv = rt_exec_kv (run->exec);
  uint32_t used = kv != NULL ? rt_kv_n_used (kv) : 0;

  rn_line_begin (line, "trace");
  rn_line_string (line, "phase", rn_phase_name (first->phase < RT_N_PHASES ? first->phase : 0));
  rn_line_uint (line, "step", first->step);
  rn_line_uint (line, "n_tokens", first->n_tokens);
  rn_line_uint (line, "position", used - (used < first->n_tokens ? used : first->n_tokens));
  rn_line_uint (line, "lost", n_lost);
  rn_line_uint (line, "begin_ns", base_ns > run->start_ns ? base_ns - run->start_ns : 0);
  rn_line_open (line, "records", '[');
  for (size_t i = 0; i < self->n; i++)
    {
      const RtTraceRecord *record = &self->records[i];
      rn_line_open (line, NULL, '[');
      rn_line_uint (line, NULL, record->node);
      rn_line_uint (line, NULL, record->thread);
      rn_line_uint (line, NULL, record->start_ns - base_ns);
      rn_line_uint (line, NULL, record->work_ns > base_ns ? record->work_ns - base_ns : 0);
      rn_line_uint (line, NULL, record->end_ns > base_ns ? record->end_ns - base_ns : 0);
      rn_line_close (line, ']');
    }
  rn_line_close (line, ']');
}

double
rn_trace_take (RnRun *run)
{
  struct RnTrace *self = run->trace;
  uint64_t n_lost = 0, base_ns, now = rt_now_ns ();

  gather (self, run->exec, &n_lost);
  if (self->n == 0)
    return NAN;
  double sum = sum_nodes (self, &base_ns);
  uint8_t phase = self->records[0].phase;
  Told *told = &self->told[phase < RT_N_PHASES ? phase : 0];
  if (told->n_told < FIRST_TRACES || now >= told->next_ns)
    {
      fill (run, base_ns, n_lost);
      rn_output_send (run->output, &run->line, RN_LINE_TRACE);
      told->n_told++;
      told->next_ns = now + MORE_NS;
    }
  return n_lost == 0 ? sum : NAN;
}
