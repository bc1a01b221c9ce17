/* A comparison as JSON and CSV. Called by `lathe compare` and the exports of window and report. */
#include "eng-compare-private.h"

#include <math.h>
#include <string.h>

#include "eng-json.h"
#include "eng-run-device.h"

static void
write_change (JsonBuilder *builder, const char *name, const EngChange *change)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  eng_json_add_double (builder, change->points ? "change_points" : "change_percent",
                       100 * change->frac);
  eng_json_add_double (builder, "low95", 100 * change->low);
  eng_json_add_double (builder, "high95", 100 * change->high);
  eng_json_add_string (builder, "verdict", eng_verdict_name (change->verdict));
  if (change->reason != NULL)
    eng_json_add_string (builder, "reason", change->reason);
  json_builder_end_object (builder);
}

static void
write_figure (JsonBuilder *builder, const char *name, const EngFigure *figure)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  eng_json_add_double (builder, "value", figure->available ? figure->value : NAN);
  if (figure->available)
    {
      eng_json_add_double (builder, "low95", figure->low);
      eng_json_add_double (builder, "high95", figure->high);
      eng_json_add_int (builder, "n", figure->n);
    }
  eng_json_add_string (builder, "unit", figure->unit);
  if (figure->reason != NULL)
    eng_json_add_string (builder, "reason", figure->reason);
  json_builder_end_object (builder);
}

static void
write_run (EngComparison *self, guint r, JsonBuilder *builder)
{
  static const char *const aspects[ENG_N_ASPECTS] = { "layers", "times", "memory", "accuracy" };
  static const char *const alignments[] = { "none", "names", "shapes" };
  EngRun *run = eng_comparison_get_run (self, r);
  g_autofree char *label = eng_comparison_dup_label (self, r);

  json_builder_begin_object (builder);
  eng_json_add_string (builder, "id", eng_run_get_id (run));
  eng_json_add_int (builder, "time_unix_s", eng_run_get_time (run));
  eng_json_add_string (builder, "label", label);
  eng_json_add_string (builder, "model_name", eng_run_get_model_name (run));
  eng_json_add_string (builder, "model_sha256", eng_run_get_model_hash (run));
  eng_json_add_string (builder, "build_sha256", eng_run_get_build_hash (run));
  eng_json_add_string (builder, "device",
                       eng_run_get_device (run) != NULL ? eng_run_get_device (run)
                                                        : ENG_RUN_THIS_COMPUTER);
  eng_json_add_bool (builder, "emulated", eng_run_get_emulated (run));
  eng_json_add_string (builder, "isa", eng_run_get_isa (run));
  eng_json_add_int (builder, "threads", eng_run_get_n_threads (run));
  eng_json_add_string (builder, "validity", eng_validity_name (eng_run_get_validity (run)));
  eng_json_add_string (builder, "aligned_by", alignments[eng_comparison_get_alignment (self, r)]);
  json_builder_set_member_name (builder, "withheld");
  json_builder_begin_object (builder);
  for (EngAspect aspect = 0; aspect < ENG_N_ASPECTS; aspect++)
    if (eng_comparison_get_withheld (self, r, aspect) != NULL)
      eng_json_add_string (builder, aspects[aspect], eng_comparison_get_withheld (self, r, aspect));
  json_builder_end_object (builder);
  eng_json_add_strv (builder, "caveats", eng_comparison_get_caveats (self, r));
  json_builder_set_member_name (builder, "figures");
  json_builder_begin_object (builder);
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    if (eng_figure_id_applies (id, eng_run_get_workload (run)->kind))
      {
        EngFigure figure = eng_comparison_get_figure (self, r, id);

        write_figure (builder, eng_figure_id_name (id), &figure);
      }
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "changes");
  json_builder_begin_object (builder);
  for (EngFigureId id = 0; r > 0 && id < ENG_N_FIGURES; id++)
    if (eng_figure_id_applies (id, eng_run_get_workload (run)->kind))
      {
        EngChange change = eng_comparison_get_figure_change (self, r, id);

        write_change (builder, eng_figure_id_name (id), &change);
      }
  json_builder_end_object (builder);
  json_builder_end_object (builder);
}

static void
write_cell (EngComparison *self, guint row, guint r, JsonBuilder *builder)
{
  g_autofree char *note = eng_comparison_dup_note (self, row, r);

  json_builder_begin_object (builder);
  eng_json_add_bool (builder, "executed", eng_comparison_is_executed (self, row, r));
  if (note != NULL)
    eng_json_add_string (builder, "note", note);
  for (EngLayerMetric metric = 0; metric < ENG_N_LAYER_METRICS; metric++)
    {
      EngFigure value = eng_comparison_get_value (self, row, r, metric);
      g_autofree char *name = g_strconcat (eng_layer_metric_name (metric), "_change", NULL);

      write_figure (builder, eng_layer_metric_name (metric), &value);
      if (r > 0)
        {
          EngChange change = eng_comparison_get_change (self, row, r, metric);

          write_change (builder, name, &change);
        }
    }
  json_builder_end_object (builder);
}

/* Operators follow their layer: shown where it is. */
static gboolean
passes (EngComparison *self, guint row, double min_frac)
{
  while (row > 0 && eng_comparison_get_row (self, row)->depth > 0)
    row--;
  for (EngLayerMetric metric = 0; metric < ENG_N_LAYER_METRICS; metric++)
    if (eng_comparison_get_row_change (self, row, metric) >= min_frac)
      return TRUE;
  return FALSE;
}

char *
eng_comparison_to_json (EngComparison *self, double min_frac)
{
  static const char *const phases[RT_N_PHASES] = { "prefill", "decode", "inference" };
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  eng_json_add_int (builder, "lathe-comparison", 1);
  eng_json_add_string (builder, "phase", phases[eng_comparison_get_phase (self)]);
  json_builder_set_member_name (builder, "runs");
  json_builder_begin_array (builder);
  for (guint r = 0; r < eng_comparison_get_n_runs (self); r++)
    write_run (self, r, builder);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "rows");
  json_builder_begin_array (builder);
  for (guint row = 0; row < eng_comparison_get_n_rows (self); row++)
    {
      const EngCompareRow *info = eng_comparison_get_row (self, row);

      if (!passes (self, row, min_frac))
        continue;
      json_builder_begin_object (builder);
      eng_json_add_string (builder, "kind", info->depth == 0 ? "layer" : "operators");
      eng_json_add_int (builder, "layer", info->layer);
      eng_json_add_string (builder, "name", info->name);
      eng_json_add_string (builder, "operator", info->op);
      json_builder_set_member_name (builder, "runs");
      json_builder_begin_array (builder);
      for (guint r = 0; r < eng_comparison_get_n_runs (self); r++)
        write_cell (self, row, r, builder);
      json_builder_end_array (builder);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return eng_json_builder_finish (builder, TRUE);
}

/* A field of a CSV file (RFC 4180); a text that a spreadsheet would take for a formula gets an
 * apostrophe in front. */
static void
add_text (GString *csv, const char *text)
{
  g_string_append_c (csv, '"');
  if (*text != '\0' && strchr ("=+-@\t", *text) != NULL)
    g_string_append_c (csv, '\'');
  for (const char *c = text; *c != '\0'; c++)
    {
      if (*c == '"')
        g_string_append_c (csv, '"');
      g_string_append_c (csv, *c);
    }
  g_string_append_c (csv, '"');
}

static void
add_number (GString *csv, double value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_c (csv, ',');
  if (isfinite (value))
    g_string_append (csv, g_ascii_formatd (buffer, sizeof buffer, "%.9g", value));
}

static void
add_line (EngComparison *self, GString *csv, guint row, guint r)
{
  const EngCompareRow *info = eng_comparison_get_row (self, row);
  g_autofree char *label = eng_comparison_dup_label (self, r);
  EngFigure latency = eng_comparison_get_value (self, row, r, ENG_LAYER_METRIC_LATENCY);

  g_string_append_printf (csv, "%s,%d,", info->depth == 0 ? "layer" : "operators", info->layer);
  add_text (csv, info->name);
  g_string_append_c (csv, ',');
  add_text (csv, info->op);
  g_string_append_printf (csv, ",%s,", eng_run_get_id (eng_comparison_get_run (self, r)));
  add_text (csv, label);
  g_string_append (csv, eng_comparison_is_executed (self, row, r) ? ",yes" : ",no");
  for (EngLayerMetric metric = 0; metric < ENG_N_LAYER_METRICS; metric++)
    {
      EngFigure value = eng_comparison_get_value (self, row, r, metric);
      EngChange change = eng_comparison_get_change (self, row, r, metric);

      add_number (csv, value.available ? value.value : NAN);
      add_number (csv, value.available ? value.low : NAN);
      add_number (csv, value.available ? value.high : NAN);
      add_number (csv, r > 0 ? 100 * change.frac : NAN);
      add_number (csv, r > 0 ? 100 * change.low : NAN);
      add_number (csv, r > 0 ? 100 * change.high : NAN);
      g_string_append_printf (csv, ",%s", r > 0 ? eng_verdict_name (change.verdict) : "");
    }
  g_string_append_c (csv, ',');
  add_text (csv, latency.available || latency.reason == NULL ? "" : latency.reason);
  g_string_append (csv, "\r\n");
}

char *
eng_comparison_to_csv (EngComparison *self, double min_frac)
{
  GString *csv = g_string_new ("kind,layer,name,operator,run_id,run,executed");

  for (EngLayerMetric metric = 0; metric < ENG_N_LAYER_METRICS; metric++)
    {
      const char *name = eng_layer_metric_name (metric);

      g_string_append_printf (csv,
                              ",%s,%s_low95,%s_high95,%s_change_percent,%s_change_low95_percent,%s_"
                              "change_high95_percent,%s_verdict",
                              name, name, name, name, name, name, name);
    }
  g_string_append (csv, ",reason\r\n");
  for (guint row = 0; row < eng_comparison_get_n_rows (self); row++)
    for (guint r = 0; r < eng_comparison_get_n_runs (self) && passes (self, row, min_frac); r++)
      add_line (self, csv, row, r);
  return g_string_free (csv, FALSE);
}
