/* Second moments of rows of activations: X^T X, chunk by chunk, by the same float kernels that
 * multiply the model's matrices, so that the result has the same bits on every machine and for
 * every number of threads. Called by the measurement; knows nothing of models.
 *
 *     chunk of rows  X [t, n]  ──transpose──►  X^T [n, t], once as rows, once as packed panels
 *     H [i0 .. i0+63][0 .. i0+63] += rows i0 .. i0+63 of X^T times the panels up to there */
#include "eng-activations-private.h"

#include <string.h>

#include "kn-matmul.h"
#include "kn-table.h"

#define TILE 64

struct _EngMoments
{
  gsize n;
  float *square; /* [n][n], lower triangle and what tiles put above the diagonal */

  /* Of one chunk. */
  guint capacity; /* rows, rounded up to 16 */
  float *turned;  /* [n][capacity] */
  guint8 *panels;
  gsize panel_bytes;
};

EngMoments *
eng_moments_new (gsize n)
{
  EngMoments *self = g_new0 (EngMoments, 1);
  self->n = n;
  self->square = g_new0 (float, n *n);
  return self;
}

void
eng_moments_free (EngMoments *self)
{
  if (self == NULL)
    return;
  g_free (self->square);
  g_clear_pointer (&self->turned, g_aligned_free);
  g_clear_pointer (&self->panels, g_aligned_free);
  g_free (self);
}

typedef struct
{
  EngMoments *moments;
  const float *rows;
  guint n_rows;
} Adding;

/* Channels chunk*16 .. +15 as rows of tokens; what pads them stays zero. */
static void
turn (Adding *adding, gsize panel)
{
  EngMoments *self = adding->moments;
  gsize first = panel * KN_PANEL_ROWS, n = MIN (KN_PANEL_ROWS, self->n - first);

  for (gsize c = 0; c < n; c++)
    {
      float *to = self->turned + (first + c) * self->capacity;
      for (guint t = 0; t < adding->n_rows; t++)
        to[t] = adding->rows[t * self->n + first + c];
      memset (to + adding->n_rows, 0, (self->capacity - adding->n_rows) * sizeof *to);
    }
  kn_pack_panel (KN_F32, self->turned + first * self->capacity, self->capacity * sizeof (float), n,
                 self->capacity, self->panels + panel * self->panel_bytes);
}

static void
multiply (Adding *adding, gsize tile)
{
  EngMoments *self = adding->moments;
  gsize first = tile * TILE, n = MIN (TILE, self->n - first);
  gsize n_cols = first + n; /* up to the diagonal */
  g_autofree float *y = g_new (float, n *n_cols);
  gsize n_scratch = kn_matmul_scratch_bytes (KN_F32, self->capacity);
  gpointer scratch = g_aligned_alloc (1, MAX (n_scratch, KN_ALIGN), KN_ALIGN);
  KnMatmulArgs args = { .n_cols = self->capacity,
                        .n_rows = n_cols,
                        .n_tokens = n,
                        .panels = self->panels,
                        .x = self->turned + first * self->capacity,
                        .x_stride = self->capacity * sizeof (float),
                        .y = y,
                        .y_stride = n_cols,
                        .scratch = scratch };

  kn_table ()->matmul.f32 (&args);
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < n_cols; j++)
      self->square[(first + i) * self->n + j] += y[i * n_cols + j];
  g_aligned_free (scratch);
}

static uint32_t
begin_phase (const RtWorker *worker, void *data, uint32_t phase)
{
  gsize n = ((Adding *)data)->moments->n;
  return (uint32_t)(phase == 0 ? (n + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS : (n + TILE - 1) / TILE);
}

/* The last tiles are the largest: begin with them. */
static void
run_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  gsize n = ((Adding *)data)->moments->n;
  if (phase == 0)
    turn (data, chunk);
  else
    multiply (data, (n + TILE - 1) / TILE - 1 - chunk);
}

void
eng_moments_add (EngMoments *self, const float *rows, guint n_rows, RtPool *pool)
{
  guint capacity = (n_rows + 15) & ~15u;
  gsize n_panels = (self->n + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS;

  if (n_rows == 0)
    return;
  if (capacity != self->capacity)
    {
      g_clear_pointer (&self->turned, g_aligned_free);
      g_clear_pointer (&self->panels, g_aligned_free);
      self->capacity = capacity;
      self->panel_bytes = kn_panel_bytes (KN_F32, capacity);
      self->turned
          = g_aligned_alloc (n_panels * KN_PANEL_ROWS, capacity * sizeof (float), KN_ALIGN);
      self->panels = g_aligned_alloc (n_panels, self->panel_bytes, KN_ALIGN);
    }
  Adding adding = { self, rows, n_rows };
  RtJob job = { .n_phases = 2, .begin = begin_phase, .chunk = run_chunk, .data = &adding };
  rt_pool_run (pool, &job);
}

void
eng_moments_finish (EngMoments *self, guint64 n_rows, float *triangle)
{
  for (gsize i = 0; i < self->n; i++)
    for (gsize j = 0; j <= i; j++)
      *triangle++ = (float)((double)self->square[i * self->n + j] / (double)MAX (1, n_rows));
}
