/* Pruning of single weights: scores, the choice of the least, and compensation by the rest. Called
 * by the technique "sparsity". Knows nothing of models, formats and recipes. */
#include "eng-sparsify.h"

#include <math.h>
#include <string.h>

#include "kn-table.h"

/* Columns whose zeros are chosen together when what was changed before them is known. */
#define BLOCK 128

/* Rows between two looks at whether it was cancelled. */
#define ROWS_AT_ONCE 16

/* ---- the k least of many scores ---- */

/* Scores are not negative, so their bits are in their order; of equal ones the later is less. */
static guint64
make_key (float score, gsize index)
{
  guint32 bits;

  memcpy (&bits, &score, sizeof bits);
  return (guint64)bits << 32 | (guint32)(G_MAXUINT32 - index);
}

static gsize
key_index (guint64 key)
{
  return G_MAXUINT32 - (guint32)key;
}

static void
swap (guint64 *a, guint64 *b)
{
  guint64 was = *a;
  *a = *b;
  *b = was;
}

static guint64
middle_of (guint64 a, guint64 b, guint64 c)
{
  return MAX (MIN (a, b), MIN (MAX (a, b), c));
}

/* Reorder so that the first @k are the least (Hoare 1961, Find). All keys differ. */
static void
select_least (guint64 *keys, gsize n, gsize k)
{
  gsize from = 0, to = n;

  while (to - from > 1 && k > from && k < to)
    {
      guint64 pivot = middle_of (keys[from], keys[from + (to - from) / 2], keys[to - 1]);
      gsize i = from, j = to - 1;

      for (;;)
        {
          while (keys[i] < pivot)
            i++;
          while (keys[j] > pivot)
            j--;
          if (i >= j)
            break;
          swap (&keys[i], &keys[j]);
        }
      /* keys[i] is the pivot, those before it are less. */
      if (k <= i)
        to = i;
      else
        from = i + 1;
    }
}

static gsize
count_of (double share, gsize n)
{
  return (gsize)floor (CLAMP (share, 0, 1) * (double)n + 0.5);
}

/* ---- without compensation ---- */

static inline float
score_of (float w, const float *moments, gsize c)
{
  float magnitude = fabsf (w);

  return moments != NULL ? magnitude * sqrtf (moments[c]) : magnitude;
}

static void
zero_least_of_row (float *row, gsize n_cols, const float *moments, gsize k, guint64 *keys)
{
  for (gsize c = 0; c < n_cols; c++)
    keys[c] = make_key (score_of (row[c], moments, c), c);
  select_least (keys, n_cols, k);
  for (gsize i = 0; i < k; i++)
    row[key_index (keys[i])] = 0;
}

static void
zero_pattern_of_row (float *row, gsize n_cols, const float *moments,
                     const EngSparsePattern *pattern)
{
  guint64 keys[64];
  guint of = pattern->of, k = of - pattern->keep;

  for (gsize c = 0; c < n_cols; c += of)
    {
      for (guint i = 0; i < of; i++)
        keys[i] = make_key (score_of (row[c + i], moments, c + i), i);
      select_least (keys, of, k);
      for (guint i = 0; i < k; i++)
        row[c + key_index (keys[i])] = 0;
    }
}

static guint32
magnitude_bits (float w)
{
  guint32 bits;

  memcpy (&bits, &w, sizeof bits);
  return bits & 0x7fffffff;
}

/* The bits of the @k-th least magnitude, and how many of those that equal it are among the @k: a
 * histogram of the upper 16 bits, then one of the lower ones. */
static guint32
find_threshold (const float *data, gsize n, gsize k, gsize *n_equal)
{
  g_autofree gsize *bins = g_new (gsize, 65536);
  guint32 bits = 0;

  for (guint pass = 0; pass < 2; pass++)
    {
      memset (bins, 0, 65536 * sizeof *bins);
      for (gsize i = 0; i < n; i++)
        {
          guint32 own = magnitude_bits (data[i]);
          if (pass == 0)
            bins[own >> 16]++;
          else if (own >> 16 == bits)
            bins[own & 65535]++;
        }
      guint32 bin = 0;
      while (k > bins[bin])
        k -= bins[bin++];
      bits = pass == 0 ? bin : bits << 16 | bin;
    }
  *n_equal = k;
  return bits;
}

static void
zero_least_of_all (float *data, gsize n, gsize k)
{
  gsize n_equal;

  if (k == 0)
    return;
  guint32 threshold = find_threshold (data, n, k, &n_equal);
  for (gsize i = n; i-- > 0;)
    {
      guint32 bits = magnitude_bits (data[i]);
      if (bits < threshold || (bits == threshold && n_equal > 0))
        {
          n_equal -= bits == threshold;
          data[i] = 0;
        }
    }
}

static void
check_pattern (const EngSparsePattern *pattern, gsize n_cols)
{
  g_assert (pattern->of == 0
            || (pattern->keep <= pattern->of && pattern->of <= 64 && n_cols % pattern->of == 0));
}

void
eng_sparsify (float *data, gsize n_rows, gsize n_cols, const float *moments,
              const EngSparsePattern *pattern)
{
  check_pattern (pattern, n_cols);
  if (pattern->of == 0 && moments == NULL)
    {
      zero_least_of_all (data, n_rows * n_cols, count_of (pattern->share, n_rows * n_cols));
      return;
    }
  g_autofree guint64 *keys = g_new (guint64, MAX (n_cols, 1));
  for (gsize r = 0; r < n_rows; r++)
    if (pattern->of == 0)
      zero_least_of_row (data + r * n_cols, n_cols, moments, count_of (pattern->share, n_cols),
                         keys);
    else
      zero_pattern_of_row (data + r * n_cols, n_cols, moments, pattern);
}

/* ---- with compensation ---- */

typedef struct
{
  float *data;
  gsize n_rows, n_cols;
  const float *factor;
  const EngSparsePattern *pattern;
  guint8 *mask;  /* [n_rows][BLOCK] of the block in work: becomes zero */
  float *errors; /* [BLOCK] of one row */
  float *scaled; /* [n_cols] */
} Compensation;

static float
diagonal (const Compensation *self, gsize c)
{
  return self->factor[c * self->n_cols + c];
}

static float
score_at (const Compensation *self, gsize r, gsize c)
{
  float quotient = self->data[r * self->n_cols + c] / diagonal (self, c);

  return quotient * quotient;
}

/* Zeros anywhere: the least scores of all rows in the columns [@first, @first + @n). */
static void
choose_block (Compensation *self, gsize first, gsize n, guint64 *keys)
{
  gsize k = count_of (self->pattern->share, self->n_rows * n);

  for (gsize r = 0; r < self->n_rows; r++)
    for (gsize i = 0; i < n; i++)
      keys[r * n + i] = make_key (score_at (self, r, first + i), r * n + i);
  select_least (keys, self->n_rows * n, k);
  memset (self->mask, 0, self->n_rows * BLOCK);
  for (gsize i = 0; i < k; i++)
    self->mask[key_index (keys[i]) / n * BLOCK + key_index (keys[i]) % n] = 1;
}

/* A pattern: chosen in each row when its columns' turn comes, of the values they have by then. */
static void
choose_neighbours (Compensation *self, gsize r, gsize first, gsize i)
{
  guint of = self->pattern->of, k = of - self->pattern->keep;
  guint8 *mask = self->mask + r * BLOCK + i;
  guint64 keys[64];

  for (guint j = 0; j < of; j++)
    keys[j] = make_key (score_at (self, r, first + i + j), j);
  select_least (keys, of, k);
  memset (mask, 0, of);
  for (guint j = 0; j < k; j++)
    mask[key_index (keys[j])] = 1;
}

/* row -= error * U[c], from column @from to @to. */
static void
make_up (const Compensation *self, float *row, float error, gsize c, gsize from, gsize to)
{
  const KnTable *kn = kn_table ();

  kn->vec.scale (self->factor + c * self->n_cols + from, -error, to - from, self->scaled);
  kn->vec.add (row + from, self->scaled, to - from, row + from);
}

/* One row through the block: within it at once, then, with all errors known, behind it. */
static void
compensate_row (Compensation *self, gsize r, gsize first, gsize n)
{
  float *row = self->data + r * self->n_cols;
  gsize end = first + n;

  for (gsize i = 0; i < n; i++)
    {
      gsize c = first + i;
      if (self->pattern->of != 0 && i % self->pattern->of == 0)
        choose_neighbours (self, r, first, i);
      self->errors[i] = 0;
      if (!self->mask[r * BLOCK + i])
        continue;
      self->errors[i] = row[c] / diagonal (self, c);
      row[c] = 0;
      if (self->errors[i] != 0)
        make_up (self, row, self->errors[i], c, c + 1, end);
    }
  for (gsize i = 0; end < self->n_cols && i < n; i++)
    if (self->errors[i] != 0)
      make_up (self, row, self->errors[i], first + i, end, self->n_cols);
}

gboolean
eng_sparsify_compensated (float *data, gsize n_rows, gsize n_cols, const float *factor,
                          const EngSparsePattern *pattern, GCancellable *cancellable,
                          GError **error)
{
  check_pattern (pattern, n_cols);
  g_return_val_if_fail (pattern->of == 0 || BLOCK % pattern->of == 0, FALSE);
  g_autofree guint8 *mask = g_new (guint8, MAX (n_rows, 1) * BLOCK);
  g_autofree float *errors = g_new (float, BLOCK);
  g_autofree float *scaled = g_new (float, MAX (n_cols, 1));
  g_autofree guint64 *keys = g_new (guint64, MAX (n_rows, 1) * BLOCK);
  Compensation self = { .data = data,
                        .n_rows = n_rows,
                        .n_cols = n_cols,
                        .factor = factor,
                        .pattern = pattern,
                        .mask = mask,
                        .errors = errors,
                        .scaled = scaled };

  for (gsize first = 0; first < n_cols; first += BLOCK)
    {
      gsize n = MIN (BLOCK, n_cols - first);
      if (pattern->of == 0)
        choose_block (&self, first, n, keys);
      for (gsize r = 0; r < n_rows; r++)
        {
          if (r % ROWS_AT_ONCE == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
            return FALSE;
          compensate_row (&self, r, first, n);
        }
    }
  return TRUE;
}

double
eng_share_of_zeros (const float *data, gsize n)
{
  gsize zeros = 0;

  for (gsize i = 0; i < n; i++)
    zeros += data[i] == 0;
  return n > 0 ? (double)zeros / (double)n : 0;
}
