/* What PlotMemory says in words: reading, card, tables. All tell the same numbers. */

#include "plot-memory-private.h"
#include "plot-i18n-private.h"

#include <math.h>

static char *
dup_bytes (guint64 bytes)
{
  const PlotUnit unit = PLOT_UNIT_BYTES;

  return plot_format_value (&unit, (double)bytes, 3);
}

static void
read_step (GString *out, const PlotMemoryModel *model, guint step)
{
  g_autoptr (GArray) alive = plot_memory_model_alive (model, step);
  g_autofree char *bytes = dup_bytes (model->alive_bytes[step]);
  g_autofree char *total = dup_bytes (model->total_bytes);

  /* Translators: number, number, name, number, bytes, bytes, and perhaps ", the peak" */
  g_string_append_printf (out,
                          ngettext ("Step %u of %u, %s: %u buffer alive, %s of %s%s.",
                                    "Step %u of %u, %s: %u buffers alive, %s of %s%s.", alive->len),
                          step, model->n_steps, model->step_names[step], alive->len, bytes, total,
                          step == model->peak_step ? _ (", the peak") : "");
}

static void
read_item (GString *out, const PlotMemoryModel *model, guint at)
{
  const PlotMemoryItem *item = &model->items[at];
  g_autofree char *bytes = dup_bytes (item->bytes);
  g_autofree char *offset = dup_bytes (item->offset);

  /* Translators: space, name, kind, bytes, numbers, address */
  g_string_append_printf (out, _ ("%s%s, %s, %s, steps %u to %u, at %s."), out->len > 0 ? " " : "",
                          item->name, model->kind_names[item->kind], bytes, item->first, item->last,
                          offset);
}

char *
plot_memory_model_dup_reading (const PlotMemoryModel *model, guint step, guint item)
{
  GString *out = g_string_new (NULL);

  if (step < model->n_steps)
    read_step (out, model, step);
  if (item < model->n_items)
    read_item (out, model, item);
  return g_string_free (out, FALSE);
}

/* --- card --- */

static void
add_row (PlotCard *card, const char *label, char *value, const char *detail)
{
  plot_card_add_row (card, &(PlotCardRow){ .swatch = PLOT_CARD_NO_SWATCH,
                                           .label = label,
                                           .value = value,
                                           .detail = detail });
  g_free (value);
}

static PlotCard *
make_item_card (const PlotMemoryModel *model, guint at)
{
  const PlotMemoryItem *item = &model->items[at];
  PlotCard *card = plot_card_new (item->name, item->detail);
  g_autofree char *bytes = dup_bytes (item->bytes);
  g_autofree char *steps = g_strdup_printf ("%s \u2192 %s", model->step_names[item->first],
                                            model->step_names[item->last]);
  g_autofree char *low = dup_bytes (item->offset);
  PlotCardRow row;

  plot_memory_kind_swatch (model, item->kind, &row);
  row.value = bytes;
  plot_card_add_row (card, &row);
  add_row (card, _ ("Steps"),
           item->first == item->last ? g_strdup_printf ("%u", item->first)
                                     : g_strdup_printf ("%u\u2013%u", item->first, item->last),
           steps);
  add_row (card, _ ("Address"), g_steal_pointer (&low), NULL);
  return card;
}

static PlotCard *
make_step_card (const PlotMemoryModel *model, guint step)
{
  g_autofree char *title = g_strdup_printf (_ ("Step %u"), step);
  PlotCard *card = plot_card_new (model->step_names[step], title);
  g_autoptr (GArray) alive = plot_memory_model_alive (model, step);

  add_row (card, _ ("Alive"), dup_bytes (model->alive_bytes[step]),
           step == model->peak_step ? _ ("the peak") : NULL);
  add_row (card, _ ("Buffers"), g_strdup_printf ("%u", alive->len), NULL);
  if (model->total_bytes > model->alive_bytes[step])
    add_row (card, _ ("Free"), dup_bytes (model->total_bytes - model->alive_bytes[step]), NULL);
  return card;
}

PlotCard *
plot_memory_model_make_card (const PlotMemoryModel *model, guint step, guint item)
{
  return item < model->n_items ? make_item_card (model, item) : make_step_card (model, step);
}

/* --- tables --- */

static const PlotUnit bytes_unit = { .symbol = "B", .prefix = PLOT_PREFIX_LARGE };

PlotTable *
plot_memory_model_make_table (const PlotMemoryModel *model, const char *title)
{
  const PlotUnit plain = PLOT_UNIT_PLAIN;
  PlotTable *table = plot_table_new (title);

  plot_table_add_column (table, _ ("buffer"), NULL);
  plot_table_add_column (table, _ ("kind"), NULL);
  plot_table_add_column (table, _ ("bytes"), &bytes_unit);
  plot_table_add_column (table, _ ("address"), &bytes_unit);
  plot_table_add_column (table, _ ("first step"), &plain);
  plot_table_add_column (table, _ ("last step"), &plain);
  plot_table_add_column (table, _ ("written by"), NULL);
  plot_table_add_column (table, _ ("last read by"), NULL);
  for (guint i = 0; i < model->n_items; i++)
    {
      const PlotMemoryItem *item = &model->items[i];
      guint row = plot_table_add_row (table);

      plot_table_set_text (table, row, 0, item->name);
      plot_table_set_text (table, row, 1, model->kind_names[item->kind]);
      plot_table_set_number (table, row, 2, (double)item->bytes);
      plot_table_set_number (table, row, 3, (double)item->offset);
      plot_table_set_number (table, row, 4, item->first);
      plot_table_set_number (table, row, 5, item->last);
      plot_table_set_text (table, row, 6, model->step_names[item->first]);
      plot_table_set_text (table, row, 7, model->step_names[item->last]);
    }
  return table;
}

static int
compare_by_size (gconstpointer a, gconstpointer b, gpointer data)
{
  const PlotMemoryModel *model = data;
  guint i = *(const guint *)a, k = *(const guint *)b;

  if (model->items[i].bytes != model->items[k].bytes)
    return model->items[i].bytes > model->items[k].bytes ? -1 : 1;
  return i < k ? -1 : i > k;
}

PlotTable *
plot_memory_model_make_alive_table (const PlotMemoryModel *model, guint step)
{
  const PlotUnit percent = PLOT_UNIT_PERCENT, plain = PLOT_UNIT_PLAIN;
  g_autofree char *title
      = g_strdup_printf (_ ("Alive at step %u, %s"), step, model->step_names[step]);
  g_autoptr (GArray) alive = plot_memory_model_alive (model, step);
  PlotTable *table = plot_table_new (title);

  plot_table_add_column (table, _ ("buffer"), NULL);
  plot_table_add_column (table, _ ("kind"), NULL);
  plot_table_add_column (table, _ ("bytes"), &bytes_unit);
  plot_table_add_column (table, _ ("share"), &percent);
  plot_table_add_column (table, _ ("first step"), &plain);
  plot_table_add_column (table, _ ("last step"), &plain);
  g_array_sort_with_data (alive, compare_by_size, (gpointer)model);
  for (guint i = 0; i < alive->len; i++)
    {
      const PlotMemoryItem *item = &model->items[g_array_index (alive, guint, i)];
      guint row = plot_table_add_row (table);

      plot_table_set_text (table, row, 0, item->name);
      plot_table_set_text (table, row, 1, model->kind_names[item->kind]);
      plot_table_set_number (table, row, 2, (double)item->bytes);
      plot_table_set_number (table, row, 3, (double)item->bytes / (double)model->alive_bytes[step]);
      plot_table_set_number (table, row, 4, item->first);
      plot_table_set_number (table, row, 5, item->last);
    }
  return table;
}
