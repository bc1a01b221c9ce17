/* What PlotTimeline says in words: reading, card, table. All tell the same numbers. */

#include "plot-timeline-private.h"
#include "plot-i18n-private.h"

#include <math.h>

static const PlotUnit ns_unit = { .symbol = "s", .prefix = PLOT_PREFIX_SMALL, .scale = 1e-9 };

static char *
dup_ns (gint64 ns, int n_digits)
{
  return plot_format_value (&ns_unit, (double)ns, n_digits);
}

char *
plot_timeline_model_dup_reading (const PlotTimelineModel *model, guint at)
{
  const PlotTimelineSpan *span;
  g_autofree char *duration = NULL;
  g_autofree char *start = NULL;
  g_autofree char *wait = NULL;

  if (at >= model->n_spans)
    return g_strdup ("");
  span = &model->spans[at];
  duration = dup_ns (span->end_ns - span->start_ns, 3);
  start = dup_ns (span->start_ns, 5);
  wait = dup_ns (span->end_ns - span->wait_ns, 3);
  if (span->wait_ns < span->end_ns)
    /* Translators: row, name, group, duration, duration, time */
    return g_strdup_printf (_ ("%s, %s, %s: %s, of which %s waiting, from %s."),
                            model->rows[span->row].name, model->names[span->name],
                            model->group_names[span->group], duration, wait, start);
  /* Translators: row, name, group, duration, time */
  return g_strdup_printf (_ ("%s, %s, %s: %s, from %s."), model->rows[span->row].name,
                          model->names[span->name], model->group_names[span->group], duration,
                          start);
}

static void
add_row (PlotCard *card, const char *label, char *value, const char *detail)
{
  plot_card_add_row (card, &(PlotCardRow){ .label = label, .value = value, .detail = detail });
  g_free (value);
}

PlotCard *
plot_timeline_model_make_card (const PlotTimelineModel *model, guint at, const PlotStyle *style)
{
  const PlotTimelineSpan *span = &model->spans[at];
  gint64 length = span->end_ns - span->start_ns, wait = span->end_ns - span->wait_ns;
  const char *detail = model->details[span->name];
  PlotCard *card = plot_card_new (model->names[span->name], *detail != '\0' ? detail : NULL);
  g_autofree char *share
      = length > 0 ? g_strdup_printf ("%.0f\u202f%%", 100.0 * (double)wait / (double)length) : NULL;
  PlotCardRow row = { .swatch = PLOT_CARD_BOX,
                      .color = *plot_timeline_color (model, span->group, style),
                      .pattern = PLOT_PATTERN_SOLID,
                      .state = PLOT_STATE_MEASURED,
                      .label = model->group_names[span->group],
                      .value = model->rows[span->row].name };

  plot_card_add_row (card, &row);
  add_row (card, _ ("Duration"), dup_ns (length, 3), NULL);
  if (wait > 0)
    {
      add_row (card, _ ("Working"), dup_ns (length - wait, 3), NULL);
      add_row (card, _ ("Waiting"), dup_ns (wait, 3), share);
    }
  add_row (card, _ ("From"), dup_ns (span->start_ns, 6), NULL);
  return card;
}

PlotTable *
plot_timeline_model_make_table (const PlotTimelineModel *model, const char *title)
{
  PlotTable *table = plot_table_new (title);

  plot_table_add_column (table, _ ("Name"), NULL);
  plot_table_add_column (table, _ ("Details"), NULL);
  plot_table_add_column (table, _ ("Group"), NULL);
  plot_table_add_column (table, _ ("Row"), NULL);
  plot_table_add_column (table, _ ("From"), &ns_unit);
  plot_table_add_column (table, _ ("Duration"), &ns_unit);
  plot_table_add_column (table, _ ("Waiting"), &ns_unit);
  for (guint i = 0; i < model->n_spans; i++)
    {
      const PlotTimelineSpan *span = &model->spans[i];
      guint row = plot_table_add_row (table);

      plot_table_set_text (table, row, 0, model->names[span->name]);
      plot_table_set_text (table, row, 1, model->details[span->name]);
      plot_table_set_text (table, row, 2, model->group_names[span->group]);
      plot_table_set_text (table, row, 3, model->rows[span->row].name);
      plot_table_set_number (table, row, 4, (double)span->start_ns);
      plot_table_set_number (table, row, 5, (double)(span->end_ns - span->start_ns));
      plot_table_set_number (table, row, 6, (double)(span->end_ns - span->wait_ns));
    }
  return table;
}
