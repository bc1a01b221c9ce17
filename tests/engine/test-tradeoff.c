/* Trade-offs: the front beside brute force, certainty by intervals, limits as people type them, and
 * points from runs: merging, evaluations joined by build, reasons of what is missing. */
#include <math.h>
#include <string.h>

#include <sqlite3.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-test.h"
#include "eng-tradeoff.h"

/* ---- Front ---- */

static EngFigure
figure (double value, double half)
{
  EngFigure f = eng_figure_exact (value, "ms");
  f.n = half > 0 ? 20 : 0;
  f.low = value - half;
  f.high = value + half;
  return f;
}

/* By definition: the front are those that no point beats, found by asking every pair. */
static gboolean
brute_beaten (const double (*p)[2], guint n, guint i, gboolean lower_x, gboolean lower_y)
{
  for (guint k = 0; k < n; k++)
    {
      double dx = (p[k][0] - p[i][0]) * (lower_x ? -1 : 1); /* > 0: k is better */
      double dy = (p[k][1] - p[i][1]) * (lower_y ? -1 : 1);
      if (dx >= 0 && dy >= 0 && dx + dy > 0)
        return TRUE;
    }
  return FALSE;
}

static void
test_front_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (20240611);

  for (guint round = 0; round < 400; round++)
    {
      guint n = (guint)g_rand_int_range (rand, 0, 60);
      gboolean lower_x = g_rand_boolean (rand), lower_y = g_rand_boolean (rand);
      double p[60][2];
      EngFigure x[60], y[60];
      EngParetoState states[60];
      int by[60];

      for (guint i = 0; i < n; i++)
        {
          /* Few values: ties and equal points are common. */
          p[i][0] = g_rand_int_range (rand, 0, 12);
          p[i][1] = g_rand_int_range (rand, 0, 12);
          x[i] = figure (p[i][0], 0);
          y[i] = figure (p[i][1], 0);
        }
      eng_pareto (x, y, n, lower_x, lower_y, states, by);
      for (guint i = 0; i < n; i++)
        {
          gboolean beaten = brute_beaten ((const double (*)[2])p, n, i, lower_x, lower_y);
          /* Exact figures: beaten is certainly beaten. */
          g_assert_cmpint (states[i], ==, beaten ? ENG_PARETO_DOMINATED : ENG_PARETO_FRONT);
          g_assert_true ((by[i] >= 0) == beaten);
        }
    }
}

/* Certain means: for every choice of true values within the intervals. Corners are enough. */
static gboolean
certain_by_corners (const EngFigure *qx, const EngFigure *qy, const EngFigure *px,
                    const EngFigure *py)
{
  for (guint corner = 0; corner < 16; corner++)
    {
      double ax = corner & 1 ? qx->low : qx->high, ay = corner & 2 ? qy->low : qy->high;
      double bx = corner & 4 ? px->low : px->high, by = corner & 8 ? py->low : py->high;
      if (!(ax <= bx && ay <= by && (ax < bx || ay < by)))
        return FALSE;
    }
  return TRUE;
}

static void
test_front_intervals_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  guint n_undecided = 0, n_dominated = 0;

  for (guint round = 0; round < 200; round++)
    {
      EngFigure x[30], y[30];
      EngParetoState states[30];

      for (guint i = 0; i < 30; i++)
        {
          x[i] = figure (g_rand_int_range (rand, 0, 40), g_rand_int_range (rand, 0, 5));
          y[i] = figure (g_rand_int_range (rand, 0, 40), g_rand_int_range (rand, 0, 5));
        }
      eng_pareto (x, y, 30, TRUE, TRUE, states, NULL);
      for (guint i = 0; i < 30; i++)
        {
          gboolean certain = FALSE, by_median = FALSE;
          for (guint k = 0; k < 30; k++)
            {
              certain |= k != i && certain_by_corners (&x[k], &y[k], &x[i], &y[i]);
              by_median |= x[k].value <= x[i].value && y[k].value <= y[i].value
                           && (x[k].value < x[i].value || y[k].value < y[i].value);
            }
          g_assert_cmpint (states[i], ==,
                           certain     ? ENG_PARETO_DOMINATED
                           : by_median ? ENG_PARETO_UNDECIDED
                                       : ENG_PARETO_FRONT);
          n_undecided += states[i] == ENG_PARETO_UNDECIDED;
          n_dominated += states[i] == ENG_PARETO_DOMINATED;
        }
    }
  g_assert_cmpuint (n_undecided, >, 50); /* both kinds were met */
  g_assert_cmpuint (n_dominated, >, 50);
}

static void
test_front_unknown (void)
{
  EngFigure x[3] = { figure (1, 0.1), figure (2, 0.1), eng_figure_unavailable ("ms", "why") };
  EngFigure y[3] = { figure (1, 0.1), figure (2, 0.1), figure (0, 0) };
  EngParetoState states[3];

  eng_pareto (x, y, 3, TRUE, TRUE, states, NULL);
  g_assert_cmpint (states[0], ==, ENG_PARETO_FRONT);
  g_assert_cmpint (states[1], ==, ENG_PARETO_DOMINATED);
  g_assert_cmpint (states[2], ==, ENG_PARETO_NONE);
  /* Too few samples for an interval: nothing is certain about it. */
  x[1].low = x[1].high = NAN;
  x[1].n = 3;
  eng_pareto (x, y, 2, TRUE, TRUE, states, NULL);
  g_assert_cmpint (states[1], ==, ENG_PARETO_UNDECIDED);
}

/* ---- Limits ---- */

static void
test_limits_read (void)
{
  static const struct
  {
    const char *text;
    EngWorkloadKind kind;
    EngFigureId id;
    gboolean at_most, strict;
    double value;
  } cases[] = {
    { "memory <= 64 MB", ENG_WORKLOAD_TEXT, ENG_FIGURE_PEAK_MEMORY, TRUE, FALSE, 64e6 },
    { "memory<=64MB", ENG_WORKLOAD_INPUT, ENG_FIGURE_PEAK_MEMORY, TRUE, FALSE, 64e6 },
    { "Peak memory < 1.5 GiB", ENG_WORKLOAD_TEXT, ENG_FIGURE_PEAK_MEMORY, TRUE, TRUE,
      1.5 * 1073741824.0 },
    { "peak_memory_bytes ≤ 512KiB", ENG_WORKLOAD_TEXT, ENG_FIGURE_PEAK_MEMORY, TRUE, FALSE,
      524288 },
    { "latency <= 5 ms", ENG_WORKLOAD_INPUT, ENG_FIGURE_INFERENCE, TRUE, FALSE, 5 },
    { "latency <= 500us", ENG_WORKLOAD_INPUT, ENG_FIGURE_INFERENCE, TRUE, FALSE, 0.5 },
    { "latency <= 500 µs", ENG_WORKLOAD_INPUT, ENG_FIGURE_INFERENCE, TRUE, FALSE, 0.5 },
    { "latency <= 0.02 s", ENG_WORKLOAD_TEXT, ENG_FIGURE_STEP_CLEAN, TRUE, FALSE, 20 },
    { "first token <= 1s", ENG_WORKLOAD_TEXT, ENG_FIGURE_FIRST_TOKEN, TRUE, FALSE, 1000 },
    { "decode >= 20 tok/s", ENG_WORKLOAD_TEXT, ENG_FIGURE_DECODE, FALSE, FALSE, 20 },
    { "decode>20", ENG_WORKLOAD_TEXT, ENG_FIGURE_DECODE, FALSE, TRUE, 20 },
    { "speed ≥ 20", ENG_WORKLOAD_TEXT, ENG_FIGURE_DECODE, FALSE, FALSE, 20 },
    { "PREFILL >= 1e2 tok/s", ENG_WORKLOAD_TEXT, ENG_FIGURE_PREFILL, FALSE, FALSE, 100 },
    { "accuracy >= 90 %", ENG_WORKLOAD_INPUT, ENG_FIGURE_ACCURACY, FALSE, FALSE, 90 },
    { "accuracy >= 40 %", ENG_WORKLOAD_TEXT, ENG_FIGURE_CHOICE_ACCURACY, FALSE, FALSE, 40 },
    { "perplexity <= 12.5", ENG_WORKLOAD_TEXT, ENG_FIGURE_PERPLEXITY, TRUE, FALSE, 12.5 },
    { "energy <= 20 mJ/tok", ENG_WORKLOAD_TEXT, ENG_FIGURE_TOKEN_ENERGY, TRUE, FALSE, 0.02 },
    { " inferences_per_s > 30 /s ", ENG_WORKLOAD_INPUT, ENG_FIGURE_INFERENCES, FALSE, TRUE, 30 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      EngLimit limit;
      g_assert_true (eng_limit_parse (cases[i].text, cases[i].kind, &limit, &error));
      g_assert_no_error (error);
      g_assert_cmpint (limit.id, ==, cases[i].id);
      g_assert_cmpint (limit.at_most, ==, cases[i].at_most);
      g_assert_cmpint (limit.strict, ==, cases[i].strict);
      g_assert_cmpfloat_with_epsilon (limit.value, cases[i].value, 1e-9 * cases[i].value);
    }
}

static void
test_limits_bad (void)
{
  static const struct
  {
    const char *text, *says; /* a part of the message */
  } cases[] = {
    { "", "is no limit" },
    { "memory", "is no limit" },
    { "64 MB", "is no limit" },
    { "memory = 64 MB", "is no limit" },
    { "memory <= ", "is no number" },
    { "memory <= much", "is no number" },
    { "memory <= nan", "is no number" },
    { "memory <= inf MB", "no number that can be" },
    { "memory <= 64", "has no unit" },
    { "memory <= 64 mb", "has the unit" },
    { "memory <= 64 ms", "has the unit" },
    { "latency <= 5 MiB", "has the unit" },
    { "latency <= 5 Mis", "has the unit" },
    { "latency <= 5,5 ms", "decimals are written with a point" },
    { "decode >= 5 ms", "has the unit" },
    { "colour <= 5 ms", "There is no figure" },
    { " <= 5 ms", "There is no figure" },
    { "late <= 5 %", "There is no figure" }, /* not of runs that write text */
    { "memory <= 64 MB\xff", "has the unit" },
    { "\xff\xfe <= 64 MB", "There is no figure" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      EngLimit limit;
      g_assert_false (eng_limit_parse (cases[i].text, ENG_WORKLOAD_TEXT, &limit, &error));
      g_assert_nonnull (error);
      g_assert_true (error->domain == ENG_ERROR);
      if (strstr (error->message, cases[i].says) == NULL)
        g_error ("“%s”: %s", cases[i].text, error->message);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
    }
}

static void
test_limits_check (void)
{
  EngLimit limit = { ENG_FIGURE_STEP_CLEAN, .at_most = TRUE, .value = 5 };
  EngFigure inside = figure (4, 0.5), crossing = figure (4.8, 0.5), outside = figure (5.1, 0.5),
            edge = figure (5, 0), unknown = eng_figure_unavailable ("ms", "no sensor"),
            few = figure (4, 0.1);

  few.low = few.high = NAN;
  g_assert_cmpint (eng_limit_check (&limit, &inside), ==, ENG_LIMIT_INSIDE);
  g_assert_cmpint (eng_limit_check (&limit, &crossing), ==, ENG_LIMIT_CROSSED);
  g_assert_cmpint (eng_limit_check (&limit, &outside), ==, ENG_LIMIT_OUTSIDE);
  g_assert_cmpint (eng_limit_check (&limit, &edge), ==, ENG_LIMIT_INSIDE);
  g_assert_cmpint (eng_limit_check (&limit, &unknown), ==, ENG_LIMIT_UNKNOWN);
  g_assert_cmpint (eng_limit_check (&limit, &few), ==, ENG_LIMIT_CROSSED);
  limit.strict = TRUE;
  g_assert_cmpint (eng_limit_check (&limit, &edge), ==, ENG_LIMIT_OUTSIDE);

  EngLimit least = eng_limit_for (ENG_FIGURE_DECODE, 20);
  g_autofree char *text = eng_limit_describe (&least);
  g_assert_false (least.at_most);
  g_assert_cmpstr (text, ==, "Decode speed ≥ 20\u202ftok/s");
}

/* ---- Points ---- */

static EngRun *template_run;

static void
set_string (JsonObject *object, const char *name, const char *value)
{
  json_object_set_string_member (object, name, value);
}

static void
set_figure (JsonObject *figures, EngFigureId id, double value, double half)
{
  JsonObject *object = json_object_new ();
  json_object_set_double_member (object, "value", value);
  json_object_set_double_member (object, "low95", value - half);
  json_object_set_double_member (object, "high95", value + half);
  json_object_set_int_member (object, "n", half > 0 ? 20 : 0);
  json_object_set_object_member (figures, eng_figure_id_name (id), object);
}

/* A run as the history would hold it: decode speed @speed ± 1, memory @mega MB. */
static EngRun *
run_with (const char *id, const char *build, gint64 time, double speed, double mega,
          const char *validity, const char *prompt)
{
  g_autofree char *json = eng_run_to_json (template_run);
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  JsonObject *object = json_node_get_object (root);
  JsonObject *figures = json_object_get_object_member (object, "figures");
  g_autoptr (GError) error = NULL;

  set_string (object, "id", id);
  set_string (object, "build_sha256", build);
  json_object_set_int_member (object, "time_unix_s", time);
  set_string (object, "validity", validity);
  set_string (json_object_get_object_member (object, "workload"), "prompt", prompt);
  if (isnan (speed))
    json_object_remove_member (figures, eng_figure_id_name (ENG_FIGURE_DECODE));
  else
    set_figure (figures, ENG_FIGURE_DECODE, speed, 1);
  set_figure (figures, ENG_FIGURE_PEAK_MEMORY, mega * 1e6, 0);
  g_autofree char *changed = json_to_string (root, FALSE);
  EngRun *run = eng_run_from_json (changed, &error);
  g_assert_no_error (error);
  return run;
}

static void
add (EngTradeoffRuns *runs, EngRun *run)
{
  eng_tradeoff_runs_add (runs, run);
  g_object_unref (run);
}

static EngTradeoff *
ask (EngTradeoffRuns *runs, const EngLimit *limits, guint n)
{
  EngTradeoffQuery query = { .x = ENG_FIGURE_DECODE,
                             .y = ENG_FIGURE_PEAK_MEMORY,
                             .kind = ENG_WORKLOAD_TEXT,
                             .model_hash = eng_run_get_model_hash (template_run),
                             .limits = limits,
                             .n_limits = n };
  return eng_tradeoff_new (runs, &query);
}

static const EngTradeoffPoint *
find (GPtrArray *points, const char *build)
{
  for (guint i = 0; i < points->len; i++)
    {
      const EngTradeoffPoint *point = points->pdata[i];
      if (g_str_equal (point->build_hash, build))
        return point;
    }
  return NULL;
}

static void
test_merge (void)
{
  EngTradeoffRuns *runs = eng_tradeoff_runs_new ();
  add (runs, run_with ("1", "a", 100, 50, 10, "valid", "p"));
  add (runs, run_with ("2", "a", 200, 60, 10, "valid", "p"));
  add (runs, run_with ("3", "a", 300, 70, 10, "degraded", "p")); /* newer, but no valid one */
  add (runs, run_with ("3", "a", 300, 70, 10, "degraded", "p")); /* the same again */
  add (runs, run_with ("4", "b", 100, 40, 10, "degraded", "p")); /* nothing better is known */
  add (runs, run_with ("5", "c", 100, 90, 10, "invalid", "p"));
  add (runs, run_with ("6", "d", 100, NAN, 10, "valid", "p"));
  add (runs, run_with ("7", "a", 100, 55, 10, "valid", "another prompt"));

  g_autoptr (EngTradeoff) result = ask (runs, NULL, 0);
  g_assert_cmpuint (result->points->len, ==, 3);
  g_assert_cmpuint (result->missing->len, ==, 2);
  const EngTradeoffPoint *a = result->points->pdata[0];
  g_assert_cmpstr (a->run_id, ==, "2");
  g_assert_cmpuint (a->n_runs, ==, 3);
  g_assert_cmpfloat (a->figures[ENG_FIGURE_DECODE].value, ==, 60);
  g_assert_cmpint (a->validity, ==, ENG_RUN_VALID);
  g_assert_cmpint (find (result->points, "b")->validity, ==, ENG_RUN_DEGRADED);
  g_assert_cmpstr (find (result->missing, "c")->missing, ==, "the run is invalid");
  g_assert_cmpstr (find (result->missing, "d")->missing, ==, "Decode speed: not recorded");
  g_assert_nonnull (result->caveat); /* two workloads */
  g_assert_cmpuint (g_strv_length (result->workloads), ==, 2);

  /* One workload alone: the other run is named, not dropped. */
  EngTradeoffQuery query = { .x = ENG_FIGURE_DECODE,
                             .y = ENG_FIGURE_PEAK_MEMORY,
                             .model_hash = eng_run_get_model_hash (template_run),
                             .workload = a->workload };
  g_autoptr (EngTradeoff) one = eng_tradeoff_new (runs, &query);
  g_assert_cmpuint (one->points->len, ==, 2);
  g_assert_cmpuint (one->missing->len, ==, 3);
  g_assert_null (one->caveat);
  g_assert_cmpint (eng_tradeoff_choose_y (runs, &query), ==, ENG_FIGURE_PEAK_MEMORY);
  eng_tradeoff_runs_free (runs);
}

/* Labels leave out what most points have, and never make two recipes one. */
static void
test_labels (void)
{
  static const struct
  {
    const char *build, *techniques, *label;
  } rows[] = {
    { "a", "{}", "weights as in file" },
    { "b", "{\"kv-cache\":{\"format\":\"q8_0\"}}", "Q8_0 cache" },
    { "c", "{\"weight-format\":{\"format\":\"q4_0\"}}", "Q4_0 weights" },
    { "d", "{\"weight-format\":{\"format\":\"q8_0\"}}", "Q8_0 weights" },
    { "e", "{\"threads\":{\"count\":1}}", "1 thread" },
  };
  EngTradeoffRuns *runs = eng_tradeoff_runs_new ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (EngRun) plain = run_with (rows[i].build, rows[i].build, 100, 50, 10, "valid", "p");
      g_autofree char *json = eng_run_to_json (plain);
      g_autofree char *recipe
          = g_strdup_printf ("{\"lathe-recipe\":1,\"techniques\":%s}", rows[i].techniques);
      g_autoptr (JsonNode) root = json_from_string (json, NULL);
      g_autoptr (GError) error = NULL;

      g_assert_true (json_object_has_member (json_node_get_object (root), "recipe"));
      json_object_set_member (json_node_get_object (root), "recipe",
                              json_from_string (recipe, NULL));
      g_autofree char *changed = json_to_string (root, FALSE);
      EngRun *run = eng_run_from_json (changed, &error);
      g_assert_no_error (error);
      add (runs, run);
    }
  g_autoptr (EngTradeoff) result = ask (runs, NULL, 0);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpstr (find (result->points, rows[i].build)->short_label, ==, rows[i].label);
  eng_tradeoff_runs_free (runs);
}

/* Another file of the same network is shown when it is asked for; another network never is. */
static void
test_other_files (void)
{
  EngTradeoffRuns *runs = eng_tradeoff_runs_new ();
  EngRunModel model = { 0 };
  static const struct
  {
    const char *id, *hash;
    double params; /* times those of the template */
  } rows[] = { { "1", NULL, 1 }, { "2", "other-file", 1.01 }, { "3", "other-network", 1.5 } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *json = eng_run_to_json (template_run);
      g_autoptr (JsonNode) root = json_from_string (json, NULL);
      JsonObject *object = json_node_get_object (root);
      JsonObject *kept = json_object_get_object_member (object, "model");
      g_autoptr (GError) error = NULL;

      if (i == 0)
        eng_run_model_read (&model, object);
      set_string (object, "id", rows[i].id);
      set_string (object, "build_sha256", rows[i].id);
      set_string (object, "validity", "valid");
      if (rows[i].hash != NULL)
        set_string (object, "model_sha256", rows[i].hash);
      json_object_set_int_member (kept, "parameters",
                                  (gint64)((double)model.n_params * rows[i].params));
      g_autofree char *changed = json_to_string (root, FALSE);
      EngRun *run = eng_run_from_json (changed, &error);
      g_assert_no_error (error);
      add (runs, run);
    }
  g_assert_true (model.known);
  EngTradeoffQuery query = { .x = ENG_FIGURE_DECODE,
                             .y = ENG_FIGURE_PEAK_MEMORY,
                             .model_hash = eng_run_get_model_hash (template_run) };
  g_autoptr (EngTradeoff) own = eng_tradeoff_new (runs, &query);
  g_assert_cmpuint (own->points->len, ==, 1);
  query.model = &model;
  g_autoptr (EngTradeoff) all = eng_tradeoff_new (runs, &query);
  g_assert_cmpuint (all->points->len, ==, 2);
  g_assert_nonnull (find (all->points, "2"));
  g_assert_null (find (all->points, "3"));
  /* Then the model's name is part of the recipe's. */
  g_assert_nonnull (strstr (find (all->points, "2")->label, eng_run_get_model_name (template_run)));
  eng_run_model_clear (&model);
  eng_tradeoff_runs_free (runs);
}

static void
test_best (void)
{
  EngTradeoffRuns *runs = eng_tradeoff_runs_new ();
  add (runs, run_with ("1", "slow-small", 100, 20, 10, "valid", "p"));
  add (runs, run_with ("2", "middle", 100, 40, 30, "valid", "p"));
  add (runs, run_with ("3", "fast-big", 100, 80, 90, "valid", "p"));
  add (runs, run_with ("4", "bad", 100, 30, 95, "valid", "p"));
  add (runs, run_with ("5", "like-middle", 100, 39.5, 30, "valid", "p"));

  EngLimit memory = { ENG_FIGURE_PEAK_MEMORY, .at_most = TRUE, .value = 64e6 };
  g_autoptr (EngTradeoff) within = ask (runs, &memory, 1);
  g_assert_cmpuint (within->front->len, ==, 3);
  for (guint i = 0; i < 3; i++) /* by rising x */
    {
      static const char *const builds[] = { "slow-small", "middle", "fast-big" };
      const EngTradeoffPoint *p = within->points->pdata[g_array_index (within->front, guint, i)];
      g_assert_cmpstr (p->build_hash, ==, builds[i]);
    }
  g_assert_cmpint (find (within->points, "bad")->pareto, ==, ENG_PARETO_DOMINATED);
  g_assert_cmpint (find (within->points, "like-middle")->pareto, ==, ENG_PARETO_UNDECIDED);
  g_assert_cmpint (within->best, >=, 0);
  /* Memory is limited, so speed decides; the one that is as fast within its interval is said. */
  g_assert_cmpstr (((EngTradeoffPoint *)within->points->pdata[within->best])->build_hash, ==,
                   "middle");
  g_assert_cmpuint (within->n_allowed, ==, 3);
  g_assert_nonnull (strstr (within->sentence, "cannot be told from it"));

  EngLimit speed = { ENG_FIGURE_DECODE, .value = 30 };
  g_autoptr (EngTradeoff) fast = ask (runs, &speed, 1);
  g_assert_cmpfloat (
      ((EngTradeoffPoint *)fast->points->pdata[fast->best])->figures[ENG_FIGURE_PEAK_MEMORY].value,
      ==, 30e6);

  EngLimit none = { ENG_FIGURE_PEAK_MEMORY, .at_most = TRUE, .value = 1e6 };
  g_autoptr (EngTradeoff) empty = ask (runs, &none, 1);
  g_assert_cmpint (empty->best, ==, -1);
  g_assert_nonnull (strstr (empty->sentence, "None of the 5 points"));
  eng_tradeoff_runs_free (runs);
}

static void
test_estimate (void)
{
  EngTradeoffRuns *runs = eng_tradeoff_runs_new ();
  EngFigure figures[ENG_N_FIGURES];
  EngLimit memory = { ENG_FIGURE_PEAK_MEMORY, .at_most = TRUE, .value = 64e6 };

  for (guint i = 0; i < ENG_N_FIGURES; i++)
    figures[i] = eng_figure_unavailable (eng_figure_id_unit (i), "not estimated");
  figures[ENG_FIGURE_DECODE] = eng_figure_exact (1000, "tok/s");
  figures[ENG_FIGURE_PEAK_MEMORY] = eng_figure_exact (1, "B");
  add (runs, run_with ("1", "a", 100, 20, 10, "valid", "p"));
  eng_tradeoff_runs_set_estimate (runs, eng_run_get_model_hash (template_run), ENG_WORKLOAD_TEXT,
                                  eng_run_get_recipe (template_run), figures);
  g_autoptr (EngTradeoff) result = ask (runs, &memory, 1);
  g_assert_cmpuint (result->points->len, ==, 2);
  const EngTradeoffPoint *estimate = result->points->pdata[0];
  g_assert_true (estimate->estimate);
  g_assert_cmpint (estimate->pareto, ==,
                   ENG_PARETO_NONE); /* beats everything, and counts for nothing */
  g_assert_cmpint (result->best, ==, 1);
  g_assert_cmpuint (result->front->len, ==, 1);
  /* Another one takes its place; none takes it away. */
  eng_tradeoff_runs_set_estimate (runs, eng_run_get_model_hash (template_run), ENG_WORKLOAD_TEXT,
                                  eng_run_get_recipe (template_run), figures);
  g_autoptr (EngTradeoff) again = ask (runs, NULL, 0);
  g_assert_cmpuint (again->points->len, ==, 2);
  eng_tradeoff_runs_set_estimate (runs, NULL, ENG_WORKLOAD_TEXT, NULL, NULL);
  g_autoptr (EngTradeoff) without = ask (runs, NULL, 0);
  g_assert_cmpuint (without->points->len, ==, 1);
  eng_tradeoff_runs_free (runs);
}

/* The same through the history's headers, CSV and JSON. */
static void
test_history (void)
{
  g_autofree char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "history.db", NULL);
  g_autoptr (GError) error = NULL;
  {
    g_autoptr (EngHistory) history = eng_history_open (path, &error);
    g_assert_no_error (error);
    for (guint i = 0; i < 3; i++)
      {
        g_autofree char *id = g_strdup_printf ("%u", i);
        g_autoptr (EngRun) run
            = run_with (id, i == 2 ? "b" : "a", 100 + i, 50 + i, 10 + i, "valid", "p, \"q\"");
        g_assert_true (eng_history_add (history, run, &error));
      }
    EngTradeoffRuns *runs = eng_tradeoff_runs_new ();
    g_assert_true (eng_tradeoff_runs_add_history (runs, history, &error));
    g_assert_no_error (error);
    g_autoptr (EngTradeoff) result = ask (runs, NULL, 0);
    g_assert_cmpuint (result->points->len, ==, 2);
    const EngTradeoffPoint *newest = result->points->pdata[0];
    g_assert_cmpstr (newest->build_hash, ==, "b");
    g_assert_true (eng_recipe_equal (newest->recipe, eng_run_get_recipe (template_run)));
    g_assert_cmpstr (newest->workload, ==, "“p, \"q\"”, 8 tokens");

    g_autofree char *csv = eng_tradeoff_to_csv (result);
    g_auto (GStrv) lines = g_strsplit (csv, "\r\n", -1);
    g_assert_cmpuint (g_strv_length (lines), ==, 4);
    g_assert_true (g_str_has_prefix (
        lines[0], "recipe,model,workload,device,state,decode_tokens_per_s,"
                  "decode_tokens_per_s_low95,decode_tokens_per_s_high95,peak_memory_bytes,"));
    g_assert_nonnull (strstr (lines[1], "\"“p, \"\"q\"\"”, 8 tokens\""));
    g_assert_nonnull (
        strstr (lines[1], ",52,51,53,12000000,12000000,12000000,front,yes,no,1,2,b,"));

    g_autofree char *json = eng_tradeoff_to_json (result);
    g_autoptr (JsonNode) root = eng_json_parse_object (json, "trade-off", &error);
    g_assert_no_error (error);
    JsonArray *points = eng_json_get_array (json_node_get_object (root), "points");
    g_assert_cmpuint (json_array_get_length (points), ==, 2);
    JsonObject *first = json_array_get_object_element (points, 0);
    g_assert_cmpfloat (eng_json_get_double (eng_json_get_object (first, "decode_tokens_per_s"),
                                            "value"),
                       ==, 52);
    eng_tradeoff_runs_free (runs);
  }
  eng_test_remove (g_steal_pointer (&directory));
}

/* A history of the first version gets its headers when it is opened. */
static void
test_old_history (void)
{
  static const char *const schema
      = "CREATE TABLE runs (id TEXT PRIMARY KEY, time INTEGER NOT NULL, model_name TEXT NOT NULL,"
        " model_hash TEXT NOT NULL, build_hash TEXT NOT NULL, recipe TEXT NOT NULL,"
        " validity INTEGER NOT NULL, deleted_at INTEGER, document TEXT NOT NULL);"
        "CREATE TABLE figures (run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,"
        " name TEXT NOT NULL, available INTEGER NOT NULL, value REAL, low REAL, high REAL,"
        " n INTEGER NOT NULL, unit TEXT NOT NULL, reason TEXT, PRIMARY KEY (run_id, name)) WITHOUT "
        "ROWID;"
        "INSERT INTO runs VALUES ('x', 1, 'm', 'h', 'b', 'r', 0, NULL, 'not JSON');"
        "PRAGMA user_version = 1;";
  g_autofree char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "history.db", NULL);
  g_autofree char *json = eng_run_to_json (template_run);
  g_autoptr (GError) error = NULL;
  sqlite3 *db;
  sqlite3_stmt *statement;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, schema, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint (
      sqlite3_prepare_v2 (db, "INSERT INTO runs VALUES ('y', 2, 'm', 'h', 'b', 'r', 0, NULL, ?)",
                          -1, &statement, NULL),
      ==, SQLITE_OK);
  sqlite3_bind_text (statement, 1, json, -1, SQLITE_STATIC);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_DONE);
  sqlite3_finalize (statement);
  sqlite3_close (db);
  {
    g_autoptr (EngHistory) history = eng_history_open (path, &error);
    g_assert_no_error (error);
    g_autoptr (GPtrArray) entries = eng_history_list (history, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (entries->len, ==, 2);
    const EngHistoryEntry *good = entries->pdata[0], *bad = entries->pdata[1];
    g_assert_null (bad->header); /* a document that is no JSON stops nothing */
    g_autoptr (JsonNode) root = eng_json_parse_object (good->header, "header", &error);
    g_assert_no_error (error);
    JsonObject *header = json_node_get_object (root);
    g_assert_nonnull (eng_json_get_object (header, "recipe"));
    g_assert_cmpstr (eng_json_get_string (eng_json_get_object (header, "workload"), "prompt"), ==,
                     "p");
    g_assert_nonnull (eng_json_get_object (header, "machine"));
    g_assert_null (eng_json_get_object (header, "profile"));
  }
  eng_test_remove (g_steal_pointer (&directory));
}

/* Evaluations of a network's builds: joined by build hash and one set, alone where a build was
 * never run otherwise. */
static void
test_evaluations (void)
{
  static const struct
  {
    const char *id, *build, *set; /* set NULL: a run */
    double accuracy, ms;
  } rows[] = {
    { "1", "a", NULL, NAN, 2 },       { "2", "b", NULL, NAN, 1 },
    { "3", "c", NULL, NAN, 3 },       { "4", "a", "/data/one", 90, 9 },
    { "5", "b", "/data/one", 80, 9 }, { "6", "b", "/data/two", 70, 9 },
    { "7", "d", "/data/one", 60, 4 }, { "8", "c", "/data/two", 50, 4 },
    { "9", "e", "/data/two", 40, 4 },
  };
  EngTradeoffRuns *runs = eng_tradeoff_runs_new ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *json = eng_run_to_json (template_run);
      g_autoptr (JsonNode) root = json_from_string (json, NULL);
      JsonObject *object = json_node_get_object (root), *figures = json_object_new (),
                 *workload = json_object_new ();
      JsonArray *inputs = json_array_new ();
      g_autoptr (GError) error = NULL;

      set_string (object, "id", rows[i].id);
      set_string (object, "build_sha256", rows[i].build);
      set_string (object, "validity", "valid");
      json_object_set_int_member (object, "time_unix_s", 100 + i);
      set_string (workload, "kind", "input");
      json_object_set_boolean_member (workload, "labelled", rows[i].set != NULL);
      if (rows[i].set != NULL)
        json_array_add_string_element (inputs, rows[i].set);
      json_object_set_array_member (workload, "inputs", inputs);
      json_object_set_object_member (object, "workload", workload);
      set_figure (figures, ENG_FIGURE_INFERENCE, rows[i].ms, 0.1);
      if (!isnan (rows[i].accuracy))
        set_figure (figures, ENG_FIGURE_ACCURACY, rows[i].accuracy, 1);
      json_object_set_object_member (object, "figures", figures);
      g_autofree char *changed = json_to_string (root, FALSE);
      EngRun *run = eng_run_from_json (changed, &error);
      g_assert_no_error (error);
      add (runs, run);
    }

  EngTradeoffQuery query = { .x = ENG_FIGURE_INFERENCE,
                             .y = ENG_FIGURE_ACCURACY,
                             .kind = ENG_WORKLOAD_INPUT,
                             .set = "/data/one",
                             .model_hash = eng_run_get_model_hash (template_run) };
  g_autoptr (EngTradeoff) one = eng_tradeoff_new (runs, &query);
  g_assert_cmpstr (one->set, ==, "/data/one");
  g_assert_cmpuint (one->points->len, ==, 3);
  g_assert_cmpfloat (find (one->points, "a")->figures[ENG_FIGURE_ACCURACY].value, ==, 90);
  g_assert_cmpfloat (find (one->points, "a")->figures[ENG_FIGURE_INFERENCE].value, ==,
                     2); /* of the run */
  g_assert_cmpfloat (find (one->points, "b")->figures[ENG_FIGURE_ACCURACY].value, ==, 80);
  g_assert_true (find (one->points, "d")->evaluation);
  g_assert_cmpstr (find (one->missing, "c")->missing, ==, "Accuracy: evaluated on two, not on one");
  g_assert_cmpstr (find (one->missing, "e")->missing, ==, "Accuracy: evaluated on two, not on one");

  /* The newest evaluation's set when none is asked for. */
  query.set = NULL;
  g_autoptr (EngTradeoff) newest = eng_tradeoff_new (runs, &query);
  g_assert_cmpstr (newest->set, ==, "/data/two");
  g_assert_cmpfloat (find (newest->points, "b")->figures[ENG_FIGURE_ACCURACY].value, ==, 70);
  g_assert_cmpint (eng_tradeoff_choose_y (runs, &query), ==, ENG_FIGURE_ACCURACY);
  eng_tradeoff_runs_free (runs);
}

static void
make_template (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngWorkload) workload = eng_workload_new ("p");
  g_autoptr (GError) error = NULL;

  workload->n_predict = 8;
  template_run = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);

  /* What a run keeps of its model says which files hold the same network. */
  EngRunModel kept = { 0 }, other = { 0 };
  eng_run_model_init (&kept, model);
  eng_run_model_init (&other, model);
  g_assert_true (eng_run_model_same_network (&kept, &other));
  other.n_params += other.n_params / 10;
  g_assert_false (eng_run_model_same_network (&kept, &other));
  eng_run_model_clear (&kept);
  eng_run_model_clear (&other);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  make_template ();
  g_test_add_func ("/tradeoff/front/random", test_front_random);
  g_test_add_func ("/tradeoff/front/intervals", test_front_intervals_random);
  g_test_add_func ("/tradeoff/front/unknown", test_front_unknown);
  g_test_add_func ("/tradeoff/limits/read", test_limits_read);
  g_test_add_func ("/tradeoff/limits/bad", test_limits_bad);
  g_test_add_func ("/tradeoff/limits/check", test_limits_check);
  g_test_add_func ("/tradeoff/merge", test_merge);
  g_test_add_func ("/tradeoff/labels", test_labels);
  g_test_add_func ("/tradeoff/other-files", test_other_files);
  g_test_add_func ("/tradeoff/best", test_best);
  g_test_add_func ("/tradeoff/estimate", test_estimate);
  g_test_add_func ("/tradeoff/history", test_history);
  g_test_add_func ("/tradeoff/history/old", test_old_history);
  g_test_add_func ("/tradeoff/evaluations", test_evaluations);
  int status = g_test_run ();
  g_object_unref (template_run);
  return status;
}
