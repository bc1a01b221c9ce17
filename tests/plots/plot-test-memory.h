#pragma once

#include "plot-memory.h"

/* An invented placement: a chain of steps, each writing one buffer that the next reads, some read
 * much later, placed first fit from the largest on. The same everywhere. */

typedef struct
{
  PlotMemoryBuffer *buffers;
  PlotMemoryStep *steps;
  guint n_buffers, n_steps;
  guint64 total_bytes, lower_bound_bytes;
  GPtrArray *strings;
} PlotTestMemory;

static inline gboolean
plot_test_memory_meets (const PlotMemoryBuffer *a, const PlotMemoryBuffer *b)
{
  return a->first <= b->last && b->first <= a->last;
}

/* The lowest gap among those placed that live at the same time. */
static inline guint64
plot_test_memory_place (const PlotMemoryBuffer *buffers, const guint *order, guint n_placed,
                        const PlotMemoryBuffer *buffer)
{
  guint64 offset = 0;
  gboolean moved = TRUE;

  while (moved)
    {
      moved = FALSE;
      for (guint i = 0; i < n_placed; i++)
        {
          const PlotMemoryBuffer *other = &buffers[order[i]];

          if (plot_test_memory_meets (buffer, other) && offset < other->offset + other->bytes
              && other->offset < offset + buffer->bytes)
            {
              offset = other->offset + other->bytes;
              moved = TRUE;
            }
        }
    }
  return offset;
}

static inline int
plot_test_memory_compare (gconstpointer a, gconstpointer b, gpointer data)
{
  const PlotMemoryBuffer *buffers = data;
  guint64 x = buffers[*(const guint *)a].bytes, y = buffers[*(const guint *)b].bytes;

  return x != y ? (x > y ? -1 : 1) : *(const guint *)a < *(const guint *)b ? -1 : 1;
}

static inline PlotTestMemory
plot_test_memory_new (guint n_steps)
{
  PlotTestMemory m = { g_new0 (PlotMemoryBuffer, n_steps + 2),
                       g_new0 (PlotMemoryStep, n_steps),
                       n_steps + 2,
                       n_steps,
                       0,
                       0,
                       g_ptr_array_new_with_free_func (g_free) };
  g_autofree guint *order = g_new (guint, n_steps + 2);
  guint32 state = 17;

  for (guint i = 0; i < n_steps + 2; i++)
    {
      PlotMemoryBuffer *buffer = &m.buffers[i];
      double size = 1 + 40.0 * (n_steps - MIN (i, n_steps)) / n_steps;
      guint reach;

      state = state * 1664525u + 1013904223u;
      reach = 1 + (i % 7 == 3 ? 2 + (state >> 20) % 12 : 0);
      buffer->id = g_strdup_printf ("value %u", i);
      buffer->detail = "[1, 56, 56, 24] f32";
      buffer->kind = i == 0             ? PLOT_MEMORY_INPUT
                     : i == n_steps     ? PLOT_MEMORY_STATE
                     : i == n_steps + 1 ? PLOT_MEMORY_SCRATCH
                                        : PLOT_MEMORY_ACTIVATION;
      buffer->first = i < n_steps ? (i > 0 ? i - 1 : 0) : 0;
      buffer->last = i < n_steps ? MIN (n_steps - 1, buffer->first + reach) : n_steps - 1;
      buffer->bytes
          = i < n_steps ? 1 + (guint64)(8192 * size * (0.5 + (state >> 16 & 255) / 255.0)) : 65536;
      g_ptr_array_add (m.strings, (char *)buffer->id);
      order[i] = i;
    }
  g_qsort_with_data (order, (int)m.n_buffers, sizeof (guint), plot_test_memory_compare, m.buffers);
  for (guint i = 0; i < m.n_buffers; i++)
    {
      PlotMemoryBuffer *buffer = &m.buffers[order[i]];

      buffer->offset = plot_test_memory_place (m.buffers, order, i, buffer);
      m.total_bytes = MAX (m.total_bytes, buffer->offset + buffer->bytes);
    }
  for (guint s = 0; s < n_steps; s++)
    {
      guint64 alive = 0;

      for (guint i = 0; i < m.n_buffers; i++)
        if (m.buffers[i].first <= s && m.buffers[i].last >= s)
          alive += m.buffers[i].bytes;
      m.lower_bound_bytes = MAX (m.lower_bound_bytes, alive);
      m.steps[s].name = g_strdup_printf ("conv %u", s);
      m.steps[s].group = g_strdup_printf ("Block %u", s / 6);
      g_ptr_array_add (m.strings, (char *)m.steps[s].name);
      g_ptr_array_add (m.strings, (char *)m.steps[s].group);
    }
  return m;
}

static inline PlotMemoryData
plot_test_memory_data (const PlotTestMemory *m)
{
  return (PlotMemoryData){ .buffers = m->buffers,
                           .n_buffers = m->n_buffers,
                           .steps = m->steps,
                           .n_steps = m->n_steps,
                           .total_bytes = m->total_bytes,
                           .lower_bound_bytes = m->lower_bound_bytes };
}

static inline void
plot_test_memory_clear (PlotTestMemory *m)
{
  g_free (m->buffers);
  g_free (m->steps);
  g_ptr_array_unref (m->strings);
}
