/* Calibration statistics beside sums that the test makes itself from the values of a plain run; how
 * they are kept, found again, and measured on after an interruption. */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "eng-activations-private.h"
#include "eng-error.h"
#include "eng-test.h"
#include "eval/eng-text-set.h"

/* A recipe whose text is a file of @n_sentences, never the same twice in a test run. */
static EngRecipe *
recipe_of_text (const char *directory, guint n_sentences, guint n_tokens)
{
  g_autofree char *path = g_build_filename (directory, "text.txt", NULL);
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < n_sentences; i++)
    g_string_append_printf (
        text, "On day %u of the voyage she wrote %u letters to her sister and sent %u. ", i,
        i * 7 % 13, i * 5 % 11);
  g_assert_true (g_file_set_contents (path, text->str, -1, NULL));
  g_autofree char *json
      = g_strdup_printf ("{\"calibration\": {\"text\": \"%s\", \"tokens\": %u}}", path, n_tokens);
  return eng_test_recipe (json);
}

/* ---- numbers ---- */

static void
check_near (double got, double wanted, double tolerance)
{
  if (fabs (got - wanted) > tolerance * (fabs (wanted) + 1e-6))
    g_error ("got %.9g, expected %.9g", got, wanted);
}

/* The values of every window's every token, by a build that has nothing to do with calibration. */
typedef struct
{
  EngBuild *build;
  EngCalibrationTokens text;
} Plain;

static Plain
plain_new (EngModel *model, EngRecipe *recipe)
{
  Plain self = { 0 };
  g_autoptr (GError) error = NULL;
  self.build = eng_test_build (
      model, "{\"fusion\": {\"enabled\": false}, \"memory-plan\": {\"planner\": \"none\"}}", NULL);
  g_assert_true (eng_calibration_tokens_make (model, recipe, &self.text, &error));
  g_assert_no_error (error);
  return self;
}

typedef void (*EachRow) (const float *row, gsize n, const float *other, gpointer data);

static void
plain_each_row (Plain *self, const char *value, const char *other, EachRow each, gpointer data)
{
  RtExec *exec = eng_build_get_exec (self->build);
  const RtGraph *graph = eng_build_get_graph (self->build);
  RtValueId id = rt_graph_find_value (graph, value);
  RtValueId second = other != NULL ? rt_graph_find_value (graph, other) : id;
  RtError rt_error = { 0 };

  g_assert_true (id != RT_NONE && second != RT_NONE);
  gsize n = (gsize)rt_graph_value (graph, id)->shape.dims[1];
  for (guint w = 0; w < self->text.n_windows; w++)
    {
      rt_kv_set_n_used (rt_exec_kv (exec), 0);
      for (guint at = 0; at < self->text.window; at += 64)
        {
          guint now = MIN (64, self->text.window - at);
          g_assert_true (rt_exec_run (exec, self->text.tokens + w * self->text.window + at, now, 1,
                                      RT_PHASE_PREFILL, &rt_error));
          const float *rows = rt_exec_value (exec, id), *others = rt_exec_value (exec, second);
          for (guint t = 0; t < now; t++)
            each (rows + t * n, n, others + t * n, data);
        }
    }
}

static void
plain_clear (Plain *self)
{
  eng_calibration_tokens_clear (&self->text);
  g_object_unref (self->build);
}

typedef struct
{
  double sum[1024], square[1024], max[1024], *moments;
  GArray *abs, *abs_of_7; /* double */
  double cosine, change;
  guint n;
} Sums;

static void
add_row (const float *row, gsize n, const float *other, gpointer data)
{
  Sums *sums = data;
  double aa = 0, bb = 0, ab = 0, dd = 0;

  for (gsize i = 0; i < n; i++)
    {
      double x = (double)row[i], y = (double)other[i], a = fabs (x);
      sums->sum[i] += x;
      sums->square[i] += x * x;
      sums->max[i] = MAX (sums->max[i], a);
      g_array_append_val (sums->abs, a);
      if (i == 7)
        g_array_append_val (sums->abs_of_7, a);
      for (gsize j = 0; sums->moments != NULL && j < n; j++)
        sums->moments[i * n + j] += x * (double)row[j];
      aa += x * x;
      bb += y * y;
      ab += x * y;
      dd += (y - x) * (y - x);
    }
  sums->cosine += ab / sqrt (aa * bb);
  sums->change += sqrt (dd / aa);
  sums->n++;
}

static Sums *
sums_new (gsize n)
{
  Sums *sums = g_new0 (Sums, 1);
  sums->abs = g_array_new (FALSE, FALSE, sizeof (double));
  sums->abs_of_7 = g_array_new (FALSE, FALSE, sizeof (double));
  sums->moments = n > 0 ? g_new0 (double, n *n) : NULL;
  return sums;
}

static void
sums_free (Sums *sums)
{
  g_array_unref (sums->abs);
  g_array_unref (sums->abs_of_7);
  g_free (sums->moments);
  g_free (sums);
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double
share_below (GArray *values, double x)
{
  guint n = 0;
  for (guint i = 0; i < values->len; i++)
    n += g_array_index (values, double, i) <= x;
  return (double)n / values->len;
}

/* What is said to lie below a share lies within one bin of the sorted values. */
static void
check_quantiles (EngActivations *activations, const char *tensor, int channel, GArray *values,
                 double width)
{
  const double shares[] = { 0.1, 0.5, 0.9, 0.99 };

  g_array_sort (values, compare_doubles);
  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      float got;
      g_assert_true (eng_activations_get_quantile (activations, tensor, channel, shares[i], &got));
      g_assert_cmpfloat (share_below (values, (double)got * (1 + width)), >=, shares[i] - 0.01);
      g_assert_cmpfloat (share_below (values, (double)got / (1 + width)), <=, shares[i] + 0.01);
    }
  float most;
  g_assert_true (eng_activations_get_quantile (activations, tensor, channel, 1, &most));
  g_assert_cmpfloat (most, ==, (float)g_array_index (values, double, values->len - 1));
}

static void
check_value (EngActivations *activations, Plain *plain, const char *value, const char *tensor)
{
  EngChannelStats stats;
  gsize n;
  g_autoptr (GError) error = NULL;

  g_assert_true (eng_activations_get_channels (activations, tensor, &stats));
  Sums *sums = sums_new (stats.n_channels);
  plain_each_row (plain, value, NULL, add_row, sums);
  g_assert_cmpuint (stats.n_tokens, ==, sums->n);
  g_autofree float *hessian = eng_activations_load_hessian (activations, tensor, &n, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, stats.n_channels);
  for (gsize i = 0; i < n; i++)
    {
      check_near (stats.mean[i], sums->sum[i] / sums->n, 1e-5);
      check_near (stats.mean_square[i], sums->square[i] / sums->n, 1e-6);
      g_assert_cmpfloat (stats.max_abs[i], ==, (float)sums->max[i]);
      for (gsize j = 0; j < n; j++)
        {
          /* Sums of products of f32: within gamma_n of the sum of magnitudes, which the diagonal
           * bounds. */
          double bound
              = sqrt (sums->moments[i * n + i] * sums->moments[j * n + j]) / sums->n * 1e-4;
          g_assert_cmpfloat (fabs ((double)hessian[i * n + j] - sums->moments[i * n + j] / sums->n),
                             <=, bound + 1e-12);
          g_assert_cmpfloat (hessian[i * n + j], ==, hessian[j * n + i]);
        }
    }
  check_quantiles (activations, tensor, -1, sums->abs, 0.125);
  check_quantiles (activations, tensor, 7, sums->abs_of_7, 0.25);
  sums_free (sums);
}

static void
test_numbers (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autofree char *directory = eng_test_directory ();
  g_autoptr (EngRecipe) recipe = recipe_of_text (directory, 80, 512);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngActivations) activations
      = eng_activations_load (model, recipe, ENG_ACTIVATIONS_HESSIANS, NULL, &error);
  g_assert_no_error (error);
  Plain plain = plain_new (model, recipe);
  double cosine, change;

  g_assert_cmpuint (eng_activations_get_n_tokens (activations), ==, 512);
  check_value (activations, &plain, "blk.0.attn_norm", "blk.0.attn_k.weight");
  check_value (activations, &plain, "blk.3.ffn_mul", "blk.3.ffn_down.weight");

  Sums *sums = sums_new (0);
  plain_each_row (&plain, "blk.1.ffn_add", "blk.2.ffn_add", add_row, sums);
  g_assert_true (eng_activations_get_block (activations, 2, &cosine, &change));
  check_near (cosine, sums->cosine / sums->n, 1e-9);
  check_near (change, sums->change / sums->n, 1e-9);
  sums_free (sums);
  g_assert_false (eng_activations_get_block (activations, 6, &cosine, &change));
  plain_clear (&plain);
  eng_test_remove (g_steal_pointer (&directory));
}

/* Query, key and value share an input; the tied embedding's is that of the output, of every
 * token. */
static void
test_which_values (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autofree char *directory = eng_test_directory ();
  g_autoptr (EngRecipe) recipe = recipe_of_text (directory, 60, 256);
  g_autoptr (EngActivations) activations
      = eng_activations_load (model, recipe, ENG_ACTIVATIONS_CHANNELS, NULL, NULL);
  EngChannelStats q, v, down, output;

  g_assert_true (eng_activations_get_channels (activations, "blk.5.attn_q.weight", &q));
  g_assert_true (eng_activations_get_channels (activations, "blk.5.attn_v.weight", &v));
  g_assert_true (eng_activations_get_channels (activations, "blk.5.ffn_down.weight", &down));
  g_assert_true (eng_activations_get_channels (activations, "token_embd.weight", &output));
  g_assert_true (q.mean == v.mean);
  g_assert_cmpuint (q.n_channels, ==, 256);
  g_assert_cmpuint (down.n_channels, ==, 768);
  g_assert_cmpuint (output.n_channels, ==, 256);
  g_assert_cmpuint (output.n_tokens, ==, 256);
  g_assert_cmpfloat (output.mean_square[0], >, 0);
  g_assert_false (eng_activations_get_channels (activations, "blk.5.attn_norm.weight", &q));
  eng_test_remove (g_steal_pointer (&directory));
}

/* ---- a matrix on its way ---- */

static void
test_matrix (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autofree char *directory = eng_test_directory ();
  g_autoptr (EngRecipe) recipe = recipe_of_text (directory, 61, 256);
  g_autoptr (EngActivations) activations
      = eng_activations_load (model, recipe, ENG_ACTIVATIONS_HESSIANS, NULL, NULL);
  guint32 columns[] = { 3, 8, 200 };
  float scales[256];
  for (guint i = 0; i < 256; i++)
    scales[i] = 1 + (float)i / 4;
  EngMatrix matrix = {
    .name = "blk.1.attn_q.weight", .n_rows = 1, .n_cols = 3, .columns = columns, .scales = scales
  };
  EngChannelStats all;
  EngMatrixChannels some;
  gsize n;
  g_autofree float *h = eng_activations_load_hessian (activations, matrix.name, &n, NULL);
  g_autofree float *part = eng_matrix_load_hessian (activations, &matrix, NULL);

  g_assert_true (eng_activations_get_channels (activations, matrix.name, &all));
  g_assert_true (eng_matrix_get_channels (activations, &matrix, &some));
  for (guint i = 0; i < 3; i++)
    {
      double s = (double)scales[columns[i]];
      check_near (some.mean[i], (double)all.mean[columns[i]] / s, 1e-6);
      check_near (some.mean_square[i], (double)all.mean_square[columns[i]] / s / s, 1e-6);
      check_near (some.max_abs[i], (double)all.max_abs[columns[i]] / s, 1e-6);
      for (guint j = 0; j < 3; j++)
        check_near (part[i * 3 + j],
                    (double)h[columns[i] * n + columns[j]] / s / (double)scales[columns[j]], 1e-6);
    }
  eng_matrix_channels_clear (&some);
  eng_test_remove (g_steal_pointer (&directory));
}

/* ---- keeping ---- */

static char *
cache_directory (EngModel *model, EngRecipe *recipe)
{
  g_autofree char *key = eng_calibration_dup_key (model, recipe);
  return eng_activations_dup_directory (key);
}

static gint64
changed_time (const char *directory, const char *name)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  GStatBuf info;
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  return (gint64)info.st_ino;
}

/* Another model object finds what the first has measured; a damaged file is measured again,
 * alone. */
static void
test_kept (void)
{
  g_autofree char *directory = eng_test_directory ();
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = recipe_of_text (directory, 62, 256);
  g_autofree char *cache = cache_directory (model, recipe);
  g_autoptr (EngActivations) first
      = eng_activations_load (model, recipe, ENG_ACTIVATIONS_HESSIANS, NULL, NULL);
  gint64 channels = changed_time (cache, "channels"), other = changed_time (cache, "moments-003");
  g_autofree char *damaged = g_build_filename (cache, "moments-002", NULL);
  g_autofree char *bytes = NULL;
  gsize n_bytes, n;

  g_assert_true (g_file_get_contents (damaged, &bytes, &n_bytes, NULL));
  g_assert_true (g_file_set_contents (damaged, bytes, (gssize)n_bytes / 2, NULL));
  g_autoptr (EngModel) again = eng_test_load_default ();
  g_autoptr (EngActivations) second
      = eng_activations_load (again, recipe, ENG_ACTIVATIONS_HESSIANS, NULL, NULL);
  g_autofree char *healed = NULL;
  gsize n_healed;
  g_assert_true (g_file_get_contents (damaged, &healed, &n_healed, NULL));
  g_assert_cmpmem (bytes, n_bytes, healed, n_healed);
  g_assert_cmpint (changed_time (cache, "channels"), ==, channels);
  g_assert_cmpint (changed_time (cache, "moments-003"), ==, other);

  EngChannelStats a, b;
  g_assert_true (eng_activations_get_channels (first, "blk.4.ffn_up.weight", &a));
  g_assert_true (eng_activations_get_channels (second, "blk.4.ffn_up.weight", &b));
  g_assert_cmpmem (a.mean, a.n_channels * sizeof (float), b.mean, b.n_channels * sizeof (float));
  g_assert_cmpstr (eng_activations_get_source (first), ==, eng_activations_get_source (second));

  /* The same size, one bit turned: the checksum tells when it is read. */
  bytes[n_bytes - 5] ^= 4;
  g_assert_true (g_file_set_contents (damaged, bytes, (gssize)n_bytes, NULL));
  g_autoptr (GError) error = NULL;
  const EngSite *site = second->sites->pdata[2];
  g_autofree char *tensor = NULL;
  GHashTableIter iter;
  gpointer key, value;
  g_hash_table_iter_init (&iter, second->by_tensor);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (GPOINTER_TO_UINT (value) == 3)
      {
        g_free (tensor);
        tensor = g_strdup (key);
      }
  g_assert_cmpuint (site->n, >, 0);
  g_assert_null (eng_activations_load_hessian (second, tensor, &n, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_IO);
  eng_test_remove (g_steal_pointer (&directory));
}

static gpointer
cancel_soon (gpointer data)
{
  EngJob *job = data;
  for (;;)
    {
      g_autofree char *stage = eng_job_dup_stage (job);
      if (stage != NULL && g_str_has_prefix (stage, "Calibrating"))
        break;
      g_usleep (200);
    }
  eng_job_cancel (job);
  return NULL;
}

static void
test_cancel (void)
{
  g_autofree char *directory = eng_test_directory ();
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = recipe_of_text (directory, 3000, 32768);
  g_autoptr (EngJob) job = eng_job_new ("test");
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_soon, job);

  g_assert_null (eng_activations_load (model, recipe, ENG_ACTIVATIONS_CHANNELS, job, &error));
  g_thread_join (thread);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  eng_test_remove (g_steal_pointer (&directory));
}

/* ---- the key and the refusals ---- */

static void
test_key (void)
{
  g_autofree char *directory = eng_test_directory ();
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) one = recipe_of_text (directory, 50, 256);
  g_autofree char *key = eng_calibration_dup_key (model, one);
  g_autofree char *again = eng_calibration_dup_key (model, one);
  g_autoptr (EngRecipe) more
      = eng_recipe_with (one, "calibration", "tokens", NULL, g_variant_new_int64 (512), NULL);
  g_autofree char *key_more = eng_calibration_dup_key (model, more);
  g_autoptr (EngRecipe) other = recipe_of_text (directory, 51, 256);
  g_autofree char *key_other = eng_calibration_dup_key (model, other);
  g_autoptr (EngRecipe) bundled = eng_recipe_new ();
  g_autofree char *key_bundled = eng_calibration_dup_key (model, bundled);

  g_assert_cmpstr (key, ==, again);
  g_assert_cmpstr (key, !=, key_more);
  g_assert_cmpstr (key, !=, key_other);
  g_assert_cmpstr (key, !=, key_bundled);
  eng_test_remove (g_steal_pointer (&directory));
}

static void
check_refused (const char *contents, const char *wanted)
{
  g_autofree char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "text.txt", NULL);
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autofree char *json = g_strdup_printf ("{\"calibration\": {\"text\": \"%s\"}}", path);
  g_autoptr (EngRecipe) recipe = eng_test_recipe (json);
  g_autoptr (GError) error = NULL;

  if (contents != NULL)
    g_assert_true (g_file_set_contents (path, contents, -1, NULL));
  g_assert_null (eng_activations_load (model, recipe, ENG_ACTIVATIONS_CHANNELS, NULL, &error));
  g_assert_nonnull (error);
  if (strstr (error->message, wanted) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, wanted);
  eng_test_remove (g_steal_pointer (&directory));
}

static void
test_refusals (void)
{
  check_refused (NULL, "No such file");
  check_refused ("", "is empty");
  check_refused ("Too short to say anything.", "has not 256 tokens in a row");
}

/* What is bundled for calibration is not what evaluations predict. */
static void
test_bundled (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_autoptr (GError) error = NULL;
  EngCalibrationTokens tokens;

  g_assert_true (eng_calibration_tokens_make (model, recipe, &tokens, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (tokens.n_windows, ==, 32);
  g_assert_cmpuint (tokens.window, ==, 256);
  g_assert_nonnull (strstr (tokens.source, "8192 tokens"));
  eng_calibration_tokens_clear (&tokens);
}

static void
each_line (const char *set_name, void (*each) (char *line, gpointer data), gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngTextSet) set = eng_text_set_load (set_name, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < set->texts->len; i++)
    {
      const EngText *text = set->texts->pdata[i];
      g_autofree char *all
          = g_strndup (g_bytes_get_data (text->text, NULL), g_bytes_get_size (text->text));
      g_auto (GStrv) lines = g_strsplit (all, "\n", -1);
      for (guint k = 0; lines[k] != NULL; k++)
        if (strlen (lines[k]) > 60)
          each (lines[k], data);
    }
}

static void
remember_line (char *line, gpointer data)
{
  g_hash_table_add (data, g_strdup (line));
}

static void
check_line (char *line, gpointer data)
{
  if (g_hash_table_contains (data, line))
    g_error ("calibration and evaluation share \"%s\"", line);
}

/* A cut chosen on the text that it is judged by would look better than it is. */
static void
test_nothing_shared (void)
{
  g_autoptr (GHashTable) lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  each_line (ENG_BUNDLED_TEXTS, remember_line, lines);
  g_assert_cmpuint (g_hash_table_size (lines), >, 200);
  each_line (ENG_BUNDLED_CALIBRATION, check_line, lines);
}

static void
test_round_trip (void)
{
  g_autoptr (EngRecipe) recipe
      = eng_test_recipe ("{\"calibration\": {\"text\": \"/some/where\", \"tokens\": 1024}}");
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/calibration/numbers", test_numbers);
  g_test_add_func ("/calibration/which-values", test_which_values);
  g_test_add_func ("/calibration/matrix", test_matrix);
  g_test_add_func ("/calibration/kept", test_kept);
  g_test_add_func ("/calibration/cancel", test_cancel);
  g_test_add_func ("/calibration/key", test_key);
  g_test_add_func ("/calibration/refusals", test_refusals);
  g_test_add_func ("/calibration/bundled", test_bundled);
  g_test_add_func ("/calibration/nothing-shared", test_nothing_shared);
  g_test_add_func ("/calibration/round-trip", test_round_trip);
  return g_test_run ();
}
