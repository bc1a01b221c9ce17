/* The timeline as a value, and the keeper that collects it. The profiler adds steps after draining
 * its rings, a run takes a snapshot; documents are eng-timeline-json.c and
 * eng-timeline-chrome.c. */
#include "eng-timeline-private.h"

#include <string.h>

EngTimeline *
eng_timeline_alloc (void)
{
  EngTimeline *self = g_new0 (EngTimeline, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->steps = g_array_new (FALSE, FALSE, sizeof (EngTimelineStep));
  self->spans = g_array_new (FALSE, FALSE, sizeof (EngSpan));
  return self;
}

EngTimeline *
eng_timeline_ref (EngTimeline *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_timeline_unref (EngTimeline *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_array_unref (self->steps);
  g_array_unref (self->spans);
  g_free (self);
}

guint
eng_timeline_get_n_threads (EngTimeline *self)
{
  return self->n_threads;
}

guint
eng_timeline_get_n_steps (EngTimeline *self)
{
  return self->steps->len;
}

const EngTimelineStep *
eng_timeline_get_step (EngTimeline *self, guint step)
{
  g_return_val_if_fail (step < self->steps->len, NULL);
  return &g_array_index (self->steps, EngTimelineStep, step);
}

const EngSpan *
eng_timeline_get_spans (EngTimeline *self, guint *n)
{
  *n = self->spans->len;
  return (const EngSpan *)self->spans->data;
}

gint64
eng_timeline_get_end_ns (EngTimeline *self)
{
  gint64 end = 0;

  for (guint i = 0; i < self->steps->len; i++)
    end = MAX (end, g_array_index (self->steps, EngTimelineStep, i).end_ns);
  return end;
}

/* ---- Putting in order ---- */

static int
compare_spans (const void *a, const void *b)
{
  const EngSpan *x = a, *y = b;

  if (x->thread != y->thread)
    return (x->thread > y->thread) - (x->thread < y->thread);
  return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

void
eng_timeline_settle (EngTimeline *self)
{
  EngSpan *spans = (EngSpan *)self->spans->data;
  gint64 origin = G_MAXINT64;

  for (guint s = 0; s < self->steps->len; s++)
    {
      EngTimelineStep *step = &g_array_index (self->steps, EngTimelineStep, s);

      qsort (spans + step->first, step->n_spans, sizeof *spans, compare_spans);
      step->start_ns = G_MAXINT64;
      step->end_ns = G_MININT64;
      for (guint i = step->first; i < step->first + step->n_spans; i++)
        {
          spans[i].step = (guint16)s;
          step->start_ns = MIN (step->start_ns, spans[i].start_ns);
          step->end_ns = MAX (step->end_ns, spans[i].end_ns);
          self->n_threads = MAX (self->n_threads, (guint)spans[i].thread + 1);
        }
      origin = MIN (origin, step->start_ns);
    }
  for (guint s = 0; s < self->steps->len; s++)
    {
      g_array_index (self->steps, EngTimelineStep, s).start_ns -= origin;
      g_array_index (self->steps, EngTimelineStep, s).end_ns -= origin;
    }
  for (guint i = 0; i < self->spans->len; i++)
    {
      spans[i].start_ns -= origin;
      spans[i].work_end_ns -= origin;
      spans[i].end_ns -= origin;
    }
}

/* ---- Keeping ---- */

typedef struct
{
  GArray *records; /* RtTraceRecord of one step; empty: nothing is kept here */
} Slot;

struct _EngTimelineKeeper
{
  Slot slots[RT_N_PHASES][ENG_TIMELINE_STEPS];
  guint next[RT_N_PHASES];
};

EngTimelineKeeper *
eng_timeline_keeper_new (void)
{
  EngTimelineKeeper *self = g_new0 (EngTimelineKeeper, 1);

  for (guint p = 0; p < RT_N_PHASES; p++)
    for (guint i = 0; i < ENG_TIMELINE_STEPS; i++)
      self->slots[p][i].records = g_array_new (FALSE, FALSE, sizeof (RtTraceRecord));
  return self;
}

void
eng_timeline_keeper_free (EngTimelineKeeper *self)
{
  if (self == NULL)
    return;
  for (guint p = 0; p < RT_N_PHASES; p++)
    for (guint i = 0; i < ENG_TIMELINE_STEPS; i++)
      g_array_unref (self->slots[p][i].records);
  g_free (self);
}

void
eng_timeline_keeper_clear (EngTimelineKeeper *self)
{
  for (guint p = 0; p < RT_N_PHASES; p++)
    for (guint i = 0; i < ENG_TIMELINE_STEPS; i++)
      g_array_set_size (self->slots[p][i].records, 0);
}

static guint
count_kept (const EngTimelineKeeper *self, guint phase)
{
  guint n = 0;

  for (guint i = 0; i < ENG_TIMELINE_STEPS; i++)
    n += self->slots[phase][i].records->len;
  return n;
}

static GArray *
take_slot (EngTimelineKeeper *self, guint phase, guint n)
{
  guint n_slots = phase == RT_PHASE_PREFILL ? ENG_TIMELINE_PREFILL_STEPS : ENG_TIMELINE_STEPS;

  if (n > ENG_TIMELINE_MAX_SPANS)
    return NULL;
  /* Steps that are too large for all of them push out the oldest. */
  for (guint i = 0; i < n_slots && count_kept (self, phase) + n > ENG_TIMELINE_MAX_SPANS; i++)
    g_array_set_size (self->slots[phase][(self->next[phase] + i) % n_slots].records, 0);

  GArray *records = self->slots[phase][self->next[phase]].records;
  self->next[phase] = (self->next[phase] + 1) % n_slots;
  g_array_set_size (records, 0);
  return records;
}

void
eng_timeline_keeper_add (EngTimelineKeeper *self, const RtTraceRecord *records, guint n,
                         guint32 step, guint n_nodes)
{
  guint n_of_step = 0, phase = RT_N_PHASES;

  for (guint i = 0; i < n; i++)
    if (records[i].step == step && records[i].node < n_nodes)
      {
        n_of_step++;
        phase = records[i].phase;
      }
  GArray *kept = phase < RT_N_PHASES ? take_slot (self, phase, n_of_step) : NULL;
  for (guint i = 0; kept != NULL && i < n; i++)
    if (records[i].step == step && records[i].node < n_nodes)
      g_array_append_val (kept, records[i]);
}

static void
add_step (EngTimeline *timeline, GArray *records)
{
  const RtTraceRecord *first = &g_array_index (records, RtTraceRecord, 0);
  EngTimelineStep step = { .phase = (RtPhase)first->phase,
                           .n_tokens = first->n_tokens,
                           .number = first->step,
                           .first = timeline->spans->len,
                           .n_spans = records->len };

  for (guint i = 0; i < records->len; i++)
    {
      const RtTraceRecord *record = &g_array_index (records, RtTraceRecord, i);
      EngSpan span = { .start_ns = (gint64)record->start_ns,
                       .work_end_ns = (gint64)CLAMP (record->work_ns, record->start_ns,
                                                     MAX (record->start_ns, record->end_ns)),
                       .end_ns = (gint64)MAX (record->start_ns, record->end_ns),
                       .node = record->node,
                       .thread = record->thread };
      g_array_append_val (timeline->spans, span);
    }
  g_array_append_val (timeline->steps, step);
}

static int
compare_slots (const void *a, const void *b)
{
  const GArray *x = *(GArray *const *)a, *y = *(GArray *const *)b;
  guint64 tx = ((const RtTraceRecord *)(const void *)x->data)->start_ns,
          ty = ((const RtTraceRecord *)(const void *)y->data)->start_ns;

  return (tx > ty) - (tx < ty);
}

EngTimeline *
eng_timeline_keeper_snapshot (EngTimelineKeeper *self)
{
  GArray *kept[RT_N_PHASES * ENG_TIMELINE_STEPS];
  guint n = 0;

  for (guint p = 0; p < RT_N_PHASES; p++)
    for (guint i = 0; i < ENG_TIMELINE_STEPS; i++)
      if (self->slots[p][i].records->len > 0)
        kept[n++] = self->slots[p][i].records;
  if (n == 0)
    return NULL;
  qsort (kept, n, sizeof *kept, compare_slots);

  EngTimeline *timeline = eng_timeline_alloc ();
  for (guint i = 0; i < n; i++)
    add_step (timeline, kept[i]);
  eng_timeline_settle (timeline);
  return timeline;
}
