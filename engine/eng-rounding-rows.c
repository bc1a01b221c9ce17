/* Rounding one block at a time: to nearest, or searching the scales with the smallest weighted
 * error. */
#include "eng-rounding.h"

#include "kn-quant.h"

#define ROWS 16 /* of one chunk */

typedef struct
{
  const EngRoundingArgs *args;
  const float *weights;
  const atomic_int *cancel;
} Rows;

static void
round_rows (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  const Rows *self = data;
  const EngRoundingArgs *args = self->args;
  gsize row_bytes = kn_row_bytes ((KnDtype)args->dtype, args->n_cols);

  if (self->cancel != NULL && atomic_load ((atomic_int *)self->cancel))
    return;
  for (gsize r = (gsize)chunk * ROWS; r < MIN (args->n_rows, ((gsize)chunk + 1) * ROWS); r++)
    kn_quantize_row_weighted ((KnDtype)args->dtype, args->data + r * args->n_cols, self->weights,
                              args->blocks + r * row_bytes, args->n_cols);
}

gboolean
eng_round_rows (const EngRoundingArgs *args, gboolean nearest, RtPool *pool,
                const atomic_int *cancel)
{
  g_autofree float *ones = NULL;
  Rows self = { .args = args, .weights = args->weights, .cancel = cancel };

  if (nearest)
    self.weights = NULL;
  else if (args->weights == NULL)
    {
      self.weights = ones = g_new (float, args->n_cols);
      for (gsize i = 0; i < args->n_cols; i++)
        ones[i] = 1;
    }
  RtJob job = { .n_phases = 1,
                .n_chunks = (uint32_t)((args->n_rows + ROWS - 1) / ROWS),
                .chunk = round_rows,
                .data = &self };
  rt_pool_run (pool, &job);
  return cancel == NULL || !atomic_load ((atomic_int *)cancel);
}
