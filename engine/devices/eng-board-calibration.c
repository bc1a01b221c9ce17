/* The fit and what follows from it: numbers alone, no board, no clock. eng-board-references.c
 * measures what goes in; window and command line show what comes out. */
#include "eng-board-calibration.h"

#include <math.h>
#include <string.h>

#include "eng-board-fit.h"
#include "eng-error.h"
#include "eng-figure.h"

#define N_NUMBERS 3 /* features that are no operators */

struct _EngBoardCalibration
{
  gatomicrefcount ref_count;
  EngBoardReference *references;
  guint n;
  EngBoardBasis basis;
  double step_factor, step_spread;
  char *about;
  gint64 time;

  double mean[N_NUMBERS], deviation[N_NUMBERS], least[N_NUMBERS], most[N_NUMBERS];
  const char *kinds[ENG_BOARD_MAX_FEATURES - N_NUMBERS];
  guint n_kinds;
  EngBoardFit fit;
  double *left_out; /* [n] ln (T / t) expected without the reference */
};

/* ---- the calibration ---- */

static gboolean
is_time (double ns)
{
  return isfinite (ns) && ns > 0 && ns < 1e15;
}

static void
get_numbers (const EngBoardLayer *layer, double *z)
{
  z[0] = layer->is_int8 ? 1 : 0;
  z[1] = log ((layer->n_ops + 1) / (layer->n_bytes + 1));
  z[2] = log (layer->host_ns);
}

/* Operators that do the same are one kind, whatever is fused into them and in which arithmetic: a
 * feature says that. */
static const struct
{
  const char *op, *kind;
} same[] = {
  { "qkv", "matmul" },
  { "gate-up", "matmul" },
  { "matmul-skip", "matmul" },
  { "gate-up-skip", "matmul" },
  { "matmul_nd", "matmul" },
  { "gemm", "matmul" },
  { "fully_connected", "matmul" },
  { "fully_connected_int8", "matmul" },
  { "fully_connected_hybrid", "matmul" },
  { "conv_int8", "conv" },
  { "depthwise_int8", "depthwise" },
  { "average_pool_int8", "average-pool" },
  { "max_pool_int8", "max-pool" },
  { "add_int8", "add" },
};

static const char *
kind_of (const char *op)
{
  for (guint i = 0; i < G_N_ELEMENTS (same); i++)
    if (g_strcmp0 (op, same[i].op) == 0)
      return same[i].kind;
  return op;
}

static guint
count_features (const EngBoardCalibration *self)
{
  return N_NUMBERS + self->n_kinds;
}

static gboolean
is_known (const EngBoardCalibration *self, const char *op)
{
  for (guint i = 0; i < self->n_kinds; i++)
    if (g_strcmp0 (kind_of (op), self->kinds[i]) == 0)
      return TRUE;
  return FALSE;
}

/* Numbers in standard deviations of the references, and no further out than they are. */
static void
get_features (const EngBoardCalibration *self, const EngBoardLayer *layer, double *z)
{
  get_numbers (layer, z);
  for (guint i = 0; i < N_NUMBERS; i++)
    z[i] = (CLAMP (z[i], self->least[i], self->most[i]) - self->mean[i]) / self->deviation[i];
  for (guint i = 0; i < self->n_kinds; i++)
    z[N_NUMBERS + i] = g_strcmp0 (kind_of (layer->op), self->kinds[i]) == 0 ? 1 : 0;
}

static double
expect_log (const EngBoardCalibration *self, const EngBoardLayer *layer)
{
  double z[ENG_BOARD_MAX_FEATURES];

  get_features (self, layer, z);
  return eng_board_fit_expect (&self->fit, z);
}

/* What one layer of its own adds to the variance of what is left over: a kind without a reference
 * was drawn from what kinds are drawn from. */
static double
variance_of_kind (const EngBoardCalibration *self, const char *op)
{
  return is_known (self, op) ? 0 : 1 / self->fit.lambda;
}

/* Half the width of the band, as a logarithm. */
static double
band_of (const EngBoardCalibration *self, const EngBoardLayer *layer)
{
  double z[ENG_BOARD_MAX_FEATURES];

  get_features (self, layer, z);
  return self->fit.band
         * sqrt (1 + eng_board_fit_leverage (&self->fit, z) + variance_of_kind (self, layer->op));
}

static void
standardize (EngBoardCalibration *self)
{
  for (guint i = 0; i < N_NUMBERS; i++)
    {
      double sum = 0, squares = 0;
      self->least[i] = INFINITY;
      self->most[i] = -INFINITY;
      for (guint r = 0; r < self->n; r++)
        {
          double z[N_NUMBERS];
          get_numbers (&self->references[r].layer, z);
          sum += z[i];
          squares += z[i] * z[i];
          self->least[i] = fmin (self->least[i], z[i]);
          self->most[i] = fmax (self->most[i], z[i]);
        }
      self->mean[i] = sum / self->n;
      double variance = squares / self->n - self->mean[i] * self->mean[i];
      self->deviation[i] = variance > 1e-9 ? sqrt (variance) : 1;
    }
}

static void
list_kinds (EngBoardCalibration *self)
{
  for (guint r = 0; r < self->n; r++)
    {
      const char *op = self->references[r].layer.op;
      if (op != NULL && !is_known (self, op) && self->n_kinds < G_N_ELEMENTS (self->kinds))
        self->kinds[self->n_kinds++] = kind_of (op);
    }
}

static void
fit_all (EngBoardCalibration *self)
{
  standardize (self);
  list_kinds (self);
  guint p = count_features (self);
  g_autofree double *x = g_new (double, (gsize)self->n *p), *y = g_new (double, self->n);

  for (guint r = 0; r < self->n; r++)
    {
      double z[ENG_BOARD_MAX_FEATURES];
      get_features (self, &self->references[r].layer, z);
      memcpy (x + r * p, z, p * sizeof *z);
      y[r] = log (self->references[r].board_ns / self->references[r].layer.host_ns);
    }
  eng_board_fit (&self->fit, x, y, self->n, p, self->left_out);
}

EngBoardCalibration *
eng_board_calibration_new (const EngBoardReference *references, guint n, EngBoardBasis basis,
                           double step_factor, double step_spread, const char *about, gint64 time,
                           GError **error)
{
  gboolean fine = isfinite (step_factor) && step_factor > 0.1 && step_factor < 100
                  && isfinite (step_spread) && step_spread >= 0 && step_spread < 5;

  if (n < ENG_BOARD_MIN_REFERENCES)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "A board cannot be calibrated by %u reference layers: %d are needed at least", n,
                   ENG_BOARD_MIN_REFERENCES);
      return NULL;
    }
  for (guint i = 0; i < n; i++)
    fine = fine && is_time (references[i].layer.host_ns) && is_time (references[i].board_ns)
           && isfinite (references[i].layer.n_ops) && references[i].layer.n_ops >= 0
           && isfinite (references[i].layer.n_bytes) && references[i].layer.n_bytes >= 0;
  if (!fine)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_RANGE,
                           "A reference layer's time is none: calibrate the board again");
      return NULL;
    }
  EngBoardCalibration *self = g_new0 (EngBoardCalibration, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->n = n;
  self->references = g_memdup2 (references, n * sizeof *references);
  for (guint i = 0; i < n; i++)
    self->references[i].name = g_strdup (references[i].name);
  self->basis = basis;
  self->step_factor = step_factor;
  self->step_spread = step_spread;
  self->about = g_strdup (about);
  self->time = time;
  self->left_out = g_new0 (double, n);
  fit_all (self);
  return self;
}

EngBoardCalibration *
eng_board_calibration_ref (EngBoardCalibration *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_board_calibration_unref (EngBoardCalibration *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  for (guint i = 0; i < self->n; i++)
    g_free (self->references[i].name);
  g_free (self->references);
  g_free (self->left_out);
  g_free (self->about);
  g_free (self);
}

guint
eng_board_calibration_get_n (EngBoardCalibration *self)
{
  return self->n;
}

const EngBoardReference *
eng_board_calibration_get (EngBoardCalibration *self, guint i)
{
  g_return_val_if_fail (i < self->n, NULL);
  return &self->references[i];
}

double
eng_board_calibration_get_left_out_ns (EngBoardCalibration *self, guint i)
{
  g_return_val_if_fail (i < self->n, NAN);
  return exp (self->left_out[i]) * self->references[i].layer.host_ns;
}

EngBoardBasis
eng_board_calibration_get_basis (EngBoardCalibration *self)
{
  return self->basis;
}

double
eng_board_calibration_get_step_factor (EngBoardCalibration *self)
{
  return self->step_factor;
}

double
eng_board_calibration_get_step_spread (EngBoardCalibration *self)
{
  return self->step_spread;
}

double
eng_board_calibration_get_band (EngBoardCalibration *self)
{
  double sum = 0;

  for (guint r = 0; r < self->n; r++)
    sum += band_of (self, &self->references[r].layer) / self->n;
  return exp (sum);
}

const char *
eng_board_calibration_get_about (EngBoardCalibration *self)
{
  return self->about;
}

gint64
eng_board_calibration_get_time (EngBoardCalibration *self)
{
  return self->time;
}

/* Three digits, and never an exponent. */
static void
add_factor (GString *text, double factor)
{
  g_string_append_printf (text, factor < 100 ? "%.3g" : "%.0f", factor);
}

char *
eng_board_calibration_dup_text (EngBoardCalibration *self)
{
  double low = INFINITY, high = -INFINITY, sum = 0;
  GString *text = g_string_new (NULL);

  for (guint r = 0; r < self->n; r++)
    {
      double expected = expect_log (self, &self->references[r].layer);
      low = fmin (low, expected);
      high = fmax (high, expected);
      sum += expected / self->n;
    }
  add_factor (text, exp (sum));
  g_string_append (text, self->basis == ENG_BOARD_BASIS_HOST ? " times as long as here"
                                                             : " ns for an instruction");
  if (high - low > 0.05)
    {
      g_string_append (text, " (");
      add_factor (text, exp (low));
      g_string_append (text, " to ");
      add_factor (text, exp (high));
      g_string_append (text, ", by kind of layer)");
    }
  g_string_append_printf (text, "; a layer is within a factor of %.2f nine times out of ten",
                          eng_board_calibration_get_band (self));
  return g_string_free (text, FALSE);
}

/* ---- predicting ---- */

/* What layers of one kind and arithmetic are off by in the same direction. */
typedef struct
{
  double share;    /* of the time */
  double variance; /* 1: known; more: of a kind without a reference */
} Group;

static double
sum_groups (const EngBoardCalibration *self, const EngBoardLayer *layers,
            const EngBoardExpected *expected, guint n, double total)
{
  g_autoptr (GHashTable) groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer value;
  double sum = 0;

  for (guint i = 0; i < n; i++)
    {
      const char *kind = kind_of (layers[i].op);
      char *name = g_strdup_printf ("%d %s", layers[i].is_int8, kind != NULL ? kind : "");
      Group *group = g_hash_table_lookup (groups, name);
      if (group == NULL)
        {
          group = g_new0 (Group, 1);
          group->variance = 1 + variance_of_kind (self, layers[i].op);
          g_hash_table_insert (groups, name, group);
        }
      else
        g_free (name);
      group->share += expected[i].ns / total;
    }
  g_hash_table_iter_init (&iter, groups);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Group *group = value;
      sum += group->share * group->share * group->variance;
    }
  return sum;
}

/* The leverage of a whole: of its layers' features, each with its share of the time. */
static double
leverage_of_whole (const EngBoardCalibration *self, const EngBoardLayer *layers,
                   const EngBoardExpected *expected, guint n, double total)
{
  double mean[ENG_BOARD_MAX_FEATURES] = { 0 }, z[ENG_BOARD_MAX_FEATURES];

  for (guint i = 0; i < n; i++)
    {
      if (layers[i].host_ns == 0)
        continue;
      get_features (self, &layers[i], z);
      for (guint k = 0; k < count_features (self); k++)
        mean[k] += z[k] * expected[i].ns / total;
    }
  return eng_board_fit_leverage (&self->fit, mean);
}

static void
put_band (EngBoardExpected *expected, double band)
{
  expected->low_ns = expected->ns * exp (-band);
  expected->high_ns = expected->ns * exp (band);
}

static const char never_timed[]
    = "a layer of it was not timed on this computer yet";

void
eng_board_calibration_predict (EngBoardCalibration *self, const EngBoardLayer *layers, guint n,
                               EngBoardExpected *expected, EngBoardExpected *total)
{
  double sum = 0;

  g_return_if_fail (self != NULL && (n == 0 || (layers != NULL && expected != NULL)));
  for (guint i = 0; i < n; i++)
    {
      expected[i] = (EngBoardExpected){ NAN, NAN, NAN, never_timed };
      if (layers[i].host_ns == 0) /* a view of memory takes nothing anywhere */
        expected[i] = (EngBoardExpected){ 0, 0, 0, NULL };
      if (!is_time (layers[i].host_ns))
        continue;
      expected[i].ns = layers[i].host_ns * exp (expect_log (self, &layers[i]));
      expected[i].reason = NULL;
      put_band (&expected[i], band_of (self, &layers[i]));
    }
  for (guint i = 0; i < n; i++)
    sum += expected[i].ns;
  if (total == NULL)
    return;
  *total = (EngBoardExpected){ sum, sum, sum, isfinite (sum) ? NULL : never_timed };
  if (isfinite (sum) && sum > 0)
    put_band (total, hypot (self->fit.band
                                * sqrt (leverage_of_whole (self, layers, expected, n, sum)
                                        + sum_groups (self, layers, expected, n, sum)),
                            self->step_spread));
}

void
eng_board_layer_init (EngBoardLayer *layer, EngProfile *profile, RtPhase phase, guint node)
{
  const RtCost *cost = eng_profile_get_node_cost (profile, node, phase);
  const EngPhaseProfile *data = eng_profile_get_phase (profile, phase);

  const char *signature = eng_profile_get_node_signature (profile, node);
  g_autofree char *op = signature != NULL ? g_strndup (signature, strcspn (signature, " |")) : NULL;

  *layer = (EngBoardLayer){
    .op = g_intern_string (op),
    .host_ns = data->nodes[node].n > 0 ? data->nodes[node].median_ns : NAN,
    .n_ops = (double)cost->flops,
    .n_bytes = (double)cost->weight_bytes + (double)cost->read_bytes + (double)cost->write_bytes,
    .is_int8 = eng_profile_get_node_arithmetic (profile, node) == ENG_ARITHMETIC_INT8,
  };
}
