/* `lathe compare RUN RUN...`: the differences of runs, layer by layer, and gates on them; `lathe
 * runs`: what there is to compare. */

#include <math.h>
#include <string.h>

#include "app-cli-private.h"
#include "eng-compare.h"
#include "eng-error.h"
#include "eng-gate.h"
#include "eng-run-find.h"

/* Exit statuses beside 0 and 1. */
#define EXIT_UNKNOWN 2
#define EXIT_TRIPPED 3

#define NAME_WIDTH 34

static gboolean as_json, as_csv, by_node, strict;
static char *phase_name, *metric_name, **gate_texts;
static double threshold;

static const GOptionEntry entries[] = {
  { "phase", 0, 0, G_OPTION_ARG_STRING, &phase_name,
    "Of a language model: prefill or decode (decode)", "PHASE" },
  { "metric", 0, 0, G_OPTION_ARG_STRING, &metric_name,
    "What the table shows of every layer: latency, weight, activation, kv, energy (attributed), "
    "energy-modelled (latency)",
    "METRIC" },
  { "nodes", 0, 0, G_OPTION_ARG_NONE, &by_node, "The operators of every layer, too", NULL },
  { "threshold", 0, 0, G_OPTION_ARG_DOUBLE, &threshold,
    "Only layers that change by so much (0: all)", "PCT" },
  { "fail-if", 0, 0, G_OPTION_ARG_STRING_ARRAY, &gate_texts,
    "A gate, as 'latency>+5%'; may be repeated", "GATE" },
  { "strict", 0, 0, G_OPTION_ARG_NONE, &strict, "Gates trip on changes within the noise, too",
    NULL },
  { "csv", 0, 0, G_OPTION_ARG_NONE, &as_csv, "Comma-separated values, every operator", NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static const char gate_help[]
    = "RUN is a run's file (`lathe profile --save`), the id of a run of the history or its "
      "beginning, \"latest\", or \"latest~1\", the one before. The first "
      "is what the others are compared with.\n\n"
      "Gates: METRIC OPERATOR LIMIT\n"
      "  METRIC    latency, prefill, decode, memory, energy, energy-modelled, accuracy, "
      "perplexity; any figure's "
      "name; layer:NAME:latency (weight, activation, kv)\n"
      "  OPERATOR  > >= < <=\n"
      "  LIMIT     with a sign: a change since the first run (+5%, -0.2ms; of percentages, in "
      "points); without: the value itself (12ms, 100MB, 70%)\n"
      "A change within the noise (its 95 % interval holds zero) does not trip a gate unless "
      "--strict.\n\n"
      "Exit status: 0 all gates held; 1 error; 2 a gate's metric is unavailable or withheld; 3 a "
      "gate tripped.";

/* ---- Printing ---- */

static char *
format_change (const EngChange *change)
{
  const char *unit = change->points ? "pp" : "%";

  if (change->verdict == ENG_CHANGE_NONE)
    return g_strdup ("—");
  if (!isfinite (change->low))
    return g_strdup_printf ("%+.1f %s, no interval", 100 * change->frac, unit);
  /* From device to device, times differ by more than percents can be read. */
  if (!change->points && change->frac >= 9)
    return g_strdup_printf ("×%.4g (×%.4g to ×%.4g)", 1 + change->frac, 1 + change->low,
                            1 + change->high);
  if (change->low == change->high)
    return change->frac == 0 ? g_strdup ("the same")
                             : g_strdup_printf ("%+.1f %s", 100 * change->frac, unit);
  return g_strdup_printf ("%+.1f %s (%+.1f to %+.1f)%s", 100 * change->frac, unit,
                          100 * change->low, 100 * change->high,
                          change->verdict == ENG_CHANGE_SAME ? " ≈" : "");
}

static char *
format_value (const EngFigure *figure)
{
  if (!figure->available)
    return g_strdup (figure->reason != NULL && g_str_equal (figure->reason, "not executed here")
                         ? "not executed here"
                         : "—");
  if (g_str_equal (figure->unit, "ns"))
    return eng_format_value (figure->value * 1e-9, "s");
  return eng_format_value (figure->value, figure->unit);
}

/* Pads by characters on screen, not bytes; a name that is too long keeps its end, where layers
 * differ. */
static void
print_padded (const char *text, glong width)
{
  glong length = g_utf8_strlen (text, -1);
  const char *start = length > width ? g_utf8_offset_to_pointer (text, length - width + 1) : text;

  g_print ("%s%s%*s", length > width ? "…" : "", start, (int)MAX (width - length, 0), "");
}

static void
print_runs (EngComparison *comparison)
{
  static const char *const words[ENG_N_ASPECTS]
      = { "not compared", "times withheld", "memory withheld", "accuracy withheld" };

  for (guint r = 0; r < eng_comparison_get_n_runs (comparison); r++)
    {
      EngRun *run = eng_comparison_get_run (comparison, r);
      g_autofree char *label = eng_comparison_dup_label (comparison, r);
      const char *const *caveats = eng_comparison_get_caveats (comparison, r);

      g_print ("%c  %.8s  %s: %s, %s\n", 'A' + (int)MIN (r, 25), eng_run_get_id (run),
               eng_run_get_model_name (run), label, eng_validity_name (eng_run_get_validity (run)));
      for (EngAspect aspect = 0; aspect < ENG_N_ASPECTS; aspect++)
        if (eng_comparison_get_withheld (comparison, r, aspect) != NULL)
          {
            g_print ("   %s: %s\n", words[aspect],
                     eng_comparison_get_withheld (comparison, r, aspect));
            if (aspect == ENG_ASPECT_LAYERS)
              break;
          }
      for (guint i = 0; caveats[i] != NULL; i++)
        g_print ("   note: %s\n", caveats[i]);
    }
  g_print ("\n");
}

static void
print_line (const char *name, const EngFigure *values, const EngChange *changes, guint n)
{
  g_print ("  ");
  print_padded (name, NAME_WIDTH);
  for (guint r = 0; r < n; r++)
    {
      g_autofree char *value = format_value (&values[r]);
      g_autofree char *change = r > 0 ? format_change (&changes[r]) : NULL;

      g_print ("  ");
      print_padded (value, values[r].available ? 12 : 17);
      if (r > 0 && values[r].available)
        {
          g_print (" ");
          print_padded (change, 30);
        }
      else if (r > 0)
        print_padded ("", 26);
    }
  g_print ("\n");
}

static void
print_figures (EngComparison *comparison)
{
  guint n = eng_comparison_get_n_runs (comparison);
  EngWorkloadKind kind = eng_run_get_workload (eng_comparison_get_run (comparison, 0))->kind;
  g_autofree EngFigure *values = g_new (EngFigure, n);
  g_autofree EngChange *changes = g_new (EngChange, n);

  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    {
      gboolean any = FALSE;

      for (guint r = 0; r < n; r++)
        {
          values[r] = eng_comparison_get_figure (comparison, r, id);
          changes[r] = eng_comparison_get_figure_change (comparison, r, id);
          any = any || values[r].available;
        }
      if (any && eng_figure_id_applies (id, kind))
        print_line (eng_figure_id_title (id), values, changes, n);
    }
  g_print ("\n");
}

static gboolean
has_any (EngComparison *comparison, EngLayerMetric metric)
{
  for (guint row = 0; row < eng_comparison_get_n_rows (comparison); row++)
    for (guint r = 0; r < eng_comparison_get_n_runs (comparison); r++)
      if (eng_comparison_get_value (comparison, row, r, metric).available)
        return TRUE;
  return FALSE;
}

static void
print_rows (EngComparison *comparison, EngLayerMetric metric)
{
  static const char *const phases[RT_N_PHASES] = { "prefill", "decode", "inference" };
  guint n = eng_comparison_get_n_runs (comparison), n_hidden = 0;
  g_autofree EngFigure *values = g_new (EngFigure, n);
  g_autofree EngChange *changes = g_new (EngChange, n);
  gboolean shown = TRUE;

  if (metric == ENG_LAYER_METRIC_LATENCY)
    g_print ("%s, every layer, %s\n", eng_layer_metric_title (metric),
             phases[eng_comparison_get_phase (comparison)]);
  else
    g_print ("%s, every layer\n", eng_layer_metric_title (metric));
  if (!has_any (comparison, metric))
    {
      g_print ("  not measured in these runs\n");
      return;
    }
  for (guint row = 0; row < eng_comparison_get_n_rows (comparison); row++)
    {
      const EngCompareRow *info = eng_comparison_get_row (comparison, row);
      g_autofree char *name = g_strconcat (info->depth > 0 ? "  " : "", info->name, NULL);

      if (info->depth == 0)
        {
          shown = 100 * eng_comparison_get_row_change (comparison, row, metric) >= threshold;
          n_hidden += !shown;
        }
      if (!shown || (info->depth > 0 && !by_node))
        continue;
      for (guint r = 0; r < n; r++)
        {
          values[r] = eng_comparison_get_value (comparison, row, r, metric);
          changes[r] = eng_comparison_get_change (comparison, row, r, metric);
        }
      print_line (name, values, changes, n);
    }
  if (n_hidden > 0)
    g_print ("  %u %s %g %%\n", n_hidden,
             n_hidden == 1 ? "layer changes by less than" : "layers change by less than",
             threshold);
}

/* ---- Gates ---- */

static gboolean
check_gates (EngComparison *comparison, GPtrArray *gates, GError **error)
{
  guint n_runs = eng_comparison_get_n_runs (comparison);
  g_autoptr (GString) tripped = g_string_new (NULL);
  g_autoptr (GString) unknown = g_string_new (NULL);

  for (guint i = 0; i < gates->len; i++)
    for (guint r = n_runs > 1 ? 1 : 0; r < n_runs; r++)
      {
        g_autofree char *sentence = NULL;
        EngGateResult result = eng_gate_check (gates->pdata[i], comparison, r, &sentence);
        GString *list = result == ENG_GATE_UNKNOWN ? unknown
                        : result == ENG_GATE_TRIPPED || (strict && result == ENG_GATE_NOISE)
                            ? tripped
                            : NULL;

        if (list != NULL)
          g_string_append_printf (list, "\n  %c: %s%s", 'A' + (int)MIN (r, 25), sentence,
                                  result == ENG_GATE_NOISE ? " (--strict: tripped)" : "");
        else
          g_printerr ("%c: %s\n", 'A' + (int)MIN (r, 25), sentence);
      }
  if (tripped->len > 0)
    g_set_error (error, APP_CLI_EXIT, EXIT_TRIPPED, "the gate tripped:%s%s%s", tripped->str,
                 unknown->len > 0 ? "\nunknown:" : "", unknown->str);
  else if (unknown->len > 0)
    g_set_error (error, APP_CLI_EXIT, EXIT_UNKNOWN, "the gate could not be checked:%s",
                 unknown->str);
  return tripped->len == 0 && unknown->len == 0;
}

static GPtrArray *
parse_gates (GError **error)
{
  g_autoptr (GPtrArray) gates = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_gate_free);

  for (guint i = 0; gate_texts != NULL && gate_texts[i] != NULL; i++)
    {
      EngGate *gate = eng_gate_parse (gate_texts[i], error);

      if (gate == NULL)
        return NULL;
      g_ptr_array_add (gates, gate);
    }
  return g_steal_pointer (&gates);
}

/* ---- The command ---- */

static gboolean
parse_names (RtPhase *phase, EngLayerMetric *metric, GError **error)
{
  static const char *const metrics[ENG_N_LAYER_METRICS]
      = { "latency",     "weight",      "activation",       "kv", "energy", "energy-modelled",
          "sensitivity", "local-error", "accumulated-error" };

  *phase = g_strcmp0 (phase_name, "prefill") == 0 ? RT_PHASE_PREFILL : RT_PHASE_DECODE;
  if (phase_name != NULL && !g_str_equal (phase_name, "prefill")
      && !g_str_equal (phase_name, "decode"))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--phase is prefill or decode, not \"%s\"", phase_name);
      return FALSE;
    }
  for (*metric = 0; metric_name != NULL && *metric < ENG_N_LAYER_METRICS; (*metric)++)
    if (g_str_equal (metrics[*metric], metric_name))
      return TRUE;
  if (metric_name == NULL)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "--metric is latency, weight, activation, kv, energy or energy-modelled, not \"%s\"",
               metric_name);
  return FALSE;
}

GPtrArray *
app_cli_find_runs (int argc, char **argv, GError **error)
{
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (EngHistory) history = NULL;

  for (int i = 1; i < argc; i++)
    {
      EngRun *run = eng_run_find (&history, argv[i], error);

      if (run == NULL)
        return NULL;
      g_ptr_array_add (runs, run);
    }
  return g_steal_pointer (&runs);
}

static gboolean
compare_command (int argc, char **argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (app_command_compare.arguments);
  g_autoptr (GPtrArray) runs = NULL;
  g_autoptr (GPtrArray) gates = NULL;
  g_autoptr (EngComparison) comparison = NULL;
  g_autofree char *text = NULL;
  RtPhase phase;
  EngLayerMetric metric = ENG_LAYER_METRIC_LATENCY;

  g_option_context_set_summary (context, app_command_compare.summary);
  g_option_context_set_description (context, gate_help);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error)
      || !parse_names (&phase, &metric, error))
    return FALSE;
  if (argc < (gate_texts != NULL ? 2 : 3))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                   "two runs or more are needed. Usage: lathe compare %s",
                   app_command_compare.arguments);
      return FALSE;
    }
  gates = parse_gates (error);
  runs = gates != NULL ? app_cli_find_runs (argc, argv, error) : NULL;
  if (runs == NULL)
    return FALSE;
  comparison = eng_comparison_new ((EngRun *const *)runs->pdata, runs->len, phase);
  if (as_json || as_csv)
    {
      text = as_json ? eng_comparison_to_json (comparison, threshold / 100)
                     : eng_comparison_to_csv (comparison, threshold / 100);
      g_print ("%s%s", text, as_json ? "\n" : "");
    }
  else
    {
      print_runs (comparison);
      print_figures (comparison);
      print_rows (comparison, metric);
    }
  return check_gates (comparison, gates, error);
}

const AppCommand app_command_compare = {
  "compare",
  "RUN RUN... [--phase P] [--metric M] [--nodes] [--threshold PCT] [--fail-if GATE]... [--strict] "
  "[--csv] [--json]",
  "Runs layer by layer: values, changes with intervals, gates with an exit status (3: tripped).",
  compare_command
};
