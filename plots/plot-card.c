/* The tooltip card of charts and lanes. Pure layout and drawing; what it says is put together by
 * its callers. */

#include "plot-card-private.h"

#include <math.h>

#define PAD 10
#define GAP 12
#define SWATCH_W 18
#define SWATCH_H 12
#define ROW_GAP 2
#define MIN_NAME_W 200
#define MAX_WIDTH 440 /* long names are cut rather than cover the plot */

enum
{
  LABEL,
  VALUE,
  DETAIL,
  NOTE
};

typedef struct
{
  PlotCardRow look;
  char *text[4]; /* label, value, detail, note */
} Row;

struct _PlotCard
{
  char *title, *subtitle;
  GArray *rows; /* Row */
  double column_px[4];
  double width_px, height_px;
};

static const PlotFont column_font[4]
    = { PLOT_FONT_BODY, PLOT_FONT_BOLD, PLOT_FONT_SMALL, PLOT_FONT_SMALL };

static void
row_clear (gpointer data)
{
  Row *row = data;

  for (guint i = 0; i < 4; i++)
    g_free (row->text[i]);
}

PlotCard *
plot_card_new (const char *title, const char *subtitle)
{
  PlotCard *self = g_new0 (PlotCard, 1);

  self->title = g_strdup (title != NULL ? title : "");
  self->subtitle = g_strdup (subtitle != NULL ? subtitle : "");
  self->rows = g_array_new (FALSE, TRUE, sizeof (Row));
  g_array_set_clear_func (self->rows, row_clear);
  return self;
}

void
plot_card_free (PlotCard *self)
{
  if (self == NULL)
    return;
  g_free (self->title);
  g_free (self->subtitle);
  g_array_unref (self->rows);
  g_free (self);
}

void
plot_card_add_row (PlotCard *self, const PlotCardRow *look)
{
  const char *given[4] = { look->label, look->value, look->detail, look->note };
  Row row = { .look = *look };

  for (guint i = 0; i < 4; i++)
    row.text[i] = g_strdup (given[i] != NULL ? given[i] : "");
  if (*row.text[NOTE] != '\0' && look->note_kind != PLOT_NOTE_NEUTRAL)
    {
      g_free (row.text[NOTE]);
      row.text[NOTE] = g_strconcat (look->note,
                                    look->note_kind == PLOT_NOTE_GOOD ? " better" : " worse", NULL);
    }
  g_array_append_val (self->rows, row);
}

static double
row_height (PlotText *text)
{
  return plot_text_line_height (text, PLOT_FONT_BODY) + ROW_GAP;
}

static double
columns_width (const PlotCard *self)
{
  double width = 0;

  for (guint c = 0; c < 4; c++)
    if (self->column_px[c] > 0)
      width += self->column_px[c] + (c > 0 ? GAP : SWATCH_W + 6);
  return width;
}

void
plot_card_measure (PlotCard *self, PlotText *text, double max_width_px, double *width_px,
                   double *height_px)
{
  double width, heading, room = fmin (max_width_px, MAX_WIDTH) - 2 * PAD - 8;

  for (guint c = 0; c < 4; c++)
    {
      self->column_px[c] = 0;
      for (guint i = 0; i < self->rows->len; i++)
        {
          const char *cell = g_array_index (self->rows, Row, i).text[c];

          if (*cell != '\0')
            self->column_px[c]
                = fmax (self->column_px[c], plot_text_width (text, column_font[c], cell));
        }
    }
  if (columns_width (self) > room)
    self->column_px[DETAIL] = 0;
  if (columns_width (self) > room)
    /* Names, never numbers. */
    self->column_px[VALUE] = fmax (fmin (self->column_px[VALUE], MIN_NAME_W),
                                   self->column_px[VALUE] - (columns_width (self) - room));
  if (columns_width (self) > room)
    self->column_px[LABEL] = fmax (24, self->column_px[LABEL] - (columns_width (self) - room));
  width = columns_width (self);

  heading = fmax (plot_text_width (text, PLOT_FONT_BOLD, self->title),
                  *self->subtitle != '\0' ? plot_text_width (text, PLOT_FONT_SMALL, self->subtitle)
                                          : 0);
  self->width_px = ceil (fmin (fmax (width, heading), fmax (width, room)) + 2 * PAD);
  self->height_px = plot_text_line_height (text, PLOT_FONT_BOLD) + 2 * PAD - 2;
  if (*self->subtitle != '\0')
    self->height_px += plot_text_line_height (text, PLOT_FONT_SMALL);
  if (self->rows->len > 0)
    self->height_px += 4 + self->rows->len * row_height (text);
  self->height_px = ceil (self->height_px);
  *width_px = self->width_px;
  *height_px = self->height_px;
}

void
plot_card_place (double px, double py, double w, double h, double total_w, double total_h,
                 double *x, double *y)
{
  const double away = 16, margin = 4;
  double left = px + away;

  if (left + w > total_w - margin && px - away - w >= margin)
    left = px - away - w;
  *x = round (fmax (margin, fmin (left, total_w - w - margin)));
  *y = round (fmax (margin, fmin (py + away, total_h - h - margin)));
}

void
plot_swatch_draw (cairo_t *cr, const PlotCardRow *row, const PlotStyle *style, double x, double y)
{
  const double w = SWATCH_W - 4, h = SWATCH_H - 2;
  gboolean hollow = row->state == PLOT_STATE_ESTIMATE;
  PlotPattern pattern = row->state == PLOT_STATE_MODELLED ? PLOT_PATTERN_HATCH : row->pattern;
  GdkRGBA color = row->color.alpha > 0 ? row->color : *plot_style_color (style, row->color_index);

  cairo_save (cr);
  cairo_new_path (cr);
  switch (row->swatch)
    {
    case PLOT_CARD_BOX:
      if (row->state == PLOT_STATE_ABSENT)
        break;
      cairo_rectangle (cr, x + 2, y + 1, w, h);
      if (!hollow)
        plot_fill_pattern (cr, pattern, &color, 1, x + 2, y + 1, w, h);
      cairo_rectangle (cr, x + 2.5, y + 1.5, w - 1, h - 1);
      plot_set_color (cr, &color, 1);
      cairo_set_line_width (cr, hollow ? 1.5 : 1);
      cairo_stroke (cr);
      break;
    case PLOT_CARD_SHAPE:
      plot_shape_path (cr, row->shape, x + SWATCH_W / 2.0, y + SWATCH_H / 2.0, 4.5);
      plot_set_color (cr, &color, 1);
      cairo_set_line_width (cr, 1.5);
      if (hollow)
        cairo_stroke (cr);
      else
        cairo_fill (cr);
      break;
    case PLOT_CARD_LINE:
      plot_set_color (cr, &color, 1);
      cairo_set_line_width (cr, 2);
      plot_set_dash (cr, row->dash, 2);
      cairo_move_to (cr, x + 1, y + SWATCH_H / 2.0);
      cairo_line_to (cr, x + SWATCH_W - 1, y + SWATCH_H / 2.0);
      cairo_stroke (cr);
      break;
    case PLOT_CARD_GHOST:
      cairo_rectangle (cr, x + 2, y + 1, w, h);
      plot_set_color (cr, &color, 0.22);
      cairo_fill (cr);
      cairo_rectangle (cr, x + 2, y + 1, w, 1.5);
      plot_set_color (cr, &color, 1);
      cairo_fill (cr);
      break;
    case PLOT_CARD_NO_SWATCH:
    default:
      break;
    }
  cairo_restore (cr);
}

static void
draw_row (PlotCard *self, const Row *row, cairo_t *cr, PlotText *text, const PlotStyle *style,
          double x, double y)
{
  const GdkRGBA *color[4] = { &style->dim_text, &style->text, &style->dim_text, &style->text };
  double middle = y + row_height (text) / 2;

  plot_swatch_draw (cr, &row->look, style, x, middle - SWATCH_H / 2.0);
  x += SWATCH_W + 6;
  for (guint c = 0; c < 4; c++)
    {
      if (self->column_px[c] == 0)
        continue;
      if (c == 0)
        plot_text_draw (text, cr, column_font[c], color[c], row->text[c], x, middle, 0, 0.5,
                        self->column_px[c] + 1);
      else
        plot_text_draw_name (text, cr, column_font[c], color[c], row->text[c],
                             x + self->column_px[c], middle, 1, 0.5,
                             c == VALUE ? self->column_px[c] + 1 : 0, 0);
      x += self->column_px[c] + GAP;
    }
}

static void
draw_box (PlotCard *self, cairo_t *cr, const PlotStyle *style, double x, double y)
{
  /* A soft shadow from a few nested boxes: no blur in Cairo. */
  for (int i = 4; i > 0; i--)
    {
      plot_round_box_path (cr, x - i, y - i + 2, self->width_px + 2 * i, self->height_px + 2 * i,
                           8 + i);
      cairo_set_source_rgba (cr, 0, 0, 0, style->dark ? 0.07 : 0.025);
      cairo_fill (cr);
    }
  plot_round_box_path (cr, x, y, self->width_px, self->height_px, 8);
  gdk_cairo_set_source_rgba (cr, &style->card);
  cairo_fill (cr);
  plot_round_box_path (cr, x + 0.5, y + 0.5, self->width_px - 1, self->height_px - 1, 7.5);
  gdk_cairo_set_source_rgba (cr, &style->card_border);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
}

void
plot_card_draw (PlotCard *self, cairo_t *cr, PlotText *text, const PlotStyle *style, double x,
                double y)
{
  draw_box (self, cr, style, x, y);
  x += PAD;
  y += PAD - 1;
  plot_text_draw (text, cr, PLOT_FONT_BOLD, &style->text, self->title, x, y, 0, 0,
                  self->width_px - 2 * PAD);
  y += plot_text_line_height (text, PLOT_FONT_BOLD);
  if (*self->subtitle != '\0')
    {
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, self->subtitle, x, y, 0, 0,
                      self->width_px - 2 * PAD);
      y += plot_text_line_height (text, PLOT_FONT_SMALL);
    }
  y += 4;
  for (guint i = 0; i < self->rows->len; i++)
    {
      draw_row (self, &g_array_index (self->rows, Row, i), cr, text, style, x, y);
      y += row_height (text);
    }
}
