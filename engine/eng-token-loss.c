/* Rows of logits to losses, one row per chunk of work of the pool. Called by the measurement of
 * errors per layer; knows no model. What eval/eng-scorer.h computes for whole builds, with the
 * reference's probabilities kept: every row of it is compared with that of every layer. */
#include "eng-token-loss.h"

#include <math.h>
#include <string.h>

#include "kn-table.h"

/* One row of the reference. */
typedef struct
{
  gint32 target;
  guint best;
  double log_sum; /* ln sum exp (logit) */
} Row;

struct _EngTokenLoss
{
  RtPool *pool;
  guint max_rows, n_rows;
  size_t n_vocab;
  float *logits, *probabilities; /* [max_rows, n_vocab] of the reference */
  float *scratch;                /* [n_threads, 2, n_vocab] */
  Row *rows;
  EngTokenSums *sums; /* [max_rows] */

  /* The work in hand. */
  const float *input;
  gboolean is_reference;
};

EngTokenLoss *
eng_token_loss_new (guint max_rows, guint n_vocab, RtPool *pool)
{
  g_return_val_if_fail (max_rows > 0 && n_vocab > 0 && pool != NULL, NULL);

  EngTokenLoss *self = g_new0 (EngTokenLoss, 1);
  self->pool = pool;
  self->max_rows = max_rows;
  self->n_vocab = n_vocab;
  self->logits = g_new (float, max_rows * self->n_vocab);
  self->probabilities = g_new (float, max_rows * self->n_vocab);
  self->scratch = g_new (float, 2 * rt_pool_n_threads (pool) * self->n_vocab);
  self->rows = g_new0 (Row, max_rows);
  self->sums = g_new0 (EngTokenSums, max_rows);
  return self;
}

void
eng_token_loss_free (EngTokenLoss *self)
{
  if (self == NULL)
    return;
  g_free (self->logits);
  g_free (self->probabilities);
  g_free (self->scratch);
  g_free (self->rows);
  g_free (self->sums);
  g_free (self);
}

static guint
find_best (const float *x, size_t n)
{
  size_t best = 0;
  for (size_t i = 1; i < n; i++)
    if (x[i] > x[best])
      best = i;
  return (guint)best;
}

/* The probability of the best token is exp (best - log sum). */
static double
log_sum (const float *x, const float *probabilities, guint best)
{
  return (double)x[best] - log ((double)probabilities[best]);
}

static void
take_row (EngTokenLoss *self, guint row)
{
  const float *x = self->input + row * self->n_vocab;
  float *p = self->probabilities + row * self->n_vocab;
  Row *r = &self->rows[row];

  memcpy (self->logits + row * self->n_vocab, x, self->n_vocab * sizeof *x);
  kn_table ()->vec.softmax (x, self->n_vocab, p);
  r->best = find_best (x, self->n_vocab);
  r->log_sum = log_sum (x, p, r->best);
  self->sums[row]
      = (EngTokenSums){ .n = 1, .loss = r->log_sum - (double)x[r->target], .n_agree = 1 };
}

/* KL = sum p (ln p - ln q) = sum p (x_p - x_q) - (ln sum exp x_p - ln sum exp x_q). */
static void
compare_row (EngTokenLoss *self, guint row, float *scratch)
{
  const KnVecFamily *vec = &kn_table ()->vec;
  const float *x = self->input + row * self->n_vocab;
  const float *reference = self->logits + row * self->n_vocab;
  float *q = scratch, *difference = scratch + self->n_vocab;
  const Row *r = &self->rows[row];

  vec->softmax (x, self->n_vocab, q);
  guint best = find_best (x, self->n_vocab);
  double sum = log_sum (x, q, best);
  vec->scale (x, -1, self->n_vocab, difference);
  vec->add (difference, reference, self->n_vocab, difference);
  double mean
      = (double)vec->dot (self->probabilities + row * self->n_vocab, difference, self->n_vocab);
  self->sums[row] = (EngTokenSums){ .n = 1,
                                    .loss = sum - (double)x[r->target],
                                    .divergence = mean - (r->log_sum - sum),
                                    .n_agree = best == r->best };
}

static void
do_row (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  EngTokenLoss *self = data;

  if (self->is_reference)
    take_row (self, chunk);
  else
    compare_row (self, chunk, self->scratch + 2 * worker->index * self->n_vocab);
}

/* Added in the order of the rows: the same bits for any number of threads. */
static void
work (EngTokenLoss *self, const float *logits, gboolean is_reference, EngTokenSums *sums)
{
  RtJob job = { .n_phases = 1, .n_chunks = self->n_rows, .chunk = do_row, .data = self };

  self->input = logits;
  self->is_reference = is_reference;
  rt_pool_run (self->pool, &job);
  *sums = (EngTokenSums){ 0 };
  for (guint i = 0; i < self->n_rows; i++)
    {
      sums->n += self->sums[i].n;
      sums->loss += self->sums[i].loss;
      sums->divergence += self->sums[i].divergence;
      sums->n_agree += self->sums[i].n_agree;
    }
}

void
eng_token_loss_reference (EngTokenLoss *self, const float *logits, const gint32 *targets,
                          guint n_rows, EngTokenSums *sums)
{
  g_return_if_fail (n_rows > 0 && n_rows <= self->max_rows);

  self->n_rows = n_rows;
  for (guint i = 0; i < n_rows; i++)
    self->rows[i].target = targets[i];
  work (self, logits, TRUE, sums);
}

void
eng_token_loss_compare (EngTokenLoss *self, const float *logits, EngTokenSums *sums)
{
  g_return_if_fail (self->n_rows > 0);
  work (self, logits, FALSE, sums);
}
