/* Sparsity: the choice of weights beside sorting, the stored form's logits beside the dense ones'
 * bits, what a build takes, what is said, refusals, recipes and determinism. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-estimate.h"
#include "eng-kernel-bench.h"
#include "eng-product-times.h"
#include "eng-rounding.h"
#include "eng-run-verdict.h"
#include "eng-sketch.h"
#include "eng-sparsify.h"
#include "eng-technique.h"
#include "eng-test-times.h"
#include "eng-test.h"
#include "kn-sparse.h"

static const gint32 prompt[] = { 1, 17, 300, 42, 7, 250, 9, 99, 128, 5 };

/* Magnitudes: nothing to calibrate. */
#define RECIPE(kind, share, storage)                                                               \
  "{\"weight-format\": {\"format\": \"q8_0\"}, \"sparsity\": {\"kind\": \"" kind                   \
  "\", \"share\": " #share ", \"criterion\": \"magnitude\", \"storage\": \"" storage "\"}}"

static double
distance (const float *a, const float *b, guint n)
{
  double sum = 0;
  for (guint i = 0; i < n; i++)
    sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
  return sqrt (sum / n);
}

/* ---- the choice ---- */

typedef struct
{
  double score;
  guint index;
} Scored;

static int
by_score (const void *a, const void *b)
{
  const Scored *x = a, *y = b;
  if (x->score != y->score)
    return x->score < y->score ? -1 : 1;
  return x->index > y->index ? -1 : 1; /* of equal ones the later goes first */
}

/* Whether exactly the @k of @n scored least are zero in @got. */
static void
check_least (const float *before, const float *got, const float *moments, guint n, guint k)
{
  g_autofree Scored *scored = g_new (Scored, n);

  for (guint i = 0; i < n; i++)
    scored[i]
        = (Scored){ (double)(fabsf (before[i]) * (moments != NULL ? sqrtf (moments[i]) : 1)), i };
  qsort (scored, n, sizeof *scored, by_score);
  for (guint i = 0; i < n; i++)
    {
      guint at = scored[i].index;
      if (got[at] != (i < k ? 0 : before[at]))
        g_error ("%u. of %u: %g became %g", i, n, (double)before[at], (double)got[at]);
    }
}

#define ROWS 13
#define COLS 96

static void
fill (float *data, float *moments)
{
  for (guint i = 0; i < ROWS * COLS; i++)
    /* Few levels: many ties. */
    data[i] = (float)g_test_rand_int_range (1, i % 3 == 0 ? 6 : 4000)
              * (g_test_rand_bit () ? 0.25f : -0.25f);
  for (guint c = 0; c < COLS; c++)
    moments[c] = (float)g_test_rand_double_range (0.01, 4);
}

static void
test_choice (void)
{
  float data[ROWS * COLS], before[ROWS * COLS], moments[COLS];
  static const double shares[] = { 0, 0.1, 0.5, 0.73, 0.95, 1 };

  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      EngSparsePattern pattern = { .share = shares[i] };
      fill (before, moments);
      memcpy (data, before, sizeof data);
      eng_sparsify (data, ROWS, COLS, NULL, &pattern);
      check_least (before, data, NULL, ROWS * COLS, (guint)floor (shares[i] * ROWS * COLS + 0.5));
      memcpy (data, before, sizeof data);
      eng_sparsify (data, ROWS, COLS, moments, &pattern);
      for (guint r = 0; r < ROWS; r++)
        check_least (before + r * COLS, data + r * COLS, moments, COLS,
                     (guint)floor (shares[i] * COLS + 0.5));
      g_assert_cmpfloat (fabs (eng_share_of_zeros (data, ROWS * COLS) - shares[i]), <,
                         0.5 / COLS + 1e-9);
    }
}

static void
test_patterns (void)
{
  static const EngSparsePattern patterns[] = { { 2, 4, 0 }, { 4, 8, 0 }, { 1, 4, 0 } };
  float data[ROWS * COLS], before[ROWS * COLS], moments[COLS];

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    for (guint weighted = 0; weighted < 2; weighted++)
      {
        guint of = patterns[i].of;
        fill (before, moments);
        memcpy (data, before, sizeof data);
        eng_sparsify (data, ROWS, COLS, weighted ? moments : NULL, &patterns[i]);
        for (guint at = 0; at < ROWS * COLS; at += of)
          check_least (before + at, data + at, weighted ? moments + at % COLS : NULL, of,
                       of - patterns[i].keep);
      }
}

/* ---- with compensation ---- */

#define INPUTS 16
#define OUTPUTS 5

/* Second moments of inputs that go together: neighbours share a source. */
static void
make_moments (float *moments, float *inputs, guint n_samples)
{
  for (guint s = 0; s < n_samples; s++)
    {
      float shared = 0;
      for (guint i = 0; i < INPUTS; i++)
        {
          if (i % 4 == 0)
            shared = (float)g_test_rand_double_range (-1, 1);
          inputs[s * INPUTS + i] = shared + 0.3f * (float)g_test_rand_double_range (-1, 1);
        }
    }
  for (guint i = 0; i < INPUTS; i++)
    for (guint j = 0; j < INPUTS; j++)
      {
        double sum = 0;
        for (guint s = 0; s < n_samples; s++)
          sum += (double)inputs[s * INPUTS + i] * (double)inputs[s * INPUTS + j];
        moments[i * INPUTS + j] = (float)(sum / n_samples);
      }
}

static double
output_error (const float *a, const float *b, const float *inputs, guint n_samples)
{
  double sum = 0;

  for (guint s = 0; s < n_samples; s++)
    for (guint r = 0; r < OUTPUTS; r++)
      {
        double difference = 0;
        for (guint c = 0; c < INPUTS; c++)
          difference += ((double)a[r * INPUTS + c] - (double)b[r * INPUTS + c])
                        * (double)inputs[s * INPUTS + c];
        sum += difference * difference;
      }
  return sum / n_samples;
}

/* One weight removed: the best that the columns after it can do is a least-squares problem, solved
 * here by elimination: A d = w_0 b with A the moments of columns 1.., b theirs with column 0. */
static void
best_after_first (const float *moments, double damping, float w0, const float *before, double *best)
{
  double a[INPUTS - 1][INPUTS];
  guint n = INPUTS - 1;

  for (guint i = 0; i < n; i++)
    {
      for (guint j = 0; j < n; j++)
        a[i][j] = (double)moments[(i + 1) * INPUTS + j + 1] + (i == j ? damping : 0);
      a[i][n] = (double)w0 * (double)moments[(i + 1) * INPUTS];
    }
  for (guint i = 0; i < n; i++)
    for (guint k = i + 1; k < n; k++)
      {
        double factor = a[k][i] / a[i][i];
        for (guint j = i; j <= n; j++)
          a[k][j] -= factor * a[i][j];
      }
  for (guint i = n; i-- > 0;)
    {
      for (guint j = i + 1; j < n; j++)
        a[i][n] -= a[i][j] * (best[j + 1] - (double)before[j + 1]);
      best[i + 1] = (double)before[i + 1] + a[i][n] / a[i][i];
    }
  best[0] = 0;
}

static void
test_compensation (void)
{
  enum
  {
    N = 400
  };
  g_autofree float *inputs = g_new (float, N *INPUTS);
  float moments[INPUTS * INPUTS], data[OUTPUTS * INPUTS], before[OUTPUTS * INPUTS];
  static const EngSparsePattern patterns[] = { { 0, 0, 0.5 }, { 2, 4, 0 }, { 4, 8, 0 } };
  const double damping = 0.01;
  RtPool *pool = rt_pool_new (1, NULL);
  double mean = 0;

  make_moments (moments, inputs, N);
  for (guint i = 0; i < INPUTS; i++)
    mean += (double)moments[i * INPUTS + i] / INPUTS;
  g_autofree float *factor = eng_inverse_factor_new (moments, INPUTS, damping, pool, NULL, NULL);
  rt_pool_free (pool);
  for (guint i = 0; i < OUTPUTS * INPUTS; i++)
    before[i] = (float)g_test_rand_double_range (0.5, 1) * (g_test_rand_bit () ? 1 : -1);

  for (guint k = 0; k < G_N_ELEMENTS (patterns); k++)
    {
      float plain[OUTPUTS * INPUTS];
      memcpy (data, before, sizeof data);
      memcpy (plain, before, sizeof plain);
      g_assert_true (
          eng_sparsify_compensated (data, OUTPUTS, INPUTS, factor, &patterns[k], NULL, NULL));
      eng_sparsify (plain, OUTPUTS, INPUTS, NULL, &patterns[k]);
      g_assert_cmpfloat (eng_share_of_zeros (data, OUTPUTS * INPUTS), ==, 0.5);
      for (guint at = 0; patterns[k].of != 0 && at < OUTPUTS * INPUTS; at += patterns[k].of)
        g_assert_cmpfloat (eng_share_of_zeros (data + at, patterns[k].of), ==, 0.5);
      g_assert_cmpfloat (output_error (data, before, inputs, N), <,
                         0.7 * output_error (plain, before, inputs, N));
    }

  /* A weight so small that it alone goes, in the first column: what the others become is known. */
  double best[INPUTS];
  EngSparsePattern one = { .share = 1.0 / INPUTS };
  before[0] = 0.01f;
  memcpy (data, before, sizeof data);
  g_assert_true (eng_sparsify_compensated (data, 1, INPUTS, factor, &one, NULL, NULL));
  best_after_first (moments, damping * mean, before[0], before, best);
  for (guint c = 0; c < INPUTS; c++)
    g_assert_cmpfloat_with_epsilon ((double)data[c], best[c], 2e-6);
}

/* ---- the build ---- */

/* The zeros of all matrices of the blocks as they are packed. */
static double
packed_zeros (EngBuild *build, guint *n_sparse)
{
  EngModel *model = eng_build_get_model (build);
  double zeros = 0, all = 0;

  *n_sparse = 0;
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      const RtWeight *weight = eng_build_get_weight (build, tensor);
      if (tensor->layer < 0 || tensor->layer >= (int)eng_model_get_n_layers (model))
        continue;
      *n_sparse += kn_sparse_base ((int)rt_weight_dtype (weight)) >= 0;
      g_autofree float *row = g_new (float, tensor->n_cols);
      for (guint64 r = 0; r < tensor->n_rows; r++)
        {
          kn_unpack_row (rt_weight_dtype (weight), rt_weight_panel (weight, r / KN_PANEL_ROWS),
                         r % KN_PANEL_ROWS, tensor->n_cols, row);
          zeros += eng_share_of_zeros (row, tensor->n_cols) * (double)tensor->n_cols;
          all += (double)tensor->n_cols;
        }
    }
  return zeros / all;
}

static void
check_same_bits (EngModel *model, const char *dense, const char *sparse)
{
  guint n_dense, n_sparse, n_matrices = 7 * eng_model_get_n_layers (model);
  g_autoptr (EngBuild) a = eng_test_build (model, dense, NULL);
  g_autoptr (EngBuild) b = eng_test_build (model, sparse, NULL);
  guint n = rt_exec_n_vocab (eng_build_get_exec (a));
  g_autofree float *x = eng_test_logits (a, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *y = eng_test_logits (b, prompt, G_N_ELEMENTS (prompt));
  RtMemory memory_a, memory_b;

  g_assert_cmpmem (x, n * sizeof *x, y, n * sizeof *y);
  /* Alone, too: decoding takes another way than a prompt. */
  g_autofree float *x1 = eng_test_logits (a, prompt, 1);
  g_autofree float *y1 = eng_test_logits (b, prompt, 1);
  g_assert_cmpmem (x1, n * sizeof *x1, y1, n * sizeof *y1);
  g_assert_cmpfloat (packed_zeros (a, &n_dense), ==, packed_zeros (b, &n_sparse));
  g_assert_cmpuint (n_dense, ==, 0);
  g_assert_cmpuint (n_sparse, ==, n_matrices);
  eng_build_get_memory (a, &memory_a);
  eng_build_get_memory (b, &memory_b);
  g_assert_cmpuint (memory_b.weight_bytes, <, memory_a.weight_bytes);
  g_assert_cmpstr (eng_build_get_hash (a), !=, eng_build_get_hash (b));
}

static void
test_stored (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();

  check_same_bits (model, RECIPE ("unstructured", 50, "dense"),
                   RECIPE ("unstructured", 50, "sparse"));
  check_same_bits (model, RECIPE ("unstructured", 90, "dense"),
                   RECIPE ("unstructured", 90, "sparse"));
  check_same_bits (model, RECIPE ("2:4", 50, "dense"), RECIPE ("2:4", 50, "sparse"));
  check_same_bits (model, RECIPE ("4:8", 50, "dense"), RECIPE ("4:8", 50, "sparse"));
  check_same_bits (model,
                   "{\"weight-format\": {\"format\": \"q4_0\"}, \"sparsity\": {\"kind\": \"2:4\", "
                   "\"criterion\": \"magnitude\", \"storage\": \"dense\"}}",
                   "{\"weight-format\": {\"format\": \"q4_0\"}, \"sparsity\": {\"kind\": \"2:4\", "
                   "\"criterion\": \"magnitude\", \"storage\": \"sparse\"}}");
}

/* More zeros take the model further away; what is asked for is what is packed; unlike 2:4, 4:8 and
 * anywhere leave more freedom, which keeps it nearer. */
static void
test_loss (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  static const char *const recipes[]
      = { RECIPE ("unstructured", 10, "dense"), RECIPE ("unstructured", 30, "dense"),
          RECIPE ("unstructured", 50, "dense"), RECIPE ("unstructured", 90, "dense") };
  static const double shares[] = { 0.1, 0.3, 0.5, 0.9 };
  guint n = rt_exec_n_vocab (eng_build_get_exec (plain)), n_sparse;
  g_autofree float *wanted = eng_test_logits (plain, prompt, G_N_ELEMENTS (prompt));
  double before = 0;

  for (guint i = 0; i < G_N_ELEMENTS (recipes); i++)
    {
      g_autoptr (EngBuild) build = eng_test_build (model, recipes[i], plain);
      g_autofree float *got = eng_test_logits (build, prompt, G_N_ELEMENTS (prompt));
      double now = distance (got, wanted, n), zeros = packed_zeros (build, &n_sparse);
      /* Rounding to 8 bits makes some more zeros of the smallest. */
      g_assert_cmpfloat (zeros, >=, shares[i] - 1e-3);
      g_assert_cmpfloat (zeros, <=, shares[i] + 0.03);
      g_assert_cmpfloat (now, >, before);
      before = now;
    }
}

static void
test_wanda (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngBuild) magnitude
      = eng_test_build (model, RECIPE ("unstructured", 60, "dense"), NULL);
  static const char wanda_text[]
      = "{\"weight-format\": {\"format\": \"q8_0\"}, \"calibration\": {\"tokens\": 1024}, "
        "\"sparsity\": {\"kind\": \"unstructured\", \"share\": 60.0, \"storage\": \"dense\"}}";
  g_autoptr (EngBuild) wanda = eng_test_build (model, wanda_text, NULL);
  g_autoptr (EngBuild) again = eng_test_build (model, wanda_text, NULL);
  guint n = rt_exec_n_vocab (eng_build_get_exec (plain)), n_sparse;
  g_autofree float *x = eng_test_logits (plain, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *m = eng_test_logits (magnitude, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *w = eng_test_logits (wanda, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *v = eng_test_logits (again, prompt, G_N_ELEMENTS (prompt));

  g_test_message ("60 %% zeros: distance of logits %.3f by activations, %.3f by magnitude",
                  distance (w, x, n), distance (m, x, n));
  g_assert_cmpfloat (distance (w, x, n), >, 0);
  g_assert_cmpfloat (packed_zeros (wanda, &n_sparse), >=, 0.595);
  g_assert_cmpmem (w, n * sizeof *w, v, n * sizeof *v);
  g_assert_cmpstr (eng_build_get_hash (wanda), ==, eng_build_get_hash (again));
  g_assert_cmpstr (eng_build_get_hash (wanda), !=, eng_build_get_hash (magnitude));
}

/* Compensated for, the same share of zeros takes the model less far away. */
static void
test_compensated_build (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngBuild) alone = eng_test_build (model, RECIPE ("2:4", 50, "sparse"), NULL);
  g_autoptr (EngBuild) made_up = eng_test_build (
      model,
      "{\"weight-format\": {\"format\": \"q8_0\"}, \"calibration\": {\"tokens\": 2048}, "
      "\"sparsity\": "
      "{\"kind\": \"2:4\", \"storage\": \"sparse\", \"compensation\": \"sparsegpt\"}}",
      NULL);
  guint n = rt_exec_n_vocab (eng_build_get_exec (plain)), n_sparse;
  g_autofree float *x = eng_test_logits (plain, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *a = eng_test_logits (alone, prompt, G_N_ELEMENTS (prompt));
  g_autofree float *m = eng_test_logits (made_up, prompt, G_N_ELEMENTS (prompt));

  g_test_message ("2:4: distance of logits %.3f compensated, %.3f by magnitude alone",
                  distance (m, x, n), distance (a, x, n));
  g_assert_cmpfloat (packed_zeros (made_up, &n_sparse), >=, 0.5);
  g_assert_cmpuint (n_sparse, ==, 7 * eng_model_get_n_layers (model));
  g_assert_cmpfloat (distance (m, x, n), <, distance (a, x, n));
}

/* By rules: only these matrices, and packed matrices of the others are shared with a build
 * without. */
static void
test_rules (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngBuild) build = eng_test_build (
      model,
      "{\"weight-format\": {\"format\": \"q8_0\"}, \"sparsity\": {\"criterion\": \"magnitude\", "
      "\"storage\": \"sparse\", \"rules\": [{\"match\": \"blk.1.*\", \"kind\": \"unstructured\", "
      "\"share\": 80.0}]}}",
      plain);

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      gboolean is_sparse = kn_sparse_base (eng_build_get_dtype (build, tensor)) >= 0;
      g_assert_true (is_sparse == (tensor->layer == 1));
      g_assert_true ((eng_build_get_weight (build, tensor) == eng_build_get_weight (plain, tensor))
                     == !is_sparse);
    }
}

/* A sketch expects what the build then takes, but for what rounding to 8 bits adds to the zeros. */
static void
test_sketch (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe (RECIPE ("unstructured", 70, "sparse"));
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, NULL);
  g_autoptr (EngBuild) build = eng_test_build (model, RECIPE ("unstructured", 70, "sparse"), NULL);
  RtMemory expected, got;

  eng_sketch_get_memory (sketch, &expected);
  eng_build_get_memory (build, &got);
  g_assert_cmpuint (got.weight_bytes, <=, expected.weight_bytes);
  g_assert_cmpfloat ((double)got.weight_bytes, >=, 0.97 * (double)expected.weight_bytes);
  /* What the nodes say they read is what is there. */
  const RtGraph *graph = eng_build_get_graph (build);
  guint64 sum = 0;
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      RtCost cost;
      rt_exec_cost (eng_build_get_exec (build), i, 1, 0, &cost);
      sum += rt_graph_node (graph, i)->layer == 2 ? cost.weight_bytes : 0;
    }
  EngLayerMemory layer;
  eng_build_get_layer_memory (build, 2, &layer);
  g_assert_cmpfloat (fabs ((double)sum - (double)layer.weight_bytes), <, 0.01 * (double)sum);
}

/* ---- what is said ---- */

static void
test_words (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  const EngTechnique *technique = eng_technique_find ("sparsity");
  g_autoptr (EngRecipe) dense = eng_test_recipe (RECIPE ("unstructured", 50, "dense"));
  g_autoptr (EngRecipe) sparse = eng_test_recipe (RECIPE ("unstructured", 50, "sparse"));
  g_autoptr (EngRecipe) none = eng_recipe_new ();
  g_autofree char *of_dense = technique->explain (model, dense, 1);
  g_autofree char *of_sparse = technique->explain (model, sparse, 1);
  g_autofree char *of_dense_verdict = technique->verdict (model, dense, NULL, 1);
  g_autofree char *of_sparse_verdict = technique->verdict (model, sparse, NULL, 1);
  g_autofree char *name = technique->describe (sparse);
  g_autoptr (EngBuild) f16 = eng_test_build (
      model,
      "{\"sparsity\": {\"kind\": \"2:4\", \"criterion\": \"magnitude\", \"storage\": \"sparse\"}}",
      NULL);

  g_assert_cmpstr (
      of_sparse_verdict, ==,
      "50 % unstructured: what it is worth here is not known yet: neither its products "
      "nor those of Q8_0 were timed in the same way (the window does while it is idle, lathe "
      "estimate --measure at once).");
  g_assert_nonnull (strstr (of_dense_verdict, "50 % unstructured: 0.0 % faster here: zeros are "
                                              "stored; the break-even is not known yet"));
  g_assert_nonnull (strstr (of_dense, "50 % zeros in 7 matrices, stored like other weights"));
  g_assert_nonnull (strstr (of_sparse, "7 stored sparse"));
  g_assert_null (technique->verdict (model, none, NULL, 1));
  g_assert_null (technique->verdict (model, sparse, NULL, -1));
  g_assert_null (technique->explain (model, none, 1));
  g_assert_null (technique->explain (model, sparse, -1)); /* the embedding */
  g_assert_cmpstr (name, ==, "50 % sparse by magnitude, zeros not stored");
  g_assert_null (technique->describe (none));
  g_assert_nonnull (strstr (eng_build_get_notes (f16)[0], "F16 has no sparse form"));
}

/* Straight lines between given points; the crossing by hand. */
static void
test_break_even (void)
{
  static const double shares[] = { 20, 40, 80 };
  static const double falling[] = { 120, 100, 60 }, flat[] = { 120, 115, 110 },
                      low[] = { 90, 80, 70 };
  static const double bumpy[] = { 90, 130, 90 };

  g_assert_cmpfloat_with_epsilon (eng_break_even_share (shares, falling, 3, 80), 60, 1e-9);
  g_assert_cmpfloat_with_epsilon (eng_break_even_share (shares, falling, 3, 110), 30, 1e-9);
  g_assert_true (isnan (eng_break_even_share (shares, flat, 3, 100)));
  /* Below the first point the first line goes on: 100 at 0, 95 at 10. */
  g_assert_cmpfloat_with_epsilon (eng_break_even_share (shares, low, 3, 95), 10, 1e-9);
  g_assert_cmpfloat_with_epsilon (eng_break_even_share (shares, low, 3, 200), 0, 1e-9);
  /* It is faster for good only from the last crossing on. */
  g_assert_cmpfloat_with_epsilon (eng_break_even_share (shares, bumpy, 3, 100), 70, 1e-9);
}

/* Bytes of the matrices of block 1: dense at density 1, else sparse. Panels of 16 rows: scales of 2
 * bytes for 32 codes, masks of 8 and codes of 64 bytes a line of 64, and what is read beyond, in
 * whole lines of the cache. */
static double
layer_bytes (EngModel *model, double density)
{
  double sum = 0;

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      double n_cols = (double)tensor->n_cols, n_panels = ceil ((double)tensor->n_rows / 16);
      if (tensor->layer == 1)
        sum += n_panels
               * (density == 1
                      ? 17 * n_cols
                      : 64 * ceil ((3 * n_cols + floor (16 * n_cols * density) + 64) / 64));
    }
  return sum;
}

/* A ns for every 16 bytes of dense weights, three for every 32 of sparse ones: break-even where a
 * third is saved. The true median may be 2 % less or 3 % more. */
#define DENSE (2.0 / 32)
#define SPARSE (3.0 / 32)
#define LOW ENG_TEST_LOW
#define HIGH ENG_TEST_HIGH

#define PREFIX "60 % unstructured: "

/* Tables made by hand: what is said are their sums, of one source, or why nothing can be said. */
static void
test_verdict (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  const EngTechnique *technique = eng_technique_find ("sparsity");
  g_autoptr (EngRecipe) sparse = eng_test_recipe (RECIPE ("unstructured", 60, "sparse"));
  g_autoptr (EngRecipe) stored = eng_test_recipe (RECIPE ("unstructured", 60, "dense"));
  g_autoptr (EngRecipe) pattern = eng_test_recipe (RECIPE ("2:4", 60, "sparse"));
  g_autoptr (EngRecipe) none = eng_test_recipe ("{\"weight-format\": {\"format\": \"q8_0\"}}");
  g_autoptr (EngKernelTimes) times = eng_kernel_times_open (NULL, NULL);
  guint n_recipes = 0;

  /* Sparse ones by themselves, dense ones in a run: these are not held against each other. */
  eng_test_add_times (times, model, none, DENSE, ENG_KERNEL_RUN);
  for (;; n_recipes++)
    {
      g_autoptr (EngRecipe) recipe = technique->timed (model, sparse, n_recipes);
      if (recipe == NULL)
        break;
      eng_test_add_times (times, model, recipe, SPARSE, ENG_KERNEL_BENCH);
    }
  g_assert_cmpuint (n_recipes, ==, 5);
  g_autofree char *mixed = technique->verdict (model, sparse, NULL, 1);
  g_assert_cmpstr (mixed, ==,
                   PREFIX "what it is worth here is not known yet: the products of Q8_0 were not "
                          "timed in the same way (the window does while it is idle, lathe estimate "
                          "--measure at once).");

  /* A run of the recipe beside the dense run: both in runs. */
  g_autoptr (EngRun) run = eng_test_make_run (model, sparse, SPARSE);
  g_autofree char *in_runs = technique->verdict (model, sparse, run, 1);
  double expected = 100 * (1 - 1.5 * layer_bytes (model, 0.4) / layer_bytes (model, 1));
  g_test_message ("%s", in_runs);
  g_assert_cmpfloat_with_epsilon (eng_test_number_after (in_runs, PREFIX), expected, 0.6);
  g_assert_nonnull (strstr (in_runs, "this run's products against those of earlier runs"));
  g_assert_nonnull (strstr (in_runs, "; the break-even is not known yet"));
  run->validity = ENG_RUN_DEGRADED;
  g_autofree char *disturbed = technique->verdict (model, sparse, run, 1);
  g_assert_cmpstr (disturbed, ==, mixed);
  run->validity = ENG_RUN_VALID;

  /* Both by themselves. 60 % lies between two shares that were timed, until it was itself. */
  eng_test_add_times (times, model, none, DENSE, ENG_KERNEL_BENCH);
  g_autofree char *between = technique->verdict (model, sparse, NULL, 1);
  g_assert_cmpfloat_with_epsilon (eng_test_number_after (between, PREFIX), expected, 0.6);
  g_assert_nonnull (strstr (between, ", between products timed by themselves; break-even at "));
  eng_test_add_times (times, model, sparse, SPARSE, ENG_KERNEL_BENCH);
  g_autofree char *of_sparse = technique->verdict (model, sparse, run, 1);
  g_test_message ("%s", of_sparse);
  g_assert_cmpfloat_with_epsilon (eng_test_number_after (of_sparse, PREFIX), expected, 0.51);
  g_assert_nonnull (strstr (of_sparse, ", products timed by themselves; break-even at "));
  /* Of a ratio the logarithm's interval (Zou and Donner 2008). */
  double ratio = 1 - expected / 100, down = hypot (log (1 / LOW), log (HIGH)),
         up = hypot (log (HIGH), log (1 / LOW));
  g_assert_cmpfloat_with_epsilon (eng_test_number_after (of_sparse, "faster here than Q8_0 ("),
                                  100 * (1 - ratio * exp (up)), 0.51);
  g_assert_cmpfloat_with_epsilon (eng_test_number_after (of_sparse, " to "),
                                  100 * (1 - ratio * exp (-down)), 0.51);
  double percent = eng_test_number_after (of_sparse, "break-even at ");
  g_assert_cmpfloat (1.5 * layer_bytes (model, 1 - (percent - 1) / 100), >, layer_bytes (model, 1));
  g_assert_cmpfloat (1.5 * layer_bytes (model, 1 - (percent + 1) / 100), <, layer_bytes (model, 1));

  g_autofree char *of_stored = technique->verdict (model, stored, run, 1);
  g_assert_nonnull (strstr (of_stored, "0.0 % faster here: zeros are stored; break-even at "));
  g_autofree char *of_pattern = technique->verdict (model, pattern, NULL, 1);
  g_assert_nonnull (strstr (of_pattern, "2:4: what it is worth here is not known yet: its products "
                                        "were not timed by themselves"));

  /* Neighbours with the same words are one entry of the run's document, and come back from it. */
  guint n;
  eng_run_take_verdicts (run, model);
  const EngRunVerdict *verdicts = eng_run_get_verdicts (run, &n), *own = &verdicts[1];
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpstr (verdicts[0].technique, ==, "weight-format");
  g_assert_cmpstr (own->technique, ==, "sparsity");
  g_assert_cmpint (own->first_layer, ==, 0);
  g_assert_cmpint (own->last_layer, ==, (int)eng_model_get_n_layers (model) - 1);
  g_assert_cmpstr (own->text, ==, of_sparse);
  g_autofree char *words = eng_run_verdict_describe (run, own);
  g_assert_true (g_str_has_prefix (words, "Sparsity, Block 0 to Block "));
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  json_builder_begin_object (builder);
  eng_run_verdicts_write (run->verdicts, builder, "verdicts");
  json_builder_end_object (builder);
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autoptr (GArray) back
      = eng_run_verdicts_read (json_node_get_object (root), "verdicts", own->last_layer + 1);
  g_assert_cmpuint (back->len, ==, 2);
  g_assert_cmpstr (g_array_index (back, EngRunVerdict, 1).text, ==, of_sparse);
  g_assert_cmpint (g_array_index (back, EngRunVerdict, 1).last_layer, ==, own->last_layer);
}

/* What a verdict lacks is timed by itself, though a run has measured it, and before all else; with
 * it all there nothing of it is missing any more. No time is looked at. */
static void
test_measured_first (void)
{
  char *directory = eng_test_directory ();
  g_autofree char *file = g_build_filename (directory, "times.db", NULL);
  g_autofree char *path = eng_test_default_model ();
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngRecipe) sparse = eng_test_recipe (RECIPE ("unstructured", 60, "sparse"));
  g_autoptr (EngRecipe) none = eng_test_recipe ("{\"weight-format\": {\"format\": \"q8_0\"}}");
  g_autoptr (EngKernelTimes) times = eng_kernel_times_open (file, NULL);
  g_autoptr (EngEstimator) estimator = eng_estimator_new (times);
  EngKernelBenchResult missing, of_runs, measured, left;
  EngEstimateSizes sizes;
  g_autoptr (GError) error = NULL;

  eng_estimate_sizes_init (&sizes, model, NULL);
  g_assert_true (eng_kernel_bench (estimator, model, sparse, &sizes, 0, NULL, &missing, &error));
  eng_test_add_times (times, model, none, DENSE, ENG_KERNEL_RUN);
  eng_test_add_times (times, model, sparse, SPARSE, ENG_KERNEL_RUN);
  g_assert_true (eng_kernel_bench (estimator, model, sparse, &sizes, 0, NULL, &of_runs, &error));
  g_assert_cmpuint (of_runs.n_missing, ==, missing.n_missing);

  g_assert_true (
      eng_kernel_bench (estimator, model, sparse, &sizes, 0.01, NULL, &measured, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (measured.n_measured, >=, 1);
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, sparse, NULL);
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autofree char *device = eng_kernel_times_device (machine, eng_machine_get_isa (machine),
                                                     eng_sketch_get_n_threads (sketch));
  g_autoptr (EngKernelTable) alone
      = eng_kernel_times_load_source (times, device, ENG_KERNEL_BENCH, &error);
  g_assert_cmpuint (eng_kernel_table_get_n (alone), ==, measured.n_measured);
  /* What is compared is timed in turn: of one product the dense form and all shares. */
  guint n_sparse = 0;
  for (guint i = 0; i < eng_kernel_table_get_n (alone); i++)
    n_sparse
        += strstr (eng_kernel_table_get (alone, i)->signature, kn_dtype_info (KN_Q8_SPARSE)->name)
           != NULL;
  g_assert_cmpuint (n_sparse, >, 0);
  g_assert_cmpuint (n_sparse, <, measured.n_measured);
  g_assert_true (eng_kernel_bench (estimator, model, sparse, &sizes, 0, NULL, &left, &error));
  g_assert_cmpuint (left.n_missing, ==, missing.n_missing - measured.n_measured);
  eng_test_remove (directory);
}

static void
test_refusal (void)
{
  eng_test_check_refusal (
      "sparsity", "vision/face/version-RFB-320.onnx",
      "only the matrices of language models: convolutions have no sparse kernels");
}

static void
test_round_trip (void)
{
  g_autoptr (EngRecipe) recipe = eng_test_recipe (
      "{\"sparsity\": {\"kind\": \"unstructured\", \"share\": 65.0, \"criterion\": \"magnitude\", "
      "\"storage\": \"sparse\", \"rules\": [{\"match\": \"blk.0.*\", \"kind\": \"none\"}]}}");
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);
}

static void
test_determinism (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  eng_test_check_hashes (model, RECIPE ("unstructured", 50, "sparse"),
                         RECIPE ("unstructured", 55, "sparse"));
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sparsity/choice", test_choice);
  g_test_add_func ("/sparsity/patterns", test_patterns);
  g_test_add_func ("/sparsity/compensation", test_compensation);
  g_test_add_func ("/sparsity/compensated-build", test_compensated_build);
  g_test_add_func ("/sparsity/stored", test_stored);
  g_test_add_func ("/sparsity/loss", test_loss);
  g_test_add_func ("/sparsity/wanda", test_wanda);
  g_test_add_func ("/sparsity/rules", test_rules);
  g_test_add_func ("/sparsity/sketch", test_sketch);
  g_test_add_func ("/sparsity/words", test_words);
  g_test_add_func ("/sparsity/break-even", test_break_even);
  g_test_add_func ("/sparsity/verdict", test_verdict);
  g_test_add_func ("/sparsity/measured-first", test_measured_first);
  g_test_add_func ("/sparsity/refusal", test_refusal);
  g_test_add_func ("/sparsity/round-trip", test_round_trip);
  g_test_add_func ("/sparsity/determinism", test_determinism);
  return g_test_run ();
}
