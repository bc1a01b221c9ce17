/* Pictures of PlotGraph. What is drawn depends on what can be seen: near, boxes with title, detail,
 * number and bar; farther, boxes with colour and bar; with more of them than can be told apart,
 * pixels (plot-graph-raster.c). Must not know the widget. */

#include "plot-graph-draw-private.h"

#include <math.h>

#define RADIUS 7
#define TEXT_LEFT 11
#define SCALE_W 108 /* of the legend */
#define SCALE_H 8
#define LEGEND_PAD 10
#define MAX_SIGNS 100
#define MIN_TEXT_PX 7.0 /* of small text on the screen: less cannot be read */

PlotGraphRect
plot_graph_view_rect (const PlotGraphView *view, double margin_px)
{
  double margin = margin_px / view->zoom;

  return (PlotGraphRect){ (float)(view->x - margin), (float)(view->y - margin),
                          (float)(view->x + view->width / view->zoom + margin),
                          (float)(view->y + view->height / view->zoom + margin) };
}

/* --- colour --- */

double
plot_graph_max_value (const PlotGraphModel *model, const PlotGraphScene *scene)
{
  double most = NAN;

  for (guint i = scene->n_frames; i < scene->n_boxes && model->has_metric; i++)
    {
      double value = model->entries[scene->box_endpoint[i]].value;

      if (!isnan (value) && !(value <= most))
        most = value;
    }
  return most;
}

void
plot_graph_ramp (const PlotStyle *style, double share, GdkRGBA *color)
{
  static const GdkRGBA light[2] = { { 0.925f, 0.945f, 0.975f, 1 }, { 0.055f, 0.255f, 0.565f, 1 } };
  static const GdkRGBA dark[2] = { { 0.195f, 0.215f, 0.245f, 1 }, { 0.690f, 0.875f, 1.0f, 1 } };
  const GdkRGBA *ends = style->dark ? dark : light;
  float t = (float)CLAMP (share, 0, 1);

  if (isnan (share))
    {
      *color = style->dark ? (GdkRGBA){ 0.23f, 0.23f, 0.23f, 1 }
                           : (GdkRGBA){ 0.945f, 0.945f, 0.945f, 1 };
      return;
    }
  *color = (GdkRGBA){ ends[0].red + t * (ends[1].red - ends[0].red),
                      ends[0].green + t * (ends[1].green - ends[0].green),
                      ends[0].blue + t * (ends[1].blue - ends[0].blue), 1 };
}

void
plot_graph_problem_color (const PlotStyle *style, GdkRGBA *color)
{
  *color = style->dark ? (GdkRGBA){ 1.0f, 0.47f, 0.40f, 1 } : (GdkRGBA){ 0.75f, 0.11f, 0.16f, 1 };
}

static double
linear (double c)
{
  return c <= 0.04045 ? c / 12.92 : pow ((c + 0.055) / 1.055, 2.4);
}

/* Black or white, whichever has the larger contrast with @fill (WCAG 2.1). */
static GdkRGBA
ink_on (const GdkRGBA *fill)
{
  double luminance
      = 0.2126 * linear (fill->red) + 0.7152 * linear (fill->green) + 0.0722 * linear (fill->blue);

  return luminance > 0.179 ? (GdkRGBA){ 0, 0, 0, 0.9f } : (GdkRGBA){ 1, 1, 1, 1 };
}

static double
share_of (const PlotGraphModel *model, guint endpoint, double max_value)
{
  double value = model->entries[endpoint].value;

  if (!model->has_metric || isnan (value) || isnan (max_value))
    return NAN;
  return max_value > 0 ? CLAMP (value / max_value, 0, 1) : 0;
}

/* --- lines --- */

static void
piece_path (cairo_t *cr, const PlotGraphView *view, const PlotGraphPiece *piece)
{
  double x0 = plot_graph_px (view, piece->x0), x1 = plot_graph_px (view, piece->x1);
  double c0 = plot_graph_py (view, piece->c0), c1 = plot_graph_py (view, piece->c1);
  double bend = (c1 - c0) / 2;

  cairo_move_to (cr, x0, plot_graph_py (view, piece->y0));
  if (fabs (x1 - x0) < 0.3)
    {
      cairo_line_to (cr, x0, plot_graph_py (view, piece->y1));
      return;
    }
  cairo_line_to (cr, x0, c0);
  if (piece->flags & PLOT_PIECE_LOOSE)
    cairo_line_to (cr, x1, c1);
  else
    cairo_curve_to (cr, x0, c0 + bend, x1, c1 - bend, x1, c1);
  cairo_line_to (cr, x1, plot_graph_py (view, piece->y1));
}

static void
arrow_path (cairo_t *cr, const PlotGraphView *view, const PlotGraphPiece *piece)
{
  gboolean up = (piece->flags & PLOT_PIECE_REVERSED) != 0;
  double x = plot_graph_px (view, up ? piece->x0 : piece->x1);
  double y = plot_graph_py (view, up ? piece->y0 : piece->y1), size = fmin (8, 7 * view->zoom);

  if (up)
    size = -size;
  cairo_move_to (cr, x, y);
  cairo_line_to (cr, x - size * 0.55, y - size);
  cairo_line_to (cr, x + size * 0.55, y - size);
  cairo_close_path (cr);
}

typedef enum
{
  LINES_THIN,
  LINES_LONG,
  LINES_LOOSE,
  LINES_REVERSED,
  N_LINES,
} LineKind;

static LineKind
line_kind (const PlotGraphPiece *piece)
{
  return piece->flags & PLOT_PIECE_REVERSED ? LINES_REVERSED
         : piece->flags & PLOT_PIECE_LOOSE  ? LINES_LOOSE
         : piece->flags & PLOT_PIECE_LONG   ? LINES_LONG
                                            : LINES_THIN;
}

static void
draw_lines (const PlotGraphScene *scene, const PlotGraphView *view, const GArray *pieces,
            cairo_t *cr, const PlotStyle *style)
{
  static const double width[N_LINES] = { 1.2, 1.6, 1.2, 1.4 };
  static const guint dash[N_LINES] = { 0, 0, 1, 2 };
  double scale = CLAMP (view->zoom * 1.3, 0.6, 1.2);

  for (guint kind = 0; kind < N_LINES; kind++)
    {
      gboolean strong = kind == LINES_LONG || kind == LINES_REVERSED;

      plot_set_color (cr, strong ? plot_style_color (style, 3) : &style->baseline,
                      strong ? 0.7 : 0.8);
      cairo_set_line_width (cr, width[kind] * scale);
      plot_set_dash (cr, dash[kind], width[kind] * scale);
      cairo_new_path (cr);
      for (guint i = 0; i < pieces->len; i++)
        {
          const PlotGraphPiece *piece = &scene->pieces[g_array_index (pieces, guint, i)];

          if (line_kind (piece) == kind)
            piece_path (cr, view, piece);
        }
      cairo_stroke (cr);
      cairo_set_dash (cr, NULL, 0, 0);
      for (guint i = 0; i < pieces->len && view->zoom > 0.35; i++)
        {
          const PlotGraphPiece *piece = &scene->pieces[g_array_index (pieces, guint, i)];

          if (line_kind (piece) == kind && piece->to != PLOT_GRAPH_NONE)
            arrow_path (cr, view, piece);
        }
      cairo_fill (cr);
    }
}

/* --- boxes --- */

/* Sizes in the world: the context is scaled. */
typedef struct
{
  const PlotGraphModel *model;
  const PlotGraphView *view;
  double max_value;
  cairo_t *cr;
  PlotText *text;
  const PlotStyle *style;
  gboolean titles, details; /* can be read at this zoom */
} Pen;

static void
draw_chevron (const Pen *pen, double x, double y, gboolean open, const GdkRGBA *ink)
{
  cairo_t *cr = pen->cr;

  if (open)
    {
      cairo_move_to (cr, x - 4, y - 2);
      cairo_line_to (cr, x, y + 2.5);
      cairo_line_to (cr, x + 4, y - 2);
    }
  else
    {
      cairo_move_to (cr, x - 2, y - 4);
      cairo_line_to (cr, x + 2.5, y);
      cairo_line_to (cr, x - 2, y + 4);
    }
  plot_set_color (cr, ink, 0.8);
  cairo_set_line_width (cr, 1.6);
  cairo_stroke (cr);
}

static void
draw_frame (const Pen *pen, const PlotGraphRect *rect, guint endpoint)
{
  const PlotGraphEntry *entry = &pen->model->entries[endpoint];
  double w = rect->x1 - rect->x0;
  cairo_t *cr = pen->cr;

  plot_round_box_path (cr, rect->x0, rect->y0, w, rect->y1 - rect->y0, RADIUS + 3);
  plot_set_color (cr, &pen->style->text, pen->style->dark ? 0.06 : 0.035);
  cairo_fill_preserve (cr);
  plot_set_color (cr, &pen->style->axis, 0.7);
  cairo_set_line_width (cr, 1 / fmin (1, pen->view->zoom));
  cairo_stroke (cr);
  if (!pen->titles)
    return;
  draw_chevron (pen, rect->x0 + 15, rect->y0 + PLOT_GRAPH_HEADER_H / 2.0, TRUE, &pen->style->text);
  plot_text_draw_name (pen->text, cr, PLOT_FONT_BOLD, &pen->style->text, entry->title,
                       rect->x0 + 27, rect->y0 + PLOT_GRAPH_HEADER_H / 2.0, 0, 0.5, w - 40, 0);
}

static void
draw_bar (const Pen *pen, const PlotGraphRect *rect, double share, double right, const GdkRGBA *ink)
{
  double x = rect->x0 + TEXT_LEFT, y = rect->y1 - 12, w = right - x, h = 4;

  if (w < 12)
    return;
  plot_round_box_path (pen->cr, x, y, w, h, h / 2);
  plot_set_color (pen->cr, ink, 0.16);
  cairo_fill (pen->cr);
  if (isnan (share) || share * w < 0.5)
    return;
  plot_round_box_path (pen->cr, x, y, fmax (share * w, h), h, h / 2);
  plot_set_color (pen->cr, ink, 0.75);
  cairo_fill (pen->cr);
}

static void
draw_words (const Pen *pen, const PlotGraphRect *rect, guint endpoint, double share,
            const GdkRGBA *ink)
{
  const PlotGraphEntry *entry = &pen->model->entries[endpoint];
  gboolean group = plot_graph_model_is_group (pen->model, endpoint);
  double w = rect->x1 - rect->x0, left = rect->x0 + TEXT_LEFT, right = rect->x1 - 10, top;
  double title_h = plot_text_line_height (pen->text, PLOT_FONT_BODY);
  GdkRGBA dim = *ink;

  dim.alpha *= 0.88f;
  top = rect->y0 + (pen->model->has_metric ? 5 : 11);
  plot_text_draw_name (pen->text, pen->cr, PLOT_FONT_BOLD, ink, entry->title, left, top, 0, 0,
                       w - TEXT_LEFT - (group ? 24 : 8), 0);
  if (group)
    draw_chevron (pen, right - 5, top + title_h / 2, FALSE, ink);
  if (pen->details)
    plot_text_draw (pen->text, pen->cr, PLOT_FONT_SMALL, &dim, entry->detail, left, top + title_h,
                    0, 0, w - TEXT_LEFT - 8);
  if (!pen->model->has_metric)
    return;
  if (pen->details)
    {
      g_autofree char *value = plot_format_value (&pen->model->metric_unit, entry->value, 3);

      plot_text_draw (pen->text, pen->cr, PLOT_FONT_SMALL, ink, value, right, rect->y1 - 10, 1, 0.5,
                      0);
      right -= plot_text_width (pen->text, PLOT_FONT_SMALL, value) + 8;
    }
  draw_bar (pen, rect, share, right, ink);
}

/* A warning sign about @x, @y: a triangle with a mark of exclamation. */
static void
draw_sign (cairo_t *cr, double x, double y, const PlotStyle *style)
{
  const double r = 8;
  GdkRGBA fill, ink;

  plot_graph_problem_color (style, &fill);
  ink = ink_on (&fill);
  cairo_move_to (cr, x, y - r);
  cairo_line_to (cr, x + r, y + r * 0.8);
  cairo_line_to (cr, x - r, y + r * 0.8);
  cairo_close_path (cr);
  plot_set_color (cr, &fill, 1);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_width (cr, 3);
  cairo_stroke_preserve (cr);
  cairo_fill (cr);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_MITER);
  plot_set_color (cr, &ink, 1);
  cairo_rectangle (cr, x - 1, y - 4, 2, 6);
  cairo_rectangle (cr, x - 1, y + 3.5, 2, 2);
  cairo_fill (cr);
}

/* Signs of the boxes in view that have a problem. They keep a size that can be seen however far
 * away the graph is; of very many, the first stand for all. */
static void
draw_signs (const Pen *pen, const PlotGraphScene *scene, const GArray *boxes)
{
  double size = CLAMP (pen->view->zoom, 0.6, 1.5);
  guint n = 0;

  for (guint i = 0; i < boxes->len && n < MAX_SIGNS; i++)
    {
      guint at = g_array_index (boxes, guint, i);
      const PlotGraphRect *rect = &scene->boxes[at];

      if (at < scene->n_frames || pen->model->entries[scene->box_endpoint[at]].problem == NULL)
        continue;
      n++;
      cairo_save (pen->cr);
      cairo_translate (pen->cr, plot_graph_px (pen->view, rect->x1 - 4),
                       plot_graph_py (pen->view, rect->y0 + 4));
      cairo_scale (pen->cr, size, size);
      draw_sign (pen->cr, 0, 0, pen->style);
      cairo_restore (pen->cr);
    }
}

/* Over a box that has a problem: an outline of another pattern. */
static void
draw_problem (const Pen *pen, const PlotGraphRect *rect)
{
  double w = rect->x1 - rect->x0, h = rect->y1 - rect->y0;
  GdkRGBA color;

  plot_graph_problem_color (pen->style, &color);
  plot_round_box_path (pen->cr, rect->x0, rect->y0, w, h, RADIUS);
  plot_set_color (pen->cr, &color, 1);
  cairo_set_line_width (pen->cr, 2.4 / fmin (1, fmax (pen->view->zoom, 0.3)));
  plot_set_dash (pen->cr, 1, 1.6);
  cairo_stroke (pen->cr);
  cairo_set_dash (pen->cr, NULL, 0, 0);
}

static void
draw_box (const Pen *pen, const PlotGraphRect *rect, guint endpoint)
{
  double share = share_of (pen->model, endpoint, pen->max_value);
  double w = rect->x1 - rect->x0, h = rect->y1 - rect->y0;
  gboolean round = h * pen->view->zoom > 10;
  cairo_t *cr = pen->cr;
  GdkRGBA fill, ink;

  plot_graph_ramp (pen->style, share, &fill);
  ink = ink_on (&fill);
  if (plot_graph_model_is_group (pen->model, endpoint) && round)
    {
      /* A second box behind: there is more inside. */
      plot_round_box_path (cr, rect->x0 + 4, rect->y0 + 4, w, h, RADIUS);
      plot_set_color (cr, &fill, 1);
      cairo_fill_preserve (cr);
      plot_set_color (cr, &pen->style->baseline, 0.7);
      cairo_set_line_width (cr, 1);
      cairo_stroke (cr);
    }
  if (round)
    plot_round_box_path (cr, rect->x0, rect->y0, w, h, RADIUS);
  else
    cairo_rectangle (cr, rect->x0, rect->y0, w, h);
  plot_set_color (cr, &fill, 1);
  cairo_fill_preserve (cr);
  plot_set_color (cr, &pen->style->baseline, 0.7);
  cairo_set_line_width (cr, 1 / fmin (1, fmax (pen->view->zoom, 0.3)));
  if (pen->model->has_metric && isnan (share))
    plot_set_dash (cr, 1, 1);
  cairo_stroke (cr);
  cairo_set_dash (cr, NULL, 0, 0);
  if (pen->titles)
    draw_words (pen, rect, endpoint, share, &ink);
  else if (round && pen->model->has_metric)
    draw_bar (pen, rect, share, rect->x1 - TEXT_LEFT, &ink);
  if (pen->model->entries[endpoint].problem != NULL)
    draw_problem (pen, rect);
}

/* --- all --- */

static gboolean
is_vector (cairo_t *cr)
{
  cairo_surface_type_t type = cairo_surface_get_type (cairo_get_target (cr));

  return type == CAIRO_SURFACE_TYPE_SVG || type == CAIRO_SURFACE_TYPE_PDF;
}

static void
enter_world (cairo_t *cr, const PlotGraphView *view)
{
  cairo_save (cr);
  cairo_scale (cr, view->zoom, view->zoom);
  cairo_translate (cr, -view->x, -view->y);
}

static void
draw_pixels (const Pen *pen, const PlotGraphScene *scene, const GArray *boxes, const GArray *pieces)
{
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (guint));
  cairo_surface_t *image = plot_graph_raster (pen->model, scene, pen->view, pen->max_value,
                                              boxes != NULL ? boxes : none, pieces, pen->style);

  cairo_set_source_surface (pen->cr, image, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (pen->cr), CAIRO_FILTER_NEAREST);
  cairo_paint (pen->cr);
  cairo_surface_destroy (image);
}

void
plot_graph_draw (const PlotGraphModel *model, const PlotGraphScene *scene,
                 const PlotGraphView *view, double max_value, cairo_t *cr, PlotText *text,
                 const PlotStyle *style)
{
  g_autoptr (GArray) boxes = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (guint));
  PlotGraphRect seen = plot_graph_view_rect (view, 8);
  double small_px = 0.85 * style->font_size_px * view->zoom;
  Pen pen = {
    model, view, max_value, cr, text, style, small_px >= MIN_TEXT_PX * 0.85, small_px >= MIN_TEXT_PX
  };
  gboolean box_pixels, line_pixels;

  plot_graph_index_query (scene->box_index, &seen, boxes);
  plot_graph_index_query (scene->piece_index, &seen, pieces);
  box_pixels = !is_vector (cr) && boxes->len > PLOT_GRAPH_MAX_BOXES;
  line_pixels = !is_vector (cr) && (box_pixels || pieces->len > PLOT_GRAPH_MAX_PIECES);

  enter_world (cr, view);
  for (guint i = 0; i < boxes->len && g_array_index (boxes, guint, i) < scene->n_frames; i++)
    {
      guint at = g_array_index (boxes, guint, i);

      draw_frame (&pen, &scene->boxes[at], scene->box_endpoint[at]);
    }
  cairo_restore (cr);
  if (line_pixels)
    draw_pixels (&pen, scene, box_pixels ? boxes : NULL, pieces);
  else
    draw_lines (scene, view, pieces, cr, style);
  enter_world (cr, view);
  for (guint i = 0; i < boxes->len && !box_pixels; i++)
    {
      guint at = g_array_index (boxes, guint, i);

      if (at >= scene->n_frames)
        draw_box (&pen, &scene->boxes[at], scene->box_endpoint[at]);
    }
  cairo_restore (cr);
  if (model->problem_title != NULL)
    draw_signs (&pen, scene, boxes);
}

void
plot_graph_draw_focus (const PlotGraphModel *model, const PlotGraphScene *scene,
                       const PlotGraphView *view, guint endpoint, gboolean lines, cairo_t *cr,
                       const PlotStyle *style)
{
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (guint));
  const PlotGraphRect *rect;
  double x, y, w, h;

  if (endpoint >= scene->n_endpoints || scene->box_of[endpoint] == PLOT_GRAPH_NONE)
    return;
  rect = &scene->boxes[scene->box_of[endpoint]];
  if (lines)
    {
      PlotGraphRect seen = plot_graph_view_rect (view, 4);

      plot_graph_scene_lines_of (scene, model->shape, endpoint, pieces);
      for (guint i = 0; i < pieces->len; i++)
        {
          guint at = g_array_index (pieces, guint, i);
          const PlotGraphRect *piece = &scene->piece_rects[at];

          if (piece->y1 >= seen.y0 && piece->y0 <= seen.y1 && piece->x1 >= seen.x0
              && piece->x0 <= seen.x1)
            piece_path (cr, view, &scene->pieces[at]);
        }
      plot_set_color (cr, &style->accent, 1);
      cairo_set_line_width (cr, 2.2);
      cairo_stroke (cr);
    }
  x = plot_graph_px (view, rect->x0);
  y = plot_graph_py (view, rect->y0);
  w = fmax ((rect->x1 - rect->x0) * view->zoom, 5);
  h = fmax ((rect->y1 - rect->y0) * view->zoom, 5);
  plot_round_box_path (cr, x - 2, y - 2, w + 4, h + 4, (RADIUS + 1) * fmin (1, view->zoom) + 2);
  plot_set_color (cr, &style->accent, lines ? 1 : 0.6);
  cairo_set_line_width (cr, lines ? 3 : 2);
  cairo_stroke (cr);
}

/* --- legend --- */

/* "Latency", the ramp, its ends: the lower left corner at @x, @y. */
static void
draw_scale (const PlotGraphModel *model, double max_value, double x, double y, double w,
            cairo_t *cr, PlotText *text, const PlotStyle *style)
{
  double line = plot_text_line_height (text, PLOT_FONT_SMALL);
  g_autofree char *most = plot_format_value (&model->metric_unit, max_value, 3);
  g_autofree char *least = plot_format_value (&model->metric_unit, 0, 3);
  cairo_pattern_t *ramp = cairo_pattern_create_linear (x, 0, x + w, 0);

  plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->text, model->metric_title, x,
                  y - line - SCALE_H - 4, 0, 1, 0);
  for (guint i = 0; i < 2; i++)
    {
      GdkRGBA color;

      plot_graph_ramp (style, i, &color);
      cairo_pattern_add_color_stop_rgb (ramp, i, color.red, color.green, color.blue);
    }
  plot_round_box_path (cr, x, y - line - SCALE_H - 2, w, SCALE_H, 2);
  cairo_set_source (cr, ramp);
  cairo_fill_preserve (cr);
  cairo_pattern_destroy (ramp);
  plot_set_color (cr, &style->axis, 1);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
  plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, least, x, y, 0, 1, 0);
  plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->dim_text, most, x + w, y, 1, 1, 0);
}

void
plot_graph_draw_legend (const PlotGraphModel *model, double max_value, double x, double y,
                        cairo_t *cr, PlotText *text, const PlotStyle *style)
{
  gboolean scale = model->has_metric && !isnan (max_value);
  gboolean problem = model->problem_title != NULL;
  double line = plot_text_line_height (text, PLOT_FONT_SMALL), scale_h, problem_h, w = 0, h;

  if (!scale && !problem)
    return;
  scale_h = scale ? 2 * line + SCALE_H + 2 : 0;
  problem_h = problem ? fmax (line, 18) + (scale ? 6 : 0) : 0;
  if (scale)
    w = fmax (SCALE_W, plot_text_width (text, PLOT_FONT_SMALL, model->metric_title));
  if (problem)
    w = fmax (w, plot_text_width (text, PLOT_FONT_SMALL, model->problem_title) + 26);
  h = scale_h + problem_h + 2 * LEGEND_PAD - 4;
  w += 2 * LEGEND_PAD;
  plot_round_box_path (cr, x, y - h, w, h, 8);
  plot_set_color (cr, &style->card, 0.92);
  cairo_fill_preserve (cr);
  plot_set_color (cr, &style->card_border, 1);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
  if (problem)
    {
      double middle = y - h + LEGEND_PAD - 2 + fmax (line, 18) / 2;

      draw_sign (cr, x + LEGEND_PAD + 9, middle, style);
      plot_text_draw (text, cr, PLOT_FONT_SMALL, &style->text, model->problem_title,
                      x + LEGEND_PAD + 26, middle, 0, 0.5, 0);
    }
  if (scale)
    draw_scale (model, max_value, x + LEGEND_PAD, y - LEGEND_PAD + 2, w - 2 * LEGEND_PAD, cr, text,
                style);
}

gboolean
plot_graph_in_header (const PlotGraphScene *scene, const PlotGraphView *view, guint endpoint,
                      double px, double py)
{
  const PlotGraphRect *rect;
  double x = px / view->zoom + view->x, y = py / view->zoom + view->y;

  if (endpoint >= scene->n_endpoints || scene->box_of[endpoint] >= scene->n_frames)
    return FALSE;
  rect = &scene->boxes[scene->box_of[endpoint]];
  return x >= rect->x0 && x <= rect->x1 && y >= rect->y0 && y <= rect->y0 + PLOT_GRAPH_HEADER_H;
}
