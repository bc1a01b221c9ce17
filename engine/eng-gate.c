/* Gates. Called by `lathe compare --fail-if`; reads comparisons only. */
#include "eng-gate.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"

typedef enum
{
  GREATER,
  GREATER_EQUAL,
  LESS,
  LESS_EQUAL,
} Operator;

struct _EngGate
{
  char *text;
  char *metric;
  Operator op;
  gboolean relative; /* had a sign */
  double limit;
  const char *unit; /* static, one of the table's; NULL: the figure's own */
};

/* Units that a person types or that figures have, each as a multiple of the first of its kind. */
static const struct
{
  const char *name;
  char kind; /* [t]ime, [b]ytes, [e]nergy, [p]er cent, [s]peed, [d]ecibel, [w]att */
  double factor;
} units[] = {
  { "s", 't', 1 },
  { "ms", 't', 1e-3 },
  { "µs", 't', 1e-6 },
  { "us", 't', 1e-6 },
  { "ns", 't', 1e-9 },
  { "B", 'b', 1 },
  { "kB", 'b', 1e3 },
  { "KB", 'b', 1e3 },
  { "MB", 'b', 1e6 },
  { "GB", 'b', 1e9 },
  { "KiB", 'b', 1024 },
  { "MiB", 'b', 1048576 },
  { "GiB", 'b', 1073741824 },
  { "J", 'e', 1 },
  { "mJ", 'e', 1e-3 },
  { "µJ", 'e', 1e-6 },
  { "uJ", 'e', 1e-6 },
  { "J/tok", 'e', 1 },
  { "mJ/tok", 'e', 1e-3 },
  { "W", 'w', 1 },
  { "mW", 'w', 1e-3 },
  { "%", 'p', 1 },
  { "pp", 'p', 1 },
  { "tok/s", 's', 1 },
  { "/s", 's', 1 },
  { "dB", 'd', 1 },
};

static int
find_unit (const char *name)
{
  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (units); i++)
    if (g_str_equal (units[i].name, name))
      return (int)i;
  return -1;
}

static gboolean
parse_limit (EngGate *gate, const char *text, GError **error)
{
  g_autofree char *unit = NULL;
  char *end;
  int found;

  while (g_ascii_isspace (*text))
    text++;
  gate->relative = *text == '+' || *text == '-' || g_str_has_prefix (text, "\u2212");
  /* A minus sign as people typeset it is one, too. */
  if (g_str_has_prefix (text, "\u2212"))
    {
      gate->limit = -g_ascii_strtod (text + strlen ("\u2212"), &end);
      if (end == text + strlen ("\u2212"))
        end = (char *)text;
    }
  else
    gate->limit = g_ascii_strtod (text, &end);
  unit = g_strstrip (g_strdup (end));
  found = find_unit (unit);
  if (end == text || !isfinite (gate->limit) || (*unit != '\0' && found < 0))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The gate \"%s\" has no limit that can be read: \"%s\". Write a number with a "
                   "unit (12ms, 100MB, 70%%), or a change with a sign (+5%%).",
                   gate->text, text);
      return FALSE;
    }
  gate->unit = found >= 0 ? units[found].name : NULL;
  return TRUE;
}

EngGate *
eng_gate_parse (const char *text, GError **error)
{
  g_autoptr (EngGate) gate = g_new0 (EngGate, 1);
  const char *op;

  g_return_val_if_fail (text != NULL, NULL);

  gate->text = g_strdup (text);
  op = strpbrk (text, "<>");
  gate->metric = op != NULL ? g_strstrip (g_strndup (text, (gsize)(op - text))) : NULL;
  if (gate->metric == NULL || *gate->metric == '\0')
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_FORMAT,
          "The gate \"%s\" is not METRIC OPERATOR LIMIT, as latency>+5%% or memory<=100MB.", text);
      return NULL;
    }
  gate->op = op[0] == '>' ? (op[1] == '=' ? GREATER_EQUAL : GREATER)
                          : (op[1] == '=' ? LESS_EQUAL : LESS);
  if (!parse_limit (gate, op + (op[1] == '=' ? 2 : 1), error))
    return NULL;
  return g_steal_pointer (&gate);
}

void
eng_gate_free (EngGate *gate)
{
  if (gate == NULL)
    return;
  g_free (gate->text);
  g_free (gate->metric);
  g_free (gate);
}

const char *
eng_gate_get_text (const EngGate *gate)
{
  return gate->text;
}

/* ---- What is meant ---- */

typedef struct
{
  EngFigure value;
  EngFigure before;
  EngChange change;
} Found;

static int
find_figure (const char *name, EngWorkloadKind kind)
{
  static const struct
  {
    const char *name;
    EngFigureId text, input;
  } shorts[] = {
    { "latency", ENG_FIGURE_STEP_CLEAN, ENG_FIGURE_INFERENCE },
    { "prefill", ENG_FIGURE_PREFILL, ENG_N_FIGURES },
    { "decode", ENG_FIGURE_DECODE, ENG_N_FIGURES },
    { "memory", ENG_FIGURE_PEAK_MEMORY, ENG_FIGURE_PEAK_MEMORY },
    { "accuracy", ENG_FIGURE_CHOICE_ACCURACY, ENG_FIGURE_ACCURACY },
    { "energy", ENG_FIGURE_TOKEN_ENERGY, ENG_FIGURE_INFERENCE_ENERGY },
    { "energy-modelled", ENG_FIGURE_TOKEN_ENERGY_MODEL, ENG_FIGURE_INFERENCE_ENERGY_MODEL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (shorts); i++)
    if (g_str_equal (shorts[i].name, name))
      return (int)(kind == ENG_WORKLOAD_INPUT ? shorts[i].input : shorts[i].text);
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    if (g_str_equal (eng_figure_id_name (id), name) && eng_figure_id_applies (id, kind))
      return (int)id;
  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    if (g_str_has_prefix (eng_figure_id_name (id), name)
        && eng_figure_id_name (id)[strlen (name)] == '_' && eng_figure_id_applies (id, kind))
      return (int)id;
  return ENG_N_FIGURES;
}

static int
find_metric (const char *name)
{
  for (EngLayerMetric metric = 0; metric < ENG_N_LAYER_METRICS; metric++)
    {
      const char *full = eng_layer_metric_name (metric);
      gsize length = strcspn (full, "_");

      if (g_str_equal (full, name) || (strlen (name) == length && strncmp (full, name, length) == 0)
          || (g_str_has_prefix (name, "weights") && metric == ENG_LAYER_METRIC_WEIGHTS)
          || (g_str_has_prefix (name, "activations") && metric == ENG_LAYER_METRIC_ACTIVATIONS))
        return (int)metric;
    }
  return ENG_N_LAYER_METRICS;
}

/* A layer by its name or number, or operators by their name. */
static int
find_row (EngComparison *comparison, const char *name)
{
  char *end;
  gint64 number = g_ascii_strtoll (name, &end, 10);

  for (guint row = 0; row < eng_comparison_get_n_rows (comparison); row++)
    if (g_str_equal (eng_comparison_get_row (comparison, row)->name, name))
      return (int)row;
  for (guint row = 0; *end == '\0' && end != name && row < eng_comparison_get_n_rows (comparison);
       row++)
    if (eng_comparison_get_row (comparison, row)->depth == 0
        && eng_comparison_get_row (comparison, row)->layer == number)
      return (int)row;
  return -1;
}

/* NULL, or why not. */
static char *
find_layer (const EngGate *gate, EngComparison *comparison, guint run, Found *found)
{
  const char *name = gate->metric + strlen ("layer:"), *colon = strrchr (name, ':');
  g_autofree char *layer = colon != NULL ? g_strndup (name, (gsize)(colon - name)) : NULL;
  int row = layer != NULL ? find_row (comparison, layer) : -1,
      metric = colon != NULL ? find_metric (colon + 1) : ENG_N_LAYER_METRICS;

  if (colon == NULL)
    return g_strdup ("write layer:NAME:METRIC");
  if (row < 0)
    return g_strdup_printf ("there is no layer or operator \"%s\"", layer);
  if (metric == ENG_N_LAYER_METRICS)
    return g_strdup_printf ("layers have no \"%s\": latency, weights, activations, kv", colon + 1);
  found->before = eng_comparison_get_value (comparison, (guint)row, 0, metric);
  found->value = eng_comparison_get_value (comparison, (guint)row, run, metric);
  found->change = eng_comparison_get_change (comparison, (guint)row, run, metric);
  return NULL;
}

static char *
find (const EngGate *gate, EngComparison *comparison, guint run, Found *found)
{
  int id;

  if (g_str_has_prefix (gate->metric, "layer:"))
    return find_layer (gate, comparison, run, found);
  id = find_figure (gate->metric,
                    eng_run_get_workload (eng_comparison_get_run (comparison, run))->kind);
  if (id == ENG_N_FIGURES)
    return g_strdup_printf ("this kind of run has no figure \"%s\"", gate->metric);
  found->before = eng_comparison_get_figure (comparison, 0, id);
  found->value = eng_comparison_get_figure (comparison, run, id);
  found->change = eng_comparison_get_figure_change (comparison, run, id);
  return NULL;
}

/* ---- Checking ---- */

static gboolean
beyond (Operator op, double value, double limit)
{
  switch (op)
    {
    case GREATER:
      return value > limit;
    case GREATER_EQUAL:
      return value >= limit;
    case LESS:
      return value < limit;
    case LESS_EQUAL:
    default:
      return value <= limit;
    }
}

/* The limit in the figure's unit; NAN when they do not measure the same. */
static double
convert (const EngGate *gate, const char *unit)
{
  int from = find_unit (gate->unit), to = find_unit (unit);

  if (gate->unit == NULL)
    return gate->limit;
  return from >= 0 && to >= 0 && units[from].kind == units[to].kind
             ? gate->limit * units[from].factor / units[to].factor
             : NAN;
}

/* A share of the first run's value, or points of a share. */
static EngGateResult
check_share (const EngGate *gate, const EngChange *change)
{
  if (!beyond (gate->op, 100 * change->frac, gate->limit))
    return ENG_GATE_HELD;
  return eng_change_is_clear (change) ? ENG_GATE_TRIPPED : ENG_GATE_NOISE;
}

static EngGateResult
check_difference (const EngGate *gate, const Found *found, double limit)
{
  if (!beyond (gate->op, found->value.value - found->before.value, limit))
    return ENG_GATE_HELD;
  return eng_change_is_clear (&found->change) ? ENG_GATE_TRIPPED : ENG_GATE_NOISE;
}

static EngGateResult
check_value (const EngGate *gate, const EngFigure *value, double limit)
{
  double near = gate->op == GREATER || gate->op == GREATER_EQUAL ? value->low : value->high;

  if (!beyond (gate->op, value->value, limit))
    return ENG_GATE_HELD;
  return isfinite (near) && beyond (gate->op, near, limit) ? ENG_GATE_TRIPPED : ENG_GATE_NOISE;
}

static char *
describe (const EngGate *gate, const Found *found)
{
  g_autofree char *before = eng_figure_format (&found->before),
                  *after = eng_figure_format (&found->value);

  if (!gate->relative)
    return g_strdup (after);
  return isfinite (found->change.low)
             ? g_strdup_printf ("%s, after %s: %+.2f %s (%+.2f to %+.2f)", after, before,
                                100 * found->change.frac, found->change.points ? "points" : "%",
                                100 * found->change.low, 100 * found->change.high)
             : g_strdup_printf ("%s, after %s: %+.2f %s, no interval (%s)", after, before,
                                100 * found->change.frac, found->change.points ? "points" : "%",
                                found->change.reason != NULL ? found->change.reason
                                                             : "too few samples");
}

EngGateResult
eng_gate_check (const EngGate *gate, EngComparison *comparison, guint run, char **sentence)
{
  static const char *const words[]
      = { "held", "beyond the limit, but not clearly: not tripped", "tripped", "unknown" };
  Found found = { 0 };
  g_autofree char *why = find (gate, comparison, run, &found);
  g_autofree char *what = NULL;
  EngGateResult result = ENG_GATE_UNKNOWN;
  double limit;

  g_return_val_if_fail (sentence != NULL, ENG_GATE_UNKNOWN);

  if (why == NULL && !found.value.available)
    why = g_strdup_printf ("unavailable: %s",
                           found.value.reason != NULL ? found.value.reason : "not measured");
  if (why == NULL && gate->relative && found.change.verdict == ENG_CHANGE_NONE)
    why = g_strdup_printf ("no change can be said: %s",
                           found.change.reason != NULL ? found.change.reason : "not measured");
  limit = why == NULL ? convert (gate, found.value.unit) : NAN;
  if (why == NULL && isnan (limit) && !(gate->relative && g_strcmp0 (gate->unit, "%") == 0))
    why = g_strdup_printf ("%s is measured in %s, not in %s", gate->metric, found.value.unit,
                           gate->unit);
  if (why != NULL)
    {
      *sentence = g_strdup_printf ("%s: unknown; %s", gate->text, why);
      return ENG_GATE_UNKNOWN;
    }
  if (!gate->relative)
    result = check_value (gate, &found.value, limit);
  else if (found.change.points || g_strcmp0 (gate->unit, "%") == 0)
    result = check_share (gate, &found.change);
  else
    result = check_difference (gate, &found, limit);
  what = describe (gate, &found);
  *sentence = g_strdup_printf ("%s: %s; %s", gate->text, words[result], what);
  return result;
}
