/* The comparison's arithmetic. Called by the compare view; no widgets. */
#include "app-compare.h"

#include "app-config.h"

#include <glib/gi18n.h>
#include <math.h>

EngFigure
app_figure_from_latency (const EngLatency *latency)
{
  EngFigure figure;

  if (latency == NULL || latency->n == 0)
    return eng_figure_unavailable ("ns", _ ("not measured"));
  figure = eng_figure_exact (latency->median_ns, "ns");
  figure.n = latency->n;
  figure.low = latency->low_ns;
  figure.high = latency->high_ns;
  return figure;
}

static gboolean
same_layers (EngRun *a, EngRun *b)
{
  return g_strcmp0 (eng_run_get_model_hash (a), eng_run_get_model_hash (b)) == 0
         && eng_profile_get_n_layers (eng_run_get_profile (a))
                == eng_profile_get_n_layers (eng_run_get_profile (b));
}

/* Two runs on other inputs: times of one network hardly depend on them, unless their sizes differ. */
static gboolean
same_inputs (const EngWorkload *a, const EngWorkload *b)
{
  gboolean none_a = a->inputs == NULL || a->inputs[0] == NULL;
  gboolean none_b = b->inputs == NULL || b->inputs[0] == NULL;

  if (none_a || none_b)
    return none_a == none_b;
  return g_strv_equal ((const char *const *)a->inputs, (const char *const *)b->inputs);
}

static AppComparable
check_inputs (EngRun *a, EngRun *b)
{
  AppComparable result = { NULL, NULL, NULL };
  const EngWorkload *wa = eng_run_get_workload (a), *wb = eng_run_get_workload (b);
  gboolean continuous_a = wa->seconds > 0.0, continuous_b = wb->seconds > 0.0;

  if (eng_run_get_validity (a) != ENG_RUN_VALID || eng_run_get_validity (b) != ENG_RUN_VALID)
    result.caveat
        = _ ("One of the runs is not valid (see the history): read the differences with care.");
  else if (continuous_a != continuous_b || wa->rate_hz != wb->rate_hz)
    result.caveat = _ ("One of the runs followed another rhythm: pauses between inputs let caches "
                       "and clocks cool down, so small differences mean little.");
  else if (!same_inputs (wa, wb))
    result.caveat = _ ("The inputs differ: what is done before and after the network may depend on "
                       "their sizes.");
  return result;
}

AppComparable
app_compare_check (EngRun *a, EngRun *b)
{
  AppComparable result = { NULL, NULL, NULL };
  const EngWorkload *wa = eng_run_get_workload (a);
  const EngWorkload *wb = eng_run_get_workload (b);

  if (!same_layers (a, b))
    {
      result.layers = _ ("These are runs of different models: their layers are not the same, so "
                         "nothing is compared.");
      return result;
    }
  if (wa->kind != wb->kind)
    {
      result.layers = _ ("These are runs of different kinds: nothing is compared.");
      return result;
    }
  if (wa->kind == ENG_WORKLOAD_INPUT)
    return check_inputs (a, b);
  if (g_strcmp0 (wa->prompt, wb->prompt) != 0 || g_strcmp0 (wa->system, wb->system) != 0
      || wa->chat != wb->chat)
    result.times = _ ("The prompts differ, and times depend on them: only memory is compared.");
  else if (eng_run_get_validity (a) != ENG_RUN_VALID || eng_run_get_validity (b) != ENG_RUN_VALID)
    result.caveat
        = _ ("One of the runs is not valid (see the history): read the differences with care.");
  else if (eng_run_get_n_generated (a) != eng_run_get_n_generated (b))
    result.caveat = _ ("The runs wrote different numbers of tokens; later tokens cost more, so "
                       "small differences mean little.");
  return result;
}

static const EngLatency *
item_latency (const AppAxis *axis, EngProfile *profile, RtPhase phase, guint item)
{
  const EngPhaseProfile *data = eng_profile_get_phase (profile, phase);
  int node;

  if (app_axis_get_node_name (axis, item) == NULL)
    return &data->layers[app_axis_get_layer (axis, item) + 1];
  node = app_axis_find_profile_node (axis, profile, item);
  return node >= 0 ? &data->nodes[node] : NULL;
}

void
app_compare_fill_change (const AppAxis *axis, EngProfile *a, EngProfile *b, RtPhase phase,
                         double *frac, double *low, double *high)
{
  for (guint i = 0; i < app_axis_n_items (axis); i++)
    {
      EngFigure before = app_figure_from_latency (item_latency (axis, a, phase, i));
      EngFigure after = app_figure_from_latency (item_latency (axis, b, phase, i));
      AppChange change = app_change (&before, &after, TRUE);

      frac[i] = change.frac;
      low[i] = change.low;
      high[i] = change.high;
    }
}

/* The table's columns, in this order. */
enum
{
  COLUMN_LAYER,
  COLUMN_TIME_A,
  COLUMN_TIME_B,
  COLUMN_CHANGE,
  COLUMN_VERDICT,
  COLUMN_LOW,
  COLUMN_HIGH,
  COLUMN_WEIGHTS_A,
  COLUMN_WEIGHTS_B,
  COLUMN_WEIGHTS_CHANGE,
};

static void
add_columns (PlotTable *table)
{
  const PlotUnit ns = PLOT_UNIT_NS, bytes = PLOT_UNIT_BYTES, percent = PLOT_UNIT_PERCENT;

  plot_table_add_column (table, _ ("Layer"), NULL);
  plot_table_add_column (table, _ ("Latency before"), &ns);
  plot_table_add_column (table, _ ("Latency after"), &ns);
  plot_table_add_column (table, _ ("Change"), &percent);
  plot_table_add_column (table, _ ("Verdict"), NULL);
  plot_table_add_column (table, _ ("at least"), &percent);
  plot_table_add_column (table, _ ("at most"), &percent);
  plot_table_add_column (table, _ ("Weights before"), &bytes);
  plot_table_add_column (table, _ ("Weights after"), &bytes);
  plot_table_add_column (table, _ ("Change of weights"), &percent);
}

static void
add_layer (PlotTable *table, EngModel *model, int layer, EngRun *a, EngRun *b, RtPhase phase,
           gboolean times)
{
  g_autofree char *name = eng_model_dup_layer_name (model, layer);
  guint row = plot_table_add_row (table);
  const EngLatency *la = &eng_profile_get_phase (eng_run_get_profile (a), phase)->layers[layer + 1];
  const EngLatency *lb = &eng_profile_get_phase (eng_run_get_profile (b), phase)->layers[layer + 1];
  const EngLayerMemory *ma = eng_profile_get_layer_memory (eng_run_get_profile (a), layer);
  const EngLayerMemory *mb = eng_profile_get_layer_memory (eng_run_get_profile (b), layer);

  plot_table_set_text (table, row, COLUMN_LAYER, name);
  if (times)
    {
      EngFigure before = app_figure_from_latency (la);
      EngFigure after = app_figure_from_latency (lb);
      AppChange change = app_change (&before, &after, TRUE);

      plot_table_set_number (table, row, COLUMN_TIME_A, la->n > 0 ? la->median_ns : NAN);
      plot_table_set_number (table, row, COLUMN_TIME_B, lb->n > 0 ? lb->median_ns : NAN);
      plot_table_set_number (table, row, COLUMN_CHANGE, change.frac);
      plot_table_set_number (table, row, COLUMN_LOW, change.low);
      plot_table_set_number (table, row, COLUMN_HIGH, change.high);
      plot_table_set_text (table, row, COLUMN_VERDICT, app_change_words (&change));
    }
  if (ma != NULL && mb != NULL)
    {
      plot_table_set_number (table, row, COLUMN_WEIGHTS_A, (double)ma->weight_bytes);
      plot_table_set_number (table, row, COLUMN_WEIGHTS_B, (double)mb->weight_bytes);
      if (ma->weight_bytes > 0)
        plot_table_set_number (table, row, COLUMN_WEIGHTS_CHANGE,
                               (double)mb->weight_bytes / (double)ma->weight_bytes - 1.0);
    }
}

PlotTable *
app_compare_make_table (EngModel *model, EngRun *a, EngRun *b, RtPhase phase)
{
  PlotTable *table = plot_table_new (_ ("Comparison"));
  AppComparable comparable = app_compare_check (a, b);

  add_columns (table);
  if (comparable.layers != NULL
      || eng_profile_get_n_layers (eng_run_get_profile (a)) != (int)eng_model_get_n_layers (model))
    return table;
  for (int layer = -1; layer <= (int)eng_model_get_n_layers (model); layer++)
    add_layer (table, model, layer, a, b, phase, comparable.times == NULL);
  return table;
}
