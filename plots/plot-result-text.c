/* PlotResult as a table, and what lies under the pointer. */

#include "plot-result-private.h"

#include <math.h>

static void
fill_bars (const PlotResultModel *model, PlotTable *table)
{
  const PlotUnit percent = PLOT_UNIT_PERCENT, plain = PLOT_UNIT_PLAIN;

  plot_table_add_column (table, "label", NULL);
  plot_table_add_column (table, "score", model->shares ? &percent : &plain);
  for (guint i = 0; i < model->n_bars; i++)
    {
      guint row = plot_table_add_row (table);

      plot_table_set_text (table, row, 0, model->bars[i].label != NULL ? model->bars[i].label : "");
      plot_table_set_number (table, row, 1, model->bars[i].value);
    }
}

static void
fill_boxes (const PlotResultModel *model, PlotTable *table)
{
  static const char *const names[] = { "left", "top", "right", "bottom" };
  const PlotUnit percent = PLOT_UNIT_PERCENT;

  plot_table_add_column (table, "label", NULL);
  plot_table_add_column (table, "score", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    plot_table_add_column (table, names[i], &percent);
  for (guint i = 0; i < model->n_boxes; i++)
    {
      const PlotResultBox *box = &model->boxes[i];
      const double sides[] = { box->x0, box->y0, box->x1, box->y1 };
      guint row = plot_table_add_row (table);

      plot_table_set_text (table, row, 0, box->label != NULL ? box->label : "");
      plot_table_set_text (table, row, 1, box->value != NULL ? box->value : "");
      for (guint k = 0; k < G_N_ELEMENTS (sides); k++)
        plot_table_set_number (table, row, 2 + k, sides[k]);
    }
}

static void
fill_points (const PlotResultModel *model, PlotTable *table)
{
  const PlotUnit percent = PLOT_UNIT_PERCENT, plain = PLOT_UNIT_PLAIN;

  plot_table_add_column (table, "point", &plain);
  plot_table_add_column (table, "x", &percent);
  plot_table_add_column (table, "y", &percent);
  plot_table_add_column (table, "score", &percent);
  for (guint i = 0; i < model->n_points; i++)
    {
      guint row = plot_table_add_row (table);

      plot_table_set_number (table, row, 0, i);
      plot_table_set_number (table, row, 1, model->points[i].x);
      plot_table_set_number (table, row, 2, model->points[i].y);
      plot_table_set_number (table, row, 3, model->points[i].score);
    }
}

static void
fill_classes (const PlotResultModel *model, PlotTable *table)
{
  const PlotUnit percent = PLOT_UNIT_PERCENT;

  plot_table_add_column (table, "class", NULL);
  plot_table_add_column (table, "share of the picture", &percent);
  for (guint i = 0; i < model->classes->len; i++)
    {
      const PlotMaskClass *class = &g_array_index (model->classes, PlotMaskClass, i);
      guint row = plot_table_add_row (table);

      plot_table_set_text (table, row, 0, class->name);
      plot_table_set_number (table, row, 1, class->share);
    }
}

static void
fill_waves (const PlotResultModel *model, PlotTable *table)
{
  const PlotUnit seconds = PLOT_UNIT_SECONDS, plain = PLOT_UNIT_PLAIN;

  plot_table_add_column (table, "sound", NULL);
  plot_table_add_column (table, "from", &seconds);
  plot_table_add_column (table, "lowest", &plain);
  plot_table_add_column (table, "highest", &plain);
  for (guint i = 0; i < model->n_waves; i++)
    for (guint k = 0; k < model->waves[i].n_bins; k++)
      {
        const PlotResultEnvelope *wave = &model->waves[i];
        guint row = plot_table_add_row (table);

        plot_table_set_text (table, row, 0, wave->name != NULL ? wave->name : "");
        plot_table_set_number (table, row, 1, wave->seconds * k / wave->n_bins);
        plot_table_set_number (table, row, 2, (double)wave->low[k]);
        plot_table_set_number (table, row, 3, (double)wave->high[k]);
      }
}

static void
fill_series (const PlotResultModel *model, PlotTable *table)
{
  const PlotUnit seconds = PLOT_UNIT_SECONDS, plain = PLOT_UNIT_PLAIN;
  guint n_most = 0;

  plot_table_add_column (table, "time", &seconds);
  for (guint i = 0; i < model->n_series; i++)
    {
      plot_table_add_column (table, model->series[i].name != NULL ? model->series[i].name : "",
                             &plain);
      n_most = MAX (n_most, model->series[i].n_values);
    }
  for (guint k = 0; k < n_most; k++)
    {
      guint row = plot_table_add_row (table);

      plot_table_set_number (table, row, 0, model->start_s + k * model->step_s);
      for (guint i = 0; i < model->n_series; i++)
        if (k < model->series[i].n_values)
          plot_table_set_number (table, row, 1 + i, model->series[i].values[k]);
    }
}

static void
fill_tensors (const PlotResultModel *model, PlotTable *table)
{
  const PlotUnit plain = PLOT_UNIT_PLAIN;

  plot_table_add_column (table, "output", NULL);
  plot_table_add_column (table, "type and shape", NULL);
  plot_table_add_column (table, "minimum", &plain);
  plot_table_add_column (table, "mean", &plain);
  plot_table_add_column (table, "maximum", &plain);
  for (guint i = 0; i < model->n_tensors; i++)
    {
      const PlotResultTensor *tensor = &model->tensors[i];
      guint row = plot_table_add_row (table);

      plot_table_set_text (table, row, 0, tensor->name);
      plot_table_set_text (table, row, 1, tensor->detail != NULL ? tensor->detail : "");
      plot_table_set_number (table, row, 2, tensor->min);
      plot_table_set_number (table, row, 3, tensor->mean);
      plot_table_set_number (table, row, 4, tensor->max);
    }
}

static void
fill_picture (const PlotResultModel *model, PlotTable *table)
{
  if (model->n_boxes > 0)
    fill_boxes (model, table);
  else if (model->mask != NULL)
    fill_classes (model, table);
  else
    fill_points (model, table);
}

PlotTable *
plot_result_make_table (const PlotResultModel *model, const char *title)
{
  PlotTable *table = plot_table_new (title);

  if (model == NULL)
    return table;
  switch (model->kind)
    {
    case PLOT_RESULT_PICTURE:
      fill_picture (model, table);
      break;
    case PLOT_RESULT_BARS:
      fill_bars (model, table);
      break;
    case PLOT_RESULT_WAVE:
      fill_waves (model, table);
      break;
    case PLOT_RESULT_SERIES:
      fill_series (model, table);
      break;
    case PLOT_RESULT_TENSORS:
      fill_tensors (model, table);
      break;
    default:
      break;
    }
  return table;
}

/* --- under the pointer --- */

static char *
dup_box_tip (const PlotResultBox *box)
{
  return g_strdup_printf ("%s  %s", box->label != NULL ? box->label : "",
                          box->value != NULL ? box->value : "");
}

static char *
dup_class_tip (const PlotResultModel *model, double x, double y)
{
  guint mx = (guint)(x * model->mask_width), my = (guint)(y * model->mask_height);
  const PlotMaskClass *class;
  int i;

  if (model->soft)
    return g_strdup_printf ("%s  %.0f\u202f%%",
                            g_array_index (model->classes, PlotMaskClass, 0).name,
                            100 * model->mask[(gsize)my * model->mask_width + mx] / 255.0);
  i = model->class_of[model->mask[(gsize)my * model->mask_width + mx]];
  if (i < 0)
    return NULL;
  class = &g_array_index (model->classes, PlotMaskClass, i);
  return g_strdup (class->name);
}

static char *
dup_picture_tip (const PlotResultModel *model, const PlotResultFrame *frame, double px, double py)
{
  PlotRect picture = plot_result_picture_rect (model, frame);
  int box = plot_result_hit (model, picture, px, py);
  double x = (px - picture.x) / picture.w, y = (py - picture.y) / picture.h;

  if (box >= 0)
    return dup_box_tip (&model->boxes[box]);
  if (model->mask != NULL && x >= 0 && x < 1 && y >= 0 && y < 1)
    return dup_class_tip (model, x, y);
  return NULL;
}

char *
plot_result_dup_tip (const PlotResultModel *model, const PlotResultFrame *frame, double px,
                     double py)
{
  int bar;

  if (model->kind == PLOT_RESULT_PICTURE)
    return dup_picture_tip (model, frame, px, py);
  bar = model->kind == PLOT_RESULT_BARS ? plot_result_bar_at (model, frame, py) : -1;
  if (bar >= 0 && model->bars[bar].label != NULL)
    {
      g_autofree char *value = plot_result_dup_bar_value (model, model->bars[bar].value);

      return g_strdup_printf ("%s  %s", model->bars[bar].label, value);
    }
  return NULL;
}
