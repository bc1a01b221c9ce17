/* How a PlotHeat is laid out and drawn: a legend, heads that stay, rows of names, cells and
 * words. Pure; on screen and on a page. */

#include <math.h>
#include "plot-heat-private.h"
#include "plot-i18n-private.h"
#include "plot-marks-private.h"

#define HEAD_PX 28.0
#define LEGEND_PX 24.0 /* a line of it */
#define GAP_PX 12.0
#define CELL_GAP_PX 2.0
#define BAR_PX 3.0
#define MOST_CELL_PX 150.0
#define LEAST_CELL_PX 70.0
#define NARROW_CELL_PX 80.0
#define LEAST_DETAIL_PX 260.0
#define WANTED_DETAIL_PX 560.0
#define SWATCH_PX 22.0
#define N_SHADES 6
#define MOST_SHADE 0.62 /* text stays readable on it */

typedef struct
{
  PlotHeat *self;
  cairo_t *cr;
  const PlotStyle *style;
  PlotText *text;
  PlotHeatLayout layout;
  double low, high; /* logarithms of the least and the greatest warmth; low > high: none */
} Drawing;

/* --- the legend --- */

typedef enum
{
  LEGEND_WARMTH,
  LEGEND_BAR,
  LEGEND_ESTIMATE,
  LEGEND_CHOSEN,
  N_LEGENDS
} Legend;

static void
find_range (PlotHeat *self, double *low, double *high)
{
  *low = INFINITY;
  *high = -INFINITY;
  for (guint i = 0; i < self->rows->len; i++)
    for (guint c = 0; c < self->n_columns; c++)
      {
        const PlotHeatCell *cell = &((const PlotHeatRow *)self->rows->pdata[i])->cells[c];
        if (!(cell->value > 0) || !isfinite (cell->value))
          continue;
        *low = MIN (*low, log (cell->value));
        *high = MAX (*high, log (cell->value));
      }
}

static gboolean
has_bars (PlotHeat *self, PlotState state)
{
  for (guint i = 0; i < self->rows->len; i++)
    for (guint c = 0; c < self->n_columns; c++)
      {
        const PlotHeatCell *cell = &((const PlotHeatRow *)self->rows->pdata[i])->cells[c];
        if (isfinite (cell->bar)
            && (cell->bar_state == PLOT_STATE_MEASURED) == (state == PLOT_STATE_MEASURED))
          return TRUE;
      }
  return FALSE;
}

static gboolean
has_choice (PlotHeat *self)
{
  for (guint i = 0; i < self->rows->len; i++)
    for (guint c = 0; c < self->n_columns; c++)
      if (((const PlotHeatRow *)self->rows->pdata[i])->cells[c].chosen)
        return TRUE;
  return FALSE;
}

/* The words of an entry; NULL: there is nothing that it would explain. */
static char *
dup_legend (PlotHeat *self, Legend legend)
{
  double low, high;

  switch (legend)
    {
    case LEGEND_WARMTH:
      find_range (self, &low, &high);
      if (low > high)
        return NULL;
      return *self->value_unit.symbol != '\0'
                 ? g_strdup_printf ("%s (%s)", self->value_name, self->value_unit.symbol)
                 : g_strdup (self->value_name);
    case LEGEND_BAR:
      if (!has_bars (self, PLOT_STATE_MEASURED) && !has_bars (self, PLOT_STATE_ESTIMATE))
        return NULL;
      /* Translators: a bar is as long as its share of the longest one of its row */
      return g_strdup_printf (_ ("%s, beside the longest of its row"), self->bar_name);
    case LEGEND_ESTIMATE:
      return has_bars (self, PLOT_STATE_ESTIMATE) ? g_strdup (_ ("estimated")) : NULL;
    case LEGEND_CHOSEN:
      return has_choice (self) ? g_strdup (_ ("chosen")) : NULL;
    case N_LEGENDS:
      break;
    }
  return NULL;
}

static double
swatch_width (Legend legend)
{
  return legend == LEGEND_WARMTH ? 2 * SWATCH_PX : SWATCH_PX;
}

/* Where the entries stand: lines are broken where the next one does not fit. @place (nullable)
 * is told of each; the number of lines comes back. */
static guint
place_legend (PlotHeat *self, PlotText *text, double width,
              void (*place) (gpointer data, Legend legend, const char *words, double x, guint line),
              gpointer data)
{
  double x = GAP_PX;
  guint line = 0;
  gboolean any = FALSE;

  for (Legend legend = 0; legend < N_LEGENDS; legend++)
    {
      g_autofree char *words = dup_legend (self, legend);

      if (words == NULL)
        continue;
      double wide = swatch_width (legend) + 6 + plot_text_width (text, PLOT_FONT_SMALL, words);
      if (any && x + wide > width - GAP_PX)
        {
          x = GAP_PX;
          line++;
        }
      if (place != NULL)
        place (data, legend, words, x, line);
      x += wide + 18;
      any = TRUE;
    }
  return any ? line + 1 : 0;
}

/* --- layout --- */

void
plot_heat_find_layout (PlotHeat *self, PlotText *text, double width, PlotHeatLayout *layout)
{
  double names = 0, n = MAX (self->n_columns, 1);

  for (guint i = 0; i < self->rows->len; i++)
    {
      const PlotHeatRow *row = self->rows->pdata[i];
      names = MAX (names, plot_text_width (text, PLOT_FONT_BOLD, row->name));
    }
  layout->names = GAP_PX + MIN (ceil (names), MAX (width / 4, 64)) + GAP_PX;
  double room = width - layout->names - GAP_PX;
  layout->cell = CLAMP (floor (room / n), LEAST_CELL_PX, MOST_CELL_PX);
  /* Where narrower cells leave room for the words, they are so. */
  if ((room - GAP_PX - LEAST_DETAIL_PX) / n >= NARROW_CELL_PX)
    layout->cell
        = CLAMP (floor ((room - GAP_PX - WANTED_DETAIL_PX) / n), NARROW_CELL_PX, MOST_CELL_PX);
  layout->detail = room - n * layout->cell - GAP_PX;
  if (layout->detail < LEAST_DETAIL_PX)
    layout->detail = 0;
  layout->legend = LEGEND_PX * place_legend (self, text, width, NULL, NULL);
  layout->head = layout->legend + HEAD_PX;
  layout->width = MAX (width, layout->names + n * layout->cell + GAP_PX);
  layout->height = layout->head + PLOT_HEAT_ROW_PX * self->rows->len + GAP_PX;
}

/* --- drawing --- */

/* 0..1 */
static double
warmth (const Drawing *d, double value)
{
  if (!(value > 0) || !isfinite (value))
    return 0;
  return d->high > d->low ? 0.08 + 0.92 * (log (value) - d->low) / (d->high - d->low) : 0.5;
}

static void
fill_box (const Drawing *d, const GdkRGBA *color, double alpha, double x, double y, double width,
          double height)
{
  plot_set_color (d->cr, color, alpha);
  cairo_rectangle (d->cr, x, y, width, height);
  cairo_fill (d->cr);
}

static void
draw_tick (const Drawing *d, double x, double y)
{
  cairo_move_to (d->cr, x, y);
  cairo_rel_line_to (d->cr, 3, 3.5);
  cairo_rel_line_to (d->cr, 5, -7);
  cairo_stroke (d->cr);
}

/* @length px on @y, its foot. */
static void
draw_bar (const Drawing *d, PlotState state, double x, double y, double length)
{
  if (!(length >= 1))
    return;
  if (state == PLOT_STATE_MEASURED)
    {
      fill_box (d, &d->style->dim_text, 0.8, x, y - BAR_PX, length, BAR_PX);
      return;
    }
  plot_set_color (d->cr, &d->style->dim_text, 0.8);
  cairo_set_line_width (d->cr, 1);
  cairo_rectangle (d->cr, x + 0.5, y - BAR_PX + 0.5, MAX (length - 1, 1), BAR_PX - 1);
  cairo_stroke (d->cr);
}

/* A frame and a tick: what is chosen is not said by colour alone. */
static void
draw_chosen (const Drawing *d, double x, double y, double width, double height, double tick_x)
{
  plot_set_color (d->cr, &d->style->accent, 1);
  cairo_set_line_width (d->cr, 2);
  cairo_rectangle (d->cr, x + 1, y + 1, width - 2, height - 2);
  cairo_stroke (d->cr);
  draw_tick (d, tick_x, y + height / 2);
}

static void
draw_cell (const Drawing *d, const PlotHeatCell *cell, double longest, double x, double y)
{
  const PlotStyle *style = d->style;
  double width = d->layout.cell - CELL_GAP_PX, height = PLOT_HEAT_ROW_PX - CELL_GAP_PX;
  double alpha = MOST_SHADE * warmth (d, cell->value);

  fill_box (d, &style->grid, isfinite (cell->value) ? 0.25 : 0.1, x, y, width, height);
  if (alpha > 0)
    fill_box (d, plot_style_color (style, 1), alpha, x, y, width, height);
  if (isfinite (cell->bar) && longest > 0)
    draw_bar (d, cell->bar_state, x + 4, y + height - 3, (width - 8) * cell->bar / longest);
  plot_text_draw (d->text, d->cr, cell->chosen ? PLOT_FONT_BOLD : PLOT_FONT_BODY, &style->text,
                  cell->text != NULL ? cell->text : "—", x + width / 2 + (cell->chosen ? 7 : 0),
                  y + height / 2 - 2, 0.5, 0.5, width - (cell->chosen ? 20 : 6));
  if (cell->chosen)
    draw_chosen (d, x, y, width, height, x + 5);
}

static void
draw_legend_entry (gpointer data, Legend legend, const char *words, double x, guint line)
{
  const Drawing *d = data;
  double y = LEGEND_PX * line + LEGEND_PX / 2 + 3, wide = swatch_width (legend);

  switch (legend)
    {
    case LEGEND_WARMTH:
      for (int i = 0; i < N_SHADES; i++)
        fill_box (d, plot_style_color (d->style, 1),
                  MOST_SHADE * (0.08 + 0.92 * i / (N_SHADES - 1)), x + wide * i / N_SHADES, y - 6,
                  wide / N_SHADES, 12);
      break;
    case LEGEND_BAR:
    case LEGEND_ESTIMATE:
      draw_bar (d,
                legend == LEGEND_BAR && has_bars (d->self, PLOT_STATE_MEASURED)
                    ? PLOT_STATE_MEASURED
                    : PLOT_STATE_ESTIMATE,
                x, y + 2, wide);
      break;
    case LEGEND_CHOSEN:
      draw_chosen (d, x, y - 7, wide, 14, x + wide / 2 - 4);
      break;
    case N_LEGENDS:
      break;
    }
  plot_text_draw (d->text, d->cr, PLOT_FONT_SMALL, &d->style->dim_text, words, x + wide + 6, y, 0,
                  0.5, 0);
}

static void
draw_heads (const Drawing *d, double scroll_x)
{
  double x = d->layout.names - scroll_x;

  for (guint c = 0; c < d->self->n_columns; c++, x += d->layout.cell)
    plot_text_draw (d->text, d->cr, PLOT_FONT_SMALL, &d->style->dim_text, d->self->columns[c],
                    x + d->layout.cell / 2, d->layout.legend + HEAD_PX / 2, 0.5, 0.5,
                    d->layout.cell - 4);
}

static void
draw_row_cells (const Drawing *d, const PlotHeatRow *row, double x, double y)
{
  double longest = 0;

  for (guint c = 0; c < d->self->n_columns; c++)
    if (isfinite (row->cells[c].bar))
      longest = MAX (longest, row->cells[c].bar);
  for (guint c = 0; c < d->self->n_columns; c++, x += d->layout.cell)
    draw_cell (d, &row->cells[c], longest, x, y);
  if (d->layout.detail > 0 && row->detail != NULL)
    plot_text_draw (d->text, d->cr, PLOT_FONT_SMALL, &d->style->dim_text, row->detail, x + GAP_PX,
                    y + PLOT_HEAT_ROW_PX / 2 - 1, 0, 0.5, d->layout.detail);
}

/* Beside the cells, not over them: it would be another warmth. */
static void
draw_selection (const Drawing *d, double y, double width)
{
  fill_box (d, &d->style->accent, 0.16, 4, y - CELL_GAP_PX / 2, d->layout.names - 4,
            PLOT_HEAT_ROW_PX);
  fill_box (d, &d->style->accent, 0.9, 4, y - CELL_GAP_PX / 2 - 1, width - 8, 2);
  fill_box (d, &d->style->accent, 0.9, 4, y - CELL_GAP_PX / 2 + PLOT_HEAT_ROW_PX - 1, width - 8, 2);
}

/* The rows that are seen; the head is no part of the area. */
static void
draw_rows (const Drawing *d, double width, double height, double scroll_x, double scroll_y)
{
  guint first = (guint)MAX (0, floor (scroll_y / PLOT_HEAT_ROW_PX));
  double bottom = height - d->layout.head;

  for (guint i = first; i < d->self->rows->len; i++)
    {
      const PlotHeatRow *row = d->self->rows->pdata[i];
      gboolean selected = (int)i == d->self->selected;
      double y = PLOT_HEAT_ROW_PX * i - scroll_y;

      if (y > bottom)
        break;
      cairo_save (d->cr);
      cairo_rectangle (d->cr, d->layout.names - 2, -2, width - d->layout.names + 2, bottom + 2);
      cairo_clip (d->cr);
      draw_row_cells (d, row, d->layout.names - scroll_x, y);
      cairo_restore (d->cr);
      if (selected)
        draw_selection (d, y, MIN (width, d->layout.width));
      plot_text_draw (d->text, d->cr, selected ? PLOT_FONT_BOLD : PLOT_FONT_BODY, &d->style->text,
                      row->name, GAP_PX, y + PLOT_HEAT_ROW_PX / 2 - 3, 0, 0.5,
                      d->layout.names - 2 * GAP_PX);
    }
}

void
plot_heat_draw (PlotHeat *self, cairo_t *cr, double width, double height, double scroll_x,
                double scroll_y, const PlotStyle *style, PlotText *text)
{
  Drawing d = { .self = self, .cr = cr, .style = style, .text = text };

  if (self->rows->len == 0)
    return;
  plot_heat_find_layout (self, text, width, &d.layout);
  find_range (self, &d.low, &d.high);
  if (!style->marks_only)
    place_legend (self, text, width, draw_legend_entry, &d);

  cairo_save (cr);
  cairo_rectangle (cr, d.layout.names, 0, width - d.layout.names, d.layout.head);
  cairo_clip (cr);
  draw_heads (&d, scroll_x);
  cairo_restore (cr);

  cairo_save (cr);
  cairo_rectangle (cr, 0, d.layout.head - 2, width, height - d.layout.head + 2);
  cairo_clip (cr);
  cairo_translate (cr, 0, d.layout.head);
  draw_rows (&d, width, height, scroll_x, scroll_y);
  cairo_restore (cr);

  /* An edge where something lies behind it. */
  if (scroll_y > 0)
    fill_box (&d, &style->grid, 1, 0, d.layout.head - 1, width, 1);
  if (scroll_x > 0)
    fill_box (&d, &style->grid, 1, d.layout.names - 3, d.layout.legend, 1, height);
}
