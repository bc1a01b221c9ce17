/* Text for draw functions, on a plain cairo_t, so that the screen and files get the same. Figures
 * are tabular
 * ("tnum"), so live numbers do not dance. Private to this library. */

#include "plot-text-private.h"

#include <math.h>
#include <string.h>

#define MAX_LAYOUTS 2000 /* then the cache starts again: labels of a session are far fewer */

struct _PlotText
{
  PangoContext *context;
  PangoAttrList *attrs;
  PangoFontDescription *fonts[PLOT_N_FONTS];
  double line_height_px[PLOT_N_FONTS];
  GHashTable *layouts[PLOT_N_FONTS]; /* text -> PangoLayout */
  char family[64];
  double size_px;
  gboolean silent;
};

static PangoFontDescription *
make_font (const PlotStyle *style, PlotFont font)
{
  static const double size[PLOT_N_FONTS] = { 0.85, 1, 1, 1.15 };
  PangoFontDescription *desc = pango_font_description_new ();

  pango_font_description_set_family (desc,
                                     *style->font_family != '\0' ? style->font_family : "Sans");
  pango_font_description_set_absolute_size (desc, style->font_size_px * size[font] * PANGO_SCALE);
  pango_font_description_set_weight (desc, font >= PLOT_FONT_BOLD ? PANGO_WEIGHT_BOLD
                                                                  : PANGO_WEIGHT_NORMAL);
  return desc;
}

PlotText *
plot_text_new (const PlotStyle *style)
{
  PlotText *self = g_new0 (PlotText, 1);
  cairo_font_options_t *options = cairo_font_options_create ();

  self->context = pango_font_map_create_context (pango_cairo_font_map_get_default ());
  cairo_font_options_set_hint_metrics (options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias (options, CAIRO_ANTIALIAS_GRAY);
  pango_cairo_context_set_font_options (self->context, options);
  cairo_font_options_destroy (options);
  pango_cairo_context_set_resolution (self->context, 96);
  pango_context_set_round_glyph_positions (self->context, FALSE);

  self->attrs = pango_attr_list_new ();
  pango_attr_list_insert (self->attrs, pango_attr_font_features_new ("tnum=1"));
  for (guint i = 0; i < PLOT_N_FONTS; i++)
    {
      self->fonts[i] = make_font (style, i);
      self->layouts[i] = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
    }
  g_strlcpy (self->family, style->font_family, sizeof self->family);
  self->size_px = style->font_size_px;
  self->silent = style->marks_only;
  return self;
}

void
plot_text_free (PlotText *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < PLOT_N_FONTS; i++)
    {
      pango_font_description_free (self->fonts[i]);
      g_hash_table_unref (self->layouts[i]);
    }
  pango_attr_list_unref (self->attrs);
  g_object_unref (self->context);
  g_free (self);
}

gboolean
plot_text_fits_style (PlotText *self, const PlotStyle *style)
{
  return self->size_px == style->font_size_px && self->silent == style->marks_only
         && g_str_equal (self->family, style->font_family);
}

static PangoLayout *
get_layout (PlotText *self, PlotFont font, const char *text)
{
  PangoLayout *layout = g_hash_table_lookup (self->layouts[font], text);

  if (layout != NULL)
    return layout;
  if (g_hash_table_size (self->layouts[font]) >= MAX_LAYOUTS)
    g_hash_table_remove_all (self->layouts[font]);

  layout = pango_layout_new (self->context);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  pango_layout_set_font_description (layout, self->fonts[font]);
  pango_layout_set_attributes (layout, self->attrs);
  pango_layout_set_text (layout, text, -1);
  g_hash_table_insert (self->layouts[font], g_strdup (text), layout);
  return layout;
}

/* Cuts with an ellipsis only where it must: setting a width lays the text out again. */
static void
limit_width (PangoLayout *layout, PangoEllipsizeMode mode, double max_width_px)
{

  int width = max_width_px > 0 ? (int)(max_width_px * PANGO_SCALE) : -1;

  if (width != pango_layout_get_width (layout))
    {
      pango_layout_set_width (layout, width);
      pango_layout_set_ellipsize (layout, width > 0 ? mode : PANGO_ELLIPSIZE_NONE);
    }
}

void
plot_text_measure (PlotText *self, PlotFont font, const char *text, double *width_px,
                   double *height_px)
{
  PangoLayout *layout;
  int width, height;

  if (self->silent) /* a picture without text must not depend on the fonts of this machine */
    {
      if (width_px != NULL)
        *width_px = 0.5 * self->size_px * g_utf8_strlen (text, -1);
      if (height_px != NULL)
        *height_px = 1.25 * self->size_px;
      return;
    }
  layout = get_layout (self, font, text);
  limit_width (layout, PANGO_ELLIPSIZE_NONE, 0);
  pango_layout_get_size (layout, &width, &height);
  if (width_px != NULL)
    *width_px = width / (double)PANGO_SCALE;
  if (height_px != NULL)
    *height_px = height / (double)PANGO_SCALE;
}

double
plot_text_width (PlotText *self, PlotFont font, const char *text)
{
  double width;

  plot_text_measure (self, font, text, &width, NULL);
  return width;
}

double
plot_text_line_height (PlotText *self, PlotFont font)
{
  if (self->line_height_px[font] == 0)
    plot_text_measure (self, font, "0Ag", NULL, &self->line_height_px[font]);
  return self->line_height_px[font];
}

/* Text cut at its start with an ellipsis, to @max_width_px. Pango's own leaves a gap behind the
 * ellipsis, as wide as what is left of the character that it cut. */
static char *
dup_end (PlotText *self, PlotFont font, const char *text, double max_width_px)
{
  PangoLayout *layout;
  double skip
      = plot_text_width (self, font, text) + plot_text_width (self, font, "…") - max_width_px;
  const char *end = text + strlen (text), *from;
  int index, trailing;

  layout = get_layout (self, font, text); /* measuring the ellipsis may have dropped it */
  pango_layout_xy_to_index (layout, (int)(skip * PANGO_SCALE), 0, &index, &trailing);
  /* The character that @skip falls into goes. */
  from = text + index < end ? g_utf8_next_char (text + index) : end;
  return g_strconcat ("…", from, NULL);
}

/* The one way to draw: turned by @radians, cut by @mode. */
static void
draw_text (PlotText *self, cairo_t *cr, PlotFont font, const GdkRGBA *color, const char *text,
           double x, double y, double xalign, double yalign, double max_width_px,
           PangoEllipsizeMode mode, double radians)
{
  PangoLayout *layout;
  PangoRectangle logical;

  if (self->silent || *text == '\0')
    return;

  layout = get_layout (self, font, text);
  limit_width (layout, mode, max_width_px);
  /* The extents hold the ink of a cut text, not the limit. */
  pango_layout_get_extents (layout, NULL, &logical);

  cairo_save (cr);
  gdk_cairo_set_source_rgba (cr, color);
  cairo_translate (cr, x, y);
  cairo_rotate (cr, radians);
  cairo_move_to (cr, -xalign * logical.width / PANGO_SCALE, -yalign * logical.height / PANGO_SCALE);
  pango_cairo_show_layout (cr, layout);
  cairo_restore (cr);
}

void
plot_text_draw (PlotText *self, cairo_t *cr, PlotFont font, const GdkRGBA *color, const char *text,
                double x, double y, double xalign, double yalign, double max_width_px)
{
  draw_text (self, cr, font, color, text, x, y, xalign, yalign, max_width_px, PANGO_ELLIPSIZE_END,
             0);
}

void
plot_text_draw_name (PlotText *self, cairo_t *cr, PlotFont font, const GdkRGBA *color,
                     const char *text, double x, double y, double xalign, double yalign,
                     double max_width_px, double radians)
{
  g_autofree char *cut = NULL;

  if (self->silent)
    return;
  if (max_width_px > 0 && plot_text_width (self, font, text) > max_width_px)
    cut = dup_end (self, font, text, max_width_px);
  draw_text (self, cr, font, color, cut != NULL ? cut : text, x, y, xalign, yalign, 0,
             PANGO_ELLIPSIZE_NONE, radians);
}
