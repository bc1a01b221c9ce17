/* Histograms and their grids: the counting that weights and activations share, and what the grid of
 * a block is. Called by eng-distribution-weights.c and -activations.c; reads no model. */
#include "eng-distribution-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kn-quant.h"
#include "kn-matmul.h"

/* ---- grids of block formats ---- */

/* Where the codes lie in a block, and how many values share a scale. The rest of the block is
 * scales. */
typedef struct
{
  int dtype;
  guint code_offset, code_bytes, part_len;
  int low, high;
  guint8 high_byte; /* codes all at @high, where that is not all bits; 0: it is */
} Layout;

static const Layout layouts[] = {
  { KN_Q8_0, 2, 32, 32, -128, 127 },
  { KN_Q4_0, 2, 16, 32, 0, 15 },
  { KN_Q4_1, 4, 16, 32, 0, 15 },
  { KN_Q5_0, 2, 20, 32, 0, 31 },
  { KN_Q5_1, 4, 20, 32, 0, 31 },
  { KN_Q4_K, 16, 128, 32, 0, 15 },
  { KN_Q5_K, 16, 160, 32, 0, 31 },
  { KN_Q6_K, 0, 192, 16, 0, 63 },
  /* One scale per row: it and any block of its codes. */
  { KN_W8A8, 4, 32, 32, -128, 127 },
  { KN_W4A8, 4, 16, 32, 0, 15 },
  { KN_Q2_K, 16, 64, 16, 0, 3 },
  { KN_Q2_64, 8, 16, 16, 0, 3 },
  { KN_Q1_64, 2, 8, 64, 0, 1 },
  { KN_Q3_64, 4, 24, 16, 0, 7 },
  { KN_Q3_K, 0, 96, 16, 0, 7 },
  { KN_TQ1_0, 0, 52, 256, 0, 2 },
  { KN_TQ2_0, 0, 64, 256, 0, 2, 0xaa },
};

#define MAX_BLOCK_BYTES 256
#define MAX_BLOCK_LEN 256

static const Layout *
find_layout (int dtype)
{
  dtype = (int)kn_rows_dtype ((KnDtype)dtype);
  for (guint i = 0; i < G_N_ELEMENTS (layouts); i++)
    if (layouts[i].dtype == dtype)
      return &layouts[i];
  return NULL;
}

guint
eng_grid_n_parts (int dtype)
{
  const Layout *layout = find_layout (dtype);
  return layout != NULL ? kn_dtype_info (dtype)->block_len / layout->part_len : 0;
}

/* The block with all codes at one end, through the format's own definition. */
static double
level_at_end (const Layout *layout, const guint8 *block, guint part, gboolean high)
{
  guint8 copy[MAX_BLOCK_BYTES];
  float values[MAX_BLOCK_LEN];
  const KnDtypeInfo *info = kn_dtype_info (layout->dtype);

  memcpy (copy, block, info->header_bytes + info->block_bytes);
  if (layout->low < 0) /* signed bytes */
    memset (copy + layout->code_offset, high ? 0x7f : 0x80, layout->code_bytes);
  else
    memset (copy + layout->code_offset,
            !high                    ? 0
            : layout->high_byte != 0 ? layout->high_byte
                                     : 0xff,
            layout->code_bytes);
  kn_dequantize_row (layout->dtype, copy, values, info->block_len);
  return (double)values[part * layout->part_len];
}

void
eng_grid_of_block (int dtype, const void *block, guint part, EngGrid *grid)
{
  const Layout *layout = find_layout (dtype);
  g_return_if_fail (layout != NULL && part < eng_grid_n_parts (dtype));

  double low = level_at_end (layout, block, part, FALSE);
  double high = level_at_end (layout, block, part, TRUE);
  grid->low = layout->low;
  grid->high = layout->high;
  grid->step = (high - low) / (layout->high - layout->low);
  grid->offset = low - grid->step * layout->low;
}

/* ---- counting ---- */

void
eng_distribution_free (EngDistribution *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->format);
  g_free (self->source);
  g_free (self->grid_note);
  g_free (self);
}

void
eng_distributing_init (EngDistributing *self, EngDistributionKind kind, const char *name)
{
  *self = (EngDistributing){ .distribution = g_new0 (EngDistribution, 1) };
  self->distribution->kind = kind;
  self->distribution->name = g_strdup (name);
  self->distribution->min = INFINITY;
  self->distribution->max = -INFINITY;
  self->distribution->clipped_frac = self->distribution->entropy_bits = NAN;
  self->distribution->sqnr_db = NAN;
  self->grids = g_array_new (FALSE, FALSE, sizeof (EngGrid));
}

void
eng_distributing_clear (EngDistributing *self)
{
  eng_distribution_free (self->distribution);
  g_array_unref (self->grids);
}

void
eng_distributing_look (EngDistributing *self, const float *values, gsize n)
{
  EngDistribution *d = self->distribution;

  d->n += n;
  for (gsize i = 0; i < n; i++)
    {
      double x = (double)values[i];
      if (!isfinite (x))
        {
          d->n_not_finite++;
          continue;
        }
      d->min = MIN (d->min, x);
      d->max = MAX (d->max, x);
      self->sum += x;
      self->squares += x * x;
    }
}

void
eng_distributing_end_look (EngDistributing *self)
{
  EngDistribution *d = self->distribution;
  double n = (double)(d->n - d->n_not_finite);

  if (n == 0)
    d->min = d->max = 0;
  d->mean = n > 0 ? self->sum / n : 0;
  d->sd = n > 0 ? sqrt (MAX (0, self->squares / n - d->mean * d->mean)) : 0;
  d->bin_low = d->min;
  d->bin_width = (d->max - d->min) / ENG_DISTRIBUTION_BINS;
  if (!(d->bin_width > 0)) /* one number only */
    {
      d->bin_width = MAX (fabs (d->min), 1) / ENG_DISTRIBUTION_BINS;
      d->bin_low = d->min - d->bin_width * ENG_DISTRIBUTION_BINS / 2;
    }
}

static guint
bin_of (const EngDistribution *d, double x)
{
  double at = floor ((x - d->bin_low) / d->bin_width);
  return (guint)CLAMP (at, 0, ENG_DISTRIBUTION_BINS - 1);
}

void
eng_distributing_count (EngDistributing *self, const float *values, gsize n)
{
  EngDistribution *d = self->distribution;

  for (gsize i = 0; i < n; i++)
    {
      double x = (double)values[i];
      if (!isfinite (x))
        continue;
      d->counts[bin_of (d, x)]++;
      d->n_outliers += fabs (x - d->mean) > ENG_OUTLIER_SD * d->sd;
    }
}

static void
count_codes (EngDistributing *self, const float *values, const float *rounded, gsize n,
             const EngGrid *grid)
{
  double low = eng_grid_level (grid, grid->low), high = eng_grid_level (grid, grid->high);
  double bottom = MIN (low, high) - fabs (grid->step) / 2,
         top = MAX (low, high) + fabs (grid->step) / 2;

  g_array_append_val (self->grids, *grid);
  for (gsize i = 0; i < n; i++)
    {
      double x = (double)values[i];
      double code = grid->step != 0 ? rint (((double)rounded[i] - grid->offset) / grid->step) : 0;
      if (!isfinite (x))
        continue;
      self->n_clipped += x < bottom || x > top;
      self->codes[(guint)(CLAMP (code, grid->low, grid->high) - grid->low)]++;
      self->n_coded++;
    }
}

void
eng_distributing_round (EngDistributing *self, const float *values, const float *rounded, gsize n,
                        const EngGrid *grid)
{
  EngDistribution *d = self->distribution;

  d->has_rounded = TRUE;
  for (gsize i = 0; i < n; i++)
    {
      double x = (double)values[i], y = (double)rounded[i];
      if (!isfinite (x) || !isfinite (y))
        continue;
      d->rounded_counts[bin_of (d, y)]++;
      self->signal += x * x;
      self->noise += (y - x) * (y - x);
    }
  if (grid != NULL)
    count_codes (self, values, rounded, n, grid);
}

static int
by_step (const void *a, const void *b)
{
  double x = fabs (((const EngGrid *)a)->step), y = fabs (((const EngGrid *)b)->step);
  return (x > y) - (x < y);
}

static double
entropy_of (const guint64 *codes, guint64 n)
{
  double entropy = 0;
  for (guint i = 0; i < 256; i++)
    if (codes[i] > 0)
      {
        double p = (double)codes[i] / (double)n;
        entropy -= p * log2 (p);
      }
  return entropy;
}

static double
step_at (GArray *grids, double share)
{
  return fabs (g_array_index (grids, EngGrid, (guint)(share * (grids->len - 1))).step);
}

EngDistribution *
eng_distributing_finish (EngDistributing *self, guint code_bits, const char *what)
{
  EngDistribution *d = self->distribution;

  if (d->has_rounded && self->signal > 0)
    d->sqnr_db = self->noise > 0 ? 10 * log10 (self->signal / self->noise) : INFINITY;
  if (self->grids->len > 0)
    {
      qsort (self->grids->data, self->grids->len, sizeof (EngGrid), by_step);
      d->has_grid = TRUE;
      d->n_grids = self->grids->len;
      d->grid = g_array_index (self->grids, EngGrid, (self->grids->len - 1) / 2);
      d->step_p5 = step_at (self->grids, 0.05);
      d->step_median = step_at (self->grids, 0.5);
      d->step_p95 = step_at (self->grids, 0.95);
      d->code_bits = code_bits;
      if (self->n_coded > 0)
        {
          d->clipped_frac = (double)self->n_clipped / (double)self->n_coded;
          d->entropy_bits = entropy_of (self->codes, self->n_coded);
        }
      g_free (d->grid_note);
      d->grid_note = d->n_grids > 1 ? g_strdup_printf ("one of %" G_GUINT64_FORMAT
                                                       " %s: the one with the median step",
                                                       d->n_grids, what)
                                    : g_strdup_printf ("one grid for all");
    }
  self->distribution = NULL;
  eng_distributing_clear (self);
  return d;
}
