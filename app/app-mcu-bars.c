/* One bar: parts side by side, each with a pattern of its own, the limit as a line where it is
 * exceeded. Made anew for every report; knows numbers only. */
#include "app-mcu-bars.h"

#include "app-config.h"
#include "app-words.h"
#include "eng-figure.h"
#include "plot-style.h"

#include <glib/gi18n.h>

#define BAR_PX 16
#define SWATCH_PX 12
#define LINE_PX 4 /* between two lines of a pattern */

typedef struct
{
  EngMcuReport *report;
  AppMcuBar bar;
} Drawn;

static void
drawn_free (gpointer data)
{
  Drawn *drawn = data;

  eng_mcu_report_unref (drawn->report);
  g_free (drawn);
}

/* ---- Drawing ---- */

static const int colors[APP_MCU_MAX_PARTS] = { 0, 1, 2 };

static void
set_color (cairo_t *cr, const GdkRGBA *color, double alpha)
{
  cairo_set_source_rgba (cr, color->red, color->green, color->blue, color->alpha * alpha);
}

/* A rectangle in the form of part @i: full, hatched or with level lines. */
static void
draw_part (cairo_t *cr, const PlotStyle *style, guint i, double x, double width, double height)
{
  const GdkRGBA *color = plot_style_color (style, (guint)colors[i]);

  cairo_save (cr);
  cairo_rectangle (cr, x, 0, width, height);
  cairo_clip (cr);
  set_color (cr, color, i == 0 ? 1.0 : 0.35);
  cairo_paint (cr);
  set_color (cr, color, 1);
  cairo_set_line_width (cr, 1.5);
  if (i == 1)
    for (double at = x - height; at < x + width; at += LINE_PX)
      {
        cairo_move_to (cr, at, height);
        cairo_line_to (cr, at + height, 0);
      }
  else if (i == 2)
    for (double at = LINE_PX / 2.0; at < height; at += LINE_PX)
      {
        cairo_move_to (cr, x, at);
        cairo_line_to (cr, x + width, at);
      }
  cairo_stroke (cr);
  if (i > 0)
    {
      cairo_rectangle (cr, x + 0.5, 0.5, MAX (width - 1, 0.5), height - 1);
      cairo_set_line_width (cr, 1);
      cairo_stroke (cr);
    }
  cairo_restore (cr);
}

/* What lies beyond the limit is washed and crossed in the colour of errors. */
static void
draw_limit (GtkWidget *widget, cairo_t *cr, const PlotStyle *style, double x, double width,
            double height)
{
  GdkRGBA error = { 0.88, 0.11, 0.14, 1 };

  gtk_style_context_lookup_color (gtk_widget_get_style_context (widget), "error_color", &error);
  set_color (cr, &style->background, 0.35);
  cairo_rectangle (cr, x, 0, width - x, height);
  cairo_fill (cr);
  set_color (cr, &error, 1);
  cairo_set_line_width (cr, 2);
  cairo_rectangle (cr, x + 1, 1, width - x - 2, height - 2);
  cairo_move_to (cr, x + 1, 1);
  cairo_line_to (cr, x + 1, height - 1);
  cairo_stroke (cr);
}

static void
draw_bar (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer data)
{
  const AppMcuBar *bar = &((const Drawn *)data)->bar;
  guint64 all = MAX (MAX (bar->is_over ? bar->limit : bar->board_limit, bar->size.bytes), 1);
  PlotStyle style;
  double x = 0;

  plot_style_init_for_widget (&style, GTK_WIDGET (area));
  set_color (cr, &style.text, 0.08);
  cairo_rectangle (cr, 0, 0, width, height);
  cairo_fill (cr);
  for (guint i = 0; i < bar->n_parts; i++)
    {
      double share = (double)bar->parts[i].size.bytes / (double)all * width;
      double part = bar->parts[i].size.bytes > 0 ? MAX (share, 1.5) : 0; /* something is seen */

      draw_part (cr, &style, i, x, MIN (part, width - x), height);
      x += MIN (part, width - x);
    }
  if (bar->is_over)
    draw_limit (GTK_WIDGET (area), cr, &style, (double)bar->limit / (double)all * width, width,
                height);
}

static void
draw_swatch (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer data)
{
  PlotStyle style;

  plot_style_init_for_widget (&style, GTK_WIDGET (area));
  draw_part (cr, &style, GPOINTER_TO_UINT (data), 0, width, height);
}

/* ---- Words ---- */

/* "Arena: 16.3 kB, planned" */
static char *
dup_part_words (const AppMcuPart *part)
{
  g_autofree char *bytes = eng_format_value ((double)part->size.bytes, "B");

  /* Translators: what of the memory, bytes, how that is known: "Arena: 16.3 kB, planned" */
  return g_strdup_printf (_ ("%s: %s, %s"), part->title, bytes,
                          app_mcu_origin_word (part->size.origin));
}

static GtkWidget *
make_part (const AppMcuPart *part, guint i)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6), *swatch = gtk_drawing_area_new (),
            *label;
  g_autofree char *words = dup_part_words (part);

  gtk_drawing_area_set_content_width (GTK_DRAWING_AREA (swatch), SWATCH_PX);
  gtk_drawing_area_set_content_height (GTK_DRAWING_AREA (swatch), SWATCH_PX);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (swatch), draw_swatch, GUINT_TO_POINTER (i),
                                  NULL);
  gtk_widget_set_valign (swatch, GTK_ALIGN_CENTER);
  label = app_words_new (words, (const char *[]){ "caption", "numeric", NULL });
  gtk_widget_set_tooltip_text (row, eng_mcu_size_definition (part->kind));
  gtk_box_append (GTK_BOX (row), swatch);
  gtk_box_append (GTK_BOX (row), label);
  return row;
}

static char *
dup_spoken (const AppMcuBar *bar)
{
  g_autofree char *sum = app_mcu_bar_dup_text (bar);
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "%s: %s", bar->title, sum);
  for (guint i = 0; i < bar->n_parts; i++)
    {
      g_autofree char *part = dup_part_words (&bar->parts[i]);

      g_string_append_printf (text, "; %s", part);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* ---- The widget ---- */

/* Name and figures in one line; what is too much takes a line of its own. */
static GtkWidget *
make_heading (const AppMcuBar *bar)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6), *box, *figures;
  g_autofree char *text = app_mcu_bar_dup_text (bar);

  gtk_box_append (GTK_BOX (row),
                  g_object_new (GTK_TYPE_LABEL, "label", bar->title, "xalign", 0.0f, "css-classes",
                                (const char *[]){ "caption-heading", NULL }, NULL));
  figures = app_words_new (text, (const char *[]){ "caption", "numeric", NULL });
  if (!bar->is_over)
    {
      gtk_label_set_xalign (GTK_LABEL (figures), 1);
      gtk_widget_set_hexpand (figures, TRUE);
      gtk_box_append (GTK_BOX (row), figures);
      return row;
    }
  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  gtk_widget_add_css_class (figures, "error");
  gtk_box_append (GTK_BOX (row),
                  g_object_new (GTK_TYPE_IMAGE, "icon-name", "dialog-error-symbolic", "css-classes",
                                (const char *[]){ "error", NULL }, NULL));
  gtk_box_append (GTK_BOX (box), row);
  gtk_box_append (GTK_BOX (box), figures);
  return box;
}

GtkWidget *
app_mcu_bar_new (EngMcuReport *report, AppMcuBarKind kind)
{
  Drawn *drawn = g_new0 (Drawn, 1);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3), *area;
  g_autofree char *spoken = NULL, *advice = NULL;

  drawn->report = eng_mcu_report_ref (report);
  app_mcu_bar_init (&drawn->bar, report, kind);
  spoken = dup_spoken (&drawn->bar);
  advice = app_mcu_bar_dup_advice (&drawn->bar, report);
  area = g_object_new (GTK_TYPE_DRAWING_AREA, "accessible-role", GTK_ACCESSIBLE_ROLE_IMG,
                       "content-height", BAR_PX, "hexpand", TRUE, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (area), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (area), draw_bar, drawn, drawn_free);
  gtk_box_append (GTK_BOX (box), make_heading (&drawn->bar));
  gtk_box_append (GTK_BOX (box), area);
  for (guint i = 0; i < drawn->bar.n_parts; i++)
    gtk_box_append (GTK_BOX (box), make_part (&drawn->bar.parts[i], i));
  if (advice != NULL)
    gtk_box_append (GTK_BOX (box), app_words_new (advice, (const char *[]){ "caption", NULL }));
  gtk_widget_set_margin_top (box, 6);
  return box;
}
