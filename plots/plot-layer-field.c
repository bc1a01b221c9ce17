/* Field: a function of both axes. Where it is above its level the picture is tinted, the more the
 * higher; below, it is hatched, so that the two sides differ by more than colour; the contour
 * between them is a strong line, multiples of the level are thin ones with their numbers. */

#include <math.h>
#include "plot-layer-private.h"
#include "plot-marks-private.h"
#include "plot-text-private.h"

#define CELL_PX 5.0
#define N_TINTS 4

/* Contours above the level, as multiples of it. */
static const double multiples[] = { 1.0, 1.5, 2.0, 3.0, 5.0 };

typedef struct
{
  PlotFieldFunc function;
  gpointer data;
  GDestroyNotify destroy;
  double level;
  char *below; /* what is said where it is less; NULL: nothing */
} Field;

/* Values at the corners of cells. */
typedef struct
{
  const PlotFrame *frame;
  int n_x, n_y;   /* cells */
  double w, h;    /* of a cell, px */
  double *values; /* [n_y + 1][n_x + 1] */
} Grid;

static void
field_free (gpointer data)
{
  Field *field = data;

  if (field->destroy != NULL)
    field->destroy (field->data);
  g_free (field->below);
  g_free (field);
}

void
plot_field_set_below (PlotLayer *self, const char *text)
{
  Field *field = plot_layer_get_data (self);

  g_return_if_fail (field != NULL);
  g_free (field->below);
  field->below = g_strdup (text);
  plot_layer_changed (self);
}

PlotLayer *
plot_field_layer_new (const char *title, double level, PlotFieldFunc function, gpointer data,
                      GDestroyNotify destroy)
{
  g_autoptr (PlotSeries) series = plot_series_new (title);
  PlotLayer *layer;
  Field *field;

  g_return_val_if_fail (function != NULL && level > 0, NULL);

  field = g_new0 (Field, 1);
  field->function = function;
  field->data = data;
  field->destroy = destroy;
  field->level = level;
  layer = plot_layer_new (&plot_layer_field, series);
  plot_layer_set_data (layer, field, field_free);
  return layer;
}

static void
grid_init (Grid *grid, const PlotFrame *frame, const Field *field)
{
  grid->frame = frame;
  grid->n_x = MAX (1, (int)(frame->width_px / CELL_PX));
  grid->n_y = MAX (1, (int)(frame->height_px / CELL_PX));
  grid->w = frame->width_px / grid->n_x;
  grid->h = frame->height_px / grid->n_y;
  grid->values = g_new (double, (gsize)(grid->n_x + 1) * (gsize)(grid->n_y + 1));
  for (int j = 0; j <= grid->n_y; j++)
    for (int i = 0; i <= grid->n_x; i++)
      grid->values[j * (grid->n_x + 1) + i]
          = field->function (plot_scale_from_px (&frame->x, frame->x_px + i * grid->w),
                             plot_scale_from_px (&frame->y, frame->y_px + j * grid->h),
                             field->data);
}

static double
corner (const Grid *grid, int i, int j)
{
  return grid->values[j * (grid->n_x + 1) + i];
}

static double
cell_mean (const Grid *grid, int i, int j)
{
  return 0.25
         * (corner (grid, i, j) + corner (grid, i + 1, j) + corner (grid, i, j + 1)
            + corner (grid, i + 1, j + 1));
}

/* -1: below the level; 0 .. N_TINTS - 1 above it; -2: nothing is known. */
static int
band_of (double value, double level)
{
  if (isnan (value))
    return -2;
  if (value < level)
    return -1;
  return MIN (N_TINTS - 1, (int)(2.0 * (value / level - 1.0)));
}

/* The cells of one band as a path, runs of a row joined. */
static gboolean
add_band (const Grid *grid, cairo_t *cr, double level, int band)
{
  const PlotFrame *frame = grid->frame;
  gboolean any = FALSE;

  for (int j = 0; j < grid->n_y; j++)
    for (int i = 0; i < grid->n_x; i++)
      {
        int start = i;

        while (i < grid->n_x && band_of (cell_mean (grid, i, j), level) == band)
          i++;
        if (i == start)
          continue;
        cairo_rectangle (cr, frame->x_px + start * grid->w, frame->y_px + j * grid->h,
                         (i - start) * grid->w, grid->h);
        any = TRUE;
      }
  return any;
}

/* One cell of marching squares (Lorensen and Cline 1987 in the plane): the contour crosses the
 * edges whose ends lie on either side. *@last_x, *@last_y: the rightmost place so far, where the
 * number goes: contours of a speed-up begin close together and go apart. */
static void
add_crossings (const Grid *grid, cairo_t *cr, double level, int i, int j, double *last_x,
               double *last_y)
{
  static const int dx[] = { 0, 1, 1, 0 }, dy[] = { 0, 0, 1, 1 };
  double x[4], y[4];
  int n = 0;

  for (int e = 0; e < 4; e++)
    {
      int f = (e + 1) % 4;
      double a = corner (grid, i + dx[e], j + dy[e]) - level;
      double b = corner (grid, i + dx[f], j + dy[f]) - level;
      double t;

      if (isnan (a) || isnan (b) || (a < 0) == (b < 0))
        continue;
      t = a / (a - b);
      x[n] = grid->frame->x_px + (i + dx[e] + t * (dx[f] - dx[e])) * grid->w;
      y[n++] = grid->frame->y_px + (j + dy[e] + t * (dy[f] - dy[e])) * grid->h;
    }
  for (int k = 0; k + 1 < n; k += 2)
    {
      cairo_move_to (cr, x[k], y[k]);
      cairo_line_to (cr, x[k + 1], y[k + 1]);
      for (int end = k; end < k + 2; end++)
        if (isnan (*last_x) || x[end] > *last_x)
          {
            *last_x = x[end];
            *last_y = y[end];
          }
    }
}

static void
draw_contour (const Grid *grid, cairo_t *cr, PlotText *text, double level, double multiple)
{
  const PlotStyle *style = grid->frame->style;
  double x = NAN, y = NAN;

  for (int j = 0; j < grid->n_y; j++)
    for (int i = 0; i < grid->n_x; i++)
      add_crossings (grid, cr, level * multiple, i, j, &x, &y);
  plot_set_color (cr, &style->text, multiple == 1.0 ? 0.9 : 0.45);
  cairo_set_line_width (cr, multiple == 1.0 ? 2.0 : 1.0);
  plot_set_dash (cr, 0, 1);
  cairo_stroke (cr);
  if (!isnan (x))
    {
      g_autofree char *label = g_strdup_printf ("%g×", level * multiple);
      gboolean right = x > grid->frame->x_px + 0.8 * grid->frame->width_px;

      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->text, label, x + (right ? -4 : 4), y - 3,
                      right ? 1 : 0, 1, 0);
    }
}

/* In the corner where the function is least, on a patch of the background: hatching under
 * letters cannot be read. */
static void
draw_below (const Grid *grid, cairo_t *cr, PlotText *text, const Field *field)
{
  const PlotFrame *frame = grid->frame;
  const PlotStyle *style = frame->style;
  double x = frame->x_px + 6, y = frame->y_px + 6, width, height;

  if (field->below == NULL || style->marks_only || !(corner (grid, 0, 0) < field->level))
    return;
  plot_text_measure (text, PLOT_FONT_SMALL, field->below, &width, &height);
  plot_set_color (cr, &style->card, 0.9);
  plot_round_box_path (cr, x, y, width + 10, height + 4, 4);
  cairo_fill (cr);
  plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->text, field->below, x + 5, y + 2, 0, 0, 0);
}

static void
draw_field (PlotLayer *layer, cairo_t *cr, const PlotFrame *frame)
{
  const Field *field = plot_layer_get_data (layer);
  const GdkRGBA *color = plot_layer_rgba (layer, frame->style);
  g_autoptr (PlotText) text = plot_text_new (frame->style);
  GdkRGBA faint = frame->style->dim_text;
  Grid grid;

  grid_init (&grid, frame, field);
  faint.alpha *= 0.35f;
  if (add_band (&grid, cr, field->level, -1))
    plot_fill_pattern (cr, PLOT_PATTERN_HATCH, &faint, frame->device_scale, frame->x_px,
                       frame->y_px, frame->width_px, frame->height_px);
  cairo_save (cr);
  cairo_set_antialias (cr, CAIRO_ANTIALIAS_NONE); /* no seams between cells */
  for (int band = 0; band < N_TINTS; band++)
    if (add_band (&grid, cr, field->level, band))
      {
        plot_set_color (cr, color, 0.14 + 0.13 * band);
        cairo_fill (cr);
      }
  cairo_restore (cr);
  for (guint i = 0; i < G_N_ELEMENTS (multiples); i++)
    draw_contour (&grid, cr, text, field->level, multiples[i]);
  draw_below (&grid, cr, text, field);
  g_free (grid.values);
}

static void
field_extent (PlotLayer *layer, PlotExtent *x, PlotExtent *y)
{
}

static void
field_swatch (PlotLayer *layer, cairo_t *cr, const PlotStyle *style)
{
  plot_set_color (cr, plot_layer_rgba (layer, style), 0.4);
  cairo_rectangle (cr, 1, 1, 16, 10);
  cairo_fill (cr);
  plot_set_color (cr, &style->text, 0.9);
  cairo_rectangle (cr, 1, 10, 16, 1.5);
  cairo_fill (cr);
}

const PlotLayerKind plot_layer_field = { .id = "field",
                                         .draw = draw_field,
                                         .extent = field_extent,
                                         .pick = plot_layer_pick_nothing,
                                         .swatch = field_swatch,
                                         .derived = TRUE };
