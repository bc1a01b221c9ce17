/* What PlotGraph says in words: reading, card, table. All three tell the same numbers. */

#include "plot-graph-draw-private.h"
#include "plot-i18n-private.h"

#include <math.h>

static guint
count_in (const PlotGraphScene *scene, guint endpoint)
{
  return scene != NULL ? scene->in_first[endpoint + 1] - scene->in_first[endpoint] : 0;
}

static guint
count_out (const PlotGraphScene *scene, guint endpoint)
{
  return scene != NULL ? scene->out_first[endpoint + 1] - scene->out_first[endpoint] : 0;
}

static gboolean
is_open (const PlotGraphModel *model, guint endpoint)
{
  return plot_graph_model_is_group (model, endpoint)
         && model->expanded[endpoint - model->shape->n_nodes];
}

static char *
dup_share (double value, double max_value)
{
  const PlotUnit percent = PLOT_UNIT_PERCENT;
  g_autofree char *share = NULL;

  if (isnan (value) || !(max_value > 0))
    return NULL;
  share = plot_format_value (&percent, value / max_value, 2);
  return g_strdup_printf (_ ("%s of the largest"), share);
}

/* " Not supported: the operator is not known." and, of a group, " 3 nodes: Not supported." */
static void
append_problem (GString *out, const PlotGraphModel *model, const PlotGraphEntry *entry,
                gboolean group)
{
  if (group)
    g_string_append_printf (out, _ (" %s: %u of %u."), model->problem_title, entry->n_problems,
                            entry->n_nodes);
  else
    g_string_append_printf (out, " %s: %s.", model->problem_title, entry->problem);
}

char *
plot_graph_model_dup_reading (const PlotGraphModel *model, const PlotGraphScene *scene,
                              guint endpoint, double max_value)
{
  GString *out = g_string_new (NULL);
  const PlotGraphEntry *entry;
  gboolean group;

  if (endpoint >= plot_graph_model_n_endpoints (model))
    return g_string_free (out, FALSE);
  entry = &model->entries[endpoint];
  group = plot_graph_model_is_group (model, endpoint);
  g_string_append (out, entry->title);
  if (group)
    g_string_append_printf (out,
                            is_open (model, endpoint) ? _ (", group of %u, open")
                                                      : _ (", group of %u, closed"),
                            entry->n_nodes);
  else if (*entry->detail != '\0')
    g_string_append_printf (out, ", %s", entry->detail);
  g_string_append_c (out, '.');
  if (entry->problem != NULL)
    append_problem (out, model, entry, group);
  if (model->has_metric)
    {
      g_autofree char *value = isnan (entry->value)
                                   ? g_strdup (plot_state_to_string (PLOT_STATE_ABSENT))
                                   : plot_format_value (&model->metric_unit, entry->value, 3);
      g_autofree char *share = dup_share (entry->value, max_value);

      g_string_append_printf (out, " %s %s%s%s.", model->metric_title, value,
                              share != NULL ? ", " : "", share != NULL ? share : "");
    }
  if (scene != NULL && !is_open (model, endpoint))
    g_string_append_printf (out, _ (" %u in, %u out."), count_in (scene, endpoint),
                            count_out (scene, endpoint));
  return g_string_free (out, FALSE);
}

PlotCard *
plot_graph_model_make_card (const PlotGraphModel *model, const PlotGraphScene *scene,
                            guint endpoint, double max_value)
{
  const PlotGraphEntry *entry = &model->entries[endpoint];
  PlotCard *card = plot_card_new (entry->title, entry->detail);

  if (entry->problem != NULL)
    {
      gboolean group = plot_graph_model_is_group (model, endpoint);
      g_autofree char *count = g_strdup_printf (_ ("%u of %u"), entry->n_problems, entry->n_nodes);
      g_autofree char *label
          = group ? g_strdup (model->problem_title)
                  : g_strdup_printf ("%s: %s", model->problem_title, entry->problem);

      plot_card_add_row (card, &(PlotCardRow){ .swatch = PLOT_CARD_NO_SWATCH,
                                               .label = label,
                                               .value = group ? count : NULL });
    }
  if (model->has_metric)
    {
      g_autofree char *value = plot_format_value (&model->metric_unit, entry->value, 3);
      g_autofree char *share = dup_share (entry->value, max_value);

      plot_card_add_row (card, &(PlotCardRow){ .swatch = PLOT_CARD_NO_SWATCH,
                                               .label = model->metric_title,
                                               .value = value,
                                               .detail = share });
    }
  if (!is_open (model, endpoint))
    {
      g_autofree char *lines = g_strdup_printf (_ ("%u in, %u out"), count_in (scene, endpoint),
                                                count_out (scene, endpoint));

      plot_card_add_row (card, &(PlotCardRow){ .swatch = PLOT_CARD_NO_SWATCH,
                                               .label = _ ("Lines"),
                                               .value = lines });
    }
  return card;
}

PlotTable *
plot_graph_model_make_table (const PlotGraphModel *model, const char *title)
{
  const PlotUnit count = PLOT_UNIT_COUNT;
  const PlotGraphShape *shape = model->shape;
  PlotTable *table = plot_table_new (title);
  g_autofree guint *n_in = g_new0 (guint, MAX (1, shape->n_nodes));
  g_autofree guint *n_out = g_new0 (guint, MAX (1, shape->n_nodes));

  plot_table_add_column (table, _ ("node"), NULL);
  plot_table_add_column (table, _ ("kind"), NULL);
  plot_table_add_column (table, _ ("group"), NULL);
  plot_table_add_column (table, _ ("inputs"), &count);
  plot_table_add_column (table, _ ("outputs"), &count);
  if (model->has_metric)
    plot_table_add_column (table, model->metric_title, &model->metric_unit);
  if (model->problem_title != NULL)
    plot_table_add_column (table, model->problem_title, NULL);
  for (guint i = 0; i < shape->n_edges; i++)
    {
      n_out[shape->from[i]]++;
      n_in[shape->to[i]]++;
    }
  for (guint i = 0; i < shape->n_nodes; i++)
    {
      guint row = plot_table_add_row (table), group = shape->group_of[i];

      plot_table_set_text (table, row, 0, model->entries[i].title);
      plot_table_set_text (table, row, 1, model->entries[i].detail);
      if (group != PLOT_GRAPH_NO_GROUP)
        plot_table_set_text (table, row, 2, model->entries[shape->n_nodes + group].title);
      plot_table_set_number (table, row, 3, n_in[i]);
      plot_table_set_number (table, row, 4, n_out[i]);
      if (model->has_metric)
        plot_table_set_number (table, row, 5, model->entries[i].value);
      if (model->entries[i].problem != NULL)
        plot_table_set_text (table, row, model->has_metric ? 6 : 5, model->entries[i].problem);
    }
  return table;
}
