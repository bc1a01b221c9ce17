/* Colours and measures. The only place that asks the theme. */

#include "plot-style.h"

#include <string.h>

static const char *const palette_light[PLOT_N_COLORS]
    = { "#256fd6", "#d97411", "#07896e", "#8e3eaa", "#bd3746", "#3795d4", "#776b00", "#514649" };
static const char *const palette_dark[PLOT_N_COLORS]
    = { "#418bd3", "#f2993b", "#30cba4", "#db9df4", "#d25c83", "#9ed7f1", "#ead858", "#b0997d" };

static GdkRGBA
rgba (const char *text)
{
  GdkRGBA color = { 0, 0, 0, 1 };

  if (!gdk_rgba_parse (&color, text))
    g_assert_not_reached ();
  return color;
}

static GdkRGBA
with_alpha (GdkRGBA color, double alpha)
{
  color.alpha = (float)alpha;
  return color;
}

/* What depends on the text colour alone, so that a theme's own shade carries through. */
static void
derive (PlotStyle *style)
{
  style->dim_text = with_alpha (style->text, style->dark ? 0.68 : 0.66);
  style->grid = with_alpha (style->text, style->dark ? 0.10 : 0.09);
  style->axis = with_alpha (style->text, style->dark ? 0.35 : 0.32);
  style->baseline = with_alpha (style->text, style->dark ? 0.62 : 0.55);
  style->hover = with_alpha (style->text, 0.06);
}

void
plot_style_init (PlotStyle *style, gboolean dark)
{
  g_return_if_fail (style != NULL);

  memset (style, 0, sizeof *style); /* padding too: styles are compared as bytes */
  style->dark = !!dark;
  style->background = rgba (dark ? "#1e1e1e" : "#ffffff");
  style->text = rgba (dark ? "#ffffff" : "rgba(0,0,0,0.87)");
  style->accent = rgba (dark ? "#78aeed" : "#1c71d8");
  style->card = rgba (dark ? "#383838" : "#ffffff");
  style->card_border = rgba (dark ? "rgba(255,255,255,0.14)" : "rgba(0,0,0,0.15)");
  for (guint i = 0; i < PLOT_N_COLORS; i++)
    style->palette[i] = rgba (dark ? palette_dark[i] : palette_light[i]);
  style->line_width_px = 1.5;
  style->font_size_px = 13;
  derive (style);
}

static double
luma (const GdkRGBA *color)
{
  return 0.299 * color->red + 0.587 * color->green + 0.114 * color->blue;
}

static void
take_font (PlotStyle *style, GtkWidget *widget)
{
  PangoContext *context = gtk_widget_get_pango_context (widget);
  const PangoFontDescription *font = pango_context_get_font_description (context);
  double size = pango_font_description_get_size (font) / (double)PANGO_SCALE;
  const char *family = pango_font_description_get_family (font);

  if (!pango_font_description_get_size_is_absolute (font))
    size *= 96.0 / 72.0;
  if (size > 0)
    style->font_size_px = size;
  /* A longer list of families would be cut in the middle of a name. */
  if (family != NULL && strlen (family) < sizeof style->font_family)
    g_strlcpy (style->font_family, family, sizeof style->font_family);
}

void
plot_style_init_for_widget (PlotStyle *style, GtkWidget *widget)
{
  GtkStyleContext *context;
  GdkRGBA text, color;

  g_return_if_fail (style != NULL);
  g_return_if_fail (GTK_IS_WIDGET (widget));

  context = gtk_widget_get_style_context (widget);
  gtk_style_context_get_color (context, &text);
  plot_style_init (style, luma (&text) > 0.5);
  style->text = text;
  if (gtk_style_context_lookup_color (context, "accent_color", &color)
      || gtk_style_context_lookup_color (context, "theme_selected_bg_color", &color))
    style->accent = color;
  derive (style);
  style->background.alpha = 0; /* the widget's own background shows through */
  take_font (style, widget);
}

const GdkRGBA *
plot_style_color (const PlotStyle *style, guint i)
{
  return &style->palette[i % PLOT_N_COLORS];
}

const char *
plot_state_to_string (PlotState state)
{
  switch (state)
    {
    case PLOT_STATE_ABSENT:
      return "not measured";
    case PLOT_STATE_ESTIMATE:
      return "estimate";
    case PLOT_STATE_MODELLED:
      return "modelled";
    case PLOT_STATE_ATTRIBUTED:
      return "attributed";
    case PLOT_STATE_MEASURED:
      return "measured";
    default:
      g_return_val_if_reached ("");
    }
}
