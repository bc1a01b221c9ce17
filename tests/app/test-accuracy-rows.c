/* What the accuracy view makes of an evaluation: rows, changes, words. */
#include <math.h>

#include "app-accuracy-rows.h"

static const char document[]
    = "{\"data\": \"bundled:texts\", \"title\": \"Bundled texts\", \"source\": \"4000 tokens\", "
      "\"against\": \"the model as in its file\", \"against_build_sha256\": \"x\", "
      "\"against_itself\": @ITSELF@, \"grouped_by\": \"domain\", \"seconds\": 2, \"samples\": 60, "
      "\"notes\": [], "
      "\"metrics\": ["
      "{\"metric\": \"perplexity\", \"value\": {\"value\": 22, \"low95\": 20, \"high95\": 24, "
      "\"n\": 4000, \"unit\": \"\"}, "
      "\"baseline\": {\"value\": 20, \"low95\": 18, \"high95\": 22, \"n\": 4000, \"unit\": \"\"}, "
      "\"change\": {\"value\": 10, \"low95\": 8, \"high95\": 12, \"n\": 4000, \"unit\": \"%\"}, "
      "\"p\": 0.001, \"groups\": ["
      "{\"name\": \"code\", \"value\": {\"value\": 30, \"low95\": 20, \"high95\": 40, \"n\": 900, "
      "\"unit\": \"\"}, "
      "\"baseline\": {\"value\": 25, \"low95\": 20, \"high95\": 30, \"n\": 900, \"unit\": \"\"}, "
      "\"change\": {\"value\": 20, \"low95\": 10, \"high95\": 30, \"n\": 900, \"unit\": \"%\"}, "
      "\"p\": 0.001, "
      "\"significant\": true},"
      "{\"name\": \"prose\", \"value\": {\"value\": 16, \"low95\": 15, \"high95\": 17, \"n\": 900, "
      "\"unit\": \"\"}, "
      "\"baseline\": {\"value\": 16, \"low95\": 15, \"high95\": 17, \"n\": 900, \"unit\": \"\"}, "
      "\"change\": {\"value\": 1, \"low95\": -1, \"high95\": 3, \"n\": 900, \"unit\": \"%\"}, "
      "\"p\": 0.3, "
      "\"significant\": false}]},"
      "{\"metric\": \"kl-divergence\", \"value\": {\"value\": 0.02, \"low95\": 0.01, \"high95\": "
      "0.03, \"n\": 4000, "
      "\"unit\": \"nat\"}, \"baseline\": {\"value\": 0, \"low95\": 0, \"high95\": 0, \"n\": 0, "
      "\"unit\": \"nat\"}, "
      "\"change\": {\"value\": 0.02, \"low95\": 0.01, \"high95\": 0.03, \"n\": 4000, \"unit\": "
      "\"nat\"}, \"p\": null, "
      "\"groups\": []}]}";

static EngEvaluation *
make (const char *itself)
{
  g_auto (GStrv) parts = g_strsplit (document, "@ITSELF@", 2);
  g_autofree char *json = g_strjoinv (itself, parts);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = json_from_string (json, &error);
  g_assert_no_error (error);
  EngEvaluation *evaluation = eng_evaluation_read (json_node_get_object (node), &error);
  g_assert_no_error (error);
  return evaluation;
}

static void
test_changes (void)
{
  g_autoptr (EngEvaluation) evaluation = make ("false");
  const EngEvalMetric *perplexity = eng_evaluation_get_metric (evaluation, 0);
  const EngEvalMetric *kl = eng_evaluation_get_metric (evaluation, 1);
  AppChange change = app_accuracy_change (evaluation, &eng_metric_perplexity, &perplexity->whole);

  g_assert_cmpint (change.verdict, ==, APP_CHANGE_WORSE);
  g_assert_cmpfloat_with_epsilon (change.frac, 0.1, 1e-12);
  g_assert_cmpfloat_with_epsilon (change.high, 0.12, 1e-12);
  change = app_accuracy_change (evaluation, &eng_metric_perplexity, &perplexity->groups[1]);
  g_assert_cmpint (change.verdict, ==, APP_CHANGE_SAME);
  /* A divergence is a comparison already. */
  change = app_accuracy_change (evaluation, &eng_metric_kl_mean, &kl->whole);
  g_assert_cmpint (change.verdict, ==, APP_CHANGE_NONE);
}

static void
test_rows (void)
{
  g_autoptr (EngEvaluation) evaluation = make ("false");
  g_autoptr (EngEvaluation) itself = make ("true");
  const EngEvalMetric *perplexity = eng_evaluation_get_metric (evaluation, 0);
  g_autoptr (GPtrArray) own = g_ptr_array_new_with_free_func (g_free);
  PlotForestRow row
      = app_accuracy_make_row (evaluation, &eng_metric_perplexity, &perplexity->whole, own);

  g_assert_true (row.total && row.certain);
  g_assert_cmpfloat (row.value, ==, 10);
  g_assert_cmpfloat (row.low, ==, 8);
  g_assert_cmpstr (row.detail, ==, "20 → 22");
  row = app_accuracy_make_row (evaluation, &eng_metric_perplexity, &perplexity->groups[0], own);
  g_assert_true (row.certain && !row.total);
  g_assert_cmpstr (row.name, ==, "code");
  row = app_accuracy_make_row (evaluation, &eng_metric_perplexity, &perplexity->groups[1], own);
  g_assert_false (row.certain);
  /* Against itself: values. */
  row = app_accuracy_make_row (itself, &eng_metric_perplexity,
                               &eng_evaluation_get_metric (itself, 0)->whole, own);
  g_assert_cmpfloat (row.value, ==, 22);
  g_assert_null (row.detail);
  g_assert_cmpstr (app_accuracy_footnote (itself, eng_evaluation_get_metric (itself, 0)), ==, "");
  g_assert_cmpstr (app_accuracy_footnote (evaluation, perplexity), !=, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/app/accuracy/changes", test_changes);
  g_test_add_func ("/app/accuracy/rows", test_rows);
  return g_test_run ();
}
