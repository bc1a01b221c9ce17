/* The marked text of the speculation view. Accepted tokens are underlined on a tint, rejected ones
 * struck through, those that were never compared struck through and small: none of it rests on
 * colour alone. A legend counts them; pointing at a token tells its round. */
#include "app-speculation-text.h"

#include "app-config.h"
#include "app-scroll.h"
#include "app-speculation-feed.h"

#include <glib/gi18n.h>

#define N_MARKS 4
#define LEAST_PX 72
#define MOST_PX 300
#define HAIR_SPACE "\u200a"

struct _AppSpeculationText
{
  GtkWidget parent_instance;

  EngRun *run;
  GArray *pieces; /* AppMarked; NULL without a run */
  gboolean show_rejected;

  GtkWidget *box, *legend, *view, *scroller;
  guint fit_id;
  GtkTextBuffer *buffer;
  GtkTextTag *tags[N_MARKS];
  GtkWidget *counts[N_MARKS];
};

enum
{
  PROP_0,
  PROP_SHOW_REJECTED,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppSpeculationText, app_speculation_text, GTK_TYPE_WIDGET)

/* ---- Filling ---- */

static gboolean
is_in_vain (AppMark mark)
{
  return mark == APP_MARK_REJECTED || mark == APP_MARK_UNTESTED;
}

/* The pieces of a token's text. What was drafted in vain stands apart from the words around it by
 * hair spaces, and its line ends are visible and break no line. */
static char *
dup_shown (const AppMarked *piece)
{
  g_auto (GStrv) lines = NULL;
  g_autofree char *joined = NULL;

  if (!is_in_vain (piece->mark))
    return g_strdup (piece->text);
  lines = g_strsplit (piece->text, "\n", -1);
  joined = g_strjoinv ("↵", lines);
  return g_strconcat (HAIR_SPACE, joined, HAIR_SPACE, NULL);
}

/* As high as the text, within limits: what a text view asks for by itself is a line. */
static gboolean
fit (gpointer data)
{
  AppSpeculationText *self = data;
  GtkAdjustment *adjustment
      = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (self->scroller));

  self->fit_id = 0;
  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (self->scroller),
                                              (int)CLAMP (gtk_adjustment_get_upper (adjustment),
                                                          LEAST_PX, MOST_PX));
  return G_SOURCE_REMOVE;
}

/* Not while sizes are given out. */
static void
fit_soon (AppSpeculationText *self)
{
  if (self->fit_id == 0)
    self->fit_id = g_idle_add (fit, self);
}

static void
fill (AppSpeculationText *self)
{
  GtkTextIter end;

  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (self->scroller), LEAST_PX);
  fit_soon (self);
  gtk_text_buffer_set_text (self->buffer, "", 0);
  for (guint i = 0; self->pieces != NULL && i < self->pieces->len; i++)
    {
      const AppMarked *piece = &g_array_index (self->pieces, AppMarked, i);
      g_autofree char *shown = dup_shown (piece);

      if (is_in_vain (piece->mark) && !self->show_rejected)
        continue;
      gtk_text_buffer_get_end_iter (self->buffer, &end);
      gtk_text_buffer_insert_with_tags (self->buffer, &end, shown, -1, self->tags[piece->mark],
                                        NULL);
    }
}

static void
count (AppSpeculationText *self)
{
  guint n[N_MARKS] = { 0 };

  for (guint i = 0; self->pieces != NULL && i < self->pieces->len; i++)
    n[g_array_index (self->pieces, AppMarked, i).mark]
        += g_array_index (self->pieces, AppMarked, i).n_tokens;
  for (guint i = 0; i < N_MARKS; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", n[i]);

      gtk_label_set_label (GTK_LABEL (self->counts[i]), text);
    }
}

/* The colours of the theme as it is now; the forms stay when it changes. */
static void
color_tags (AppSpeculationText *self)
{
  GtkStyleContext *context = gtk_widget_get_style_context (self->view);
  GdkRGBA accent, dim;

  if (!gtk_style_context_lookup_color (context, "accent_color", &accent))
    gdk_rgba_parse (&accent, "#1c71d8");
  gtk_style_context_get_color (context, &dim);
  accent.alpha = 0.2f;
  g_object_set (self->tags[APP_MARK_ACCEPTED], "background-rgba", &accent, NULL);
  dim.alpha = 0.6f;
  g_object_set (self->tags[APP_MARK_REJECTED], "foreground-rgba", &dim, NULL);
  g_object_set (self->tags[APP_MARK_UNTESTED], "foreground-rgba", &dim, NULL);
}

static void
app_speculation_text_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (app_speculation_text_parent_class)->css_changed (widget, change);
  color_tags (APP_SPECULATION_TEXT (widget));
}

/* ---- Pointing ---- */

/* The piece at a character of the text as it is shown. */
static const AppMarked *
piece_at (AppSpeculationText *self, guint offset)
{
  guint at = 0;

  for (guint i = 0; self->pieces != NULL && i < self->pieces->len; i++)
    {
      const AppMarked *piece = &g_array_index (self->pieces, AppMarked, i);
      g_autofree char *shown = NULL;

      if (is_in_vain (piece->mark) && !self->show_rejected)
        continue;
      shown = dup_shown (piece);
      at += (guint)g_utf8_strlen (shown, -1);
      if (offset < at)
        return piece;
    }
  return NULL;
}

static gboolean
on_query_tooltip (GtkWidget *view, int x, int y, gboolean keyboard, GtkTooltip *tooltip,
                  gpointer data)
{
  AppSpeculationText *self = data;
  const AppMarked *piece;
  g_autofree char *words = NULL;
  GtkTextIter iter;
  int buffer_x, buffer_y;

  if (self->run == NULL || keyboard)
    return FALSE;
  gtk_text_view_window_to_buffer_coords (GTK_TEXT_VIEW (view), GTK_TEXT_WINDOW_WIDGET, x, y,
                                         &buffer_x, &buffer_y);
  if (!gtk_text_view_get_iter_at_location (GTK_TEXT_VIEW (view), &iter, buffer_x, buffer_y))
    return FALSE;
  piece = piece_at (self, (guint)gtk_text_iter_get_offset (&iter));
  if (piece == NULL || piece->round < 0)
    return FALSE;
  words = app_speculation_dup_round (eng_run_get_speculation (self->run), (guint)piece->round);
  gtk_tooltip_set_text (tooltip, words);
  return TRUE;
}

/* ---- Life ---- */

static void
app_speculation_text_dispose (GObject *object)
{
  AppSpeculationText *self = APP_SPECULATION_TEXT (object);

  g_clear_handle_id (&self->fit_id, g_source_remove);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_pointer (&self->pieces, g_array_unref);
  g_clear_object (&self->run);
  G_OBJECT_CLASS (app_speculation_text_parent_class)->dispose (object);
}

static void
app_speculation_text_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SHOW_REJECTED)
    g_value_set_boolean (value, APP_SPECULATION_TEXT (object)->show_rejected);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_speculation_text_set_property (GObject *object, guint id, const GValue *value,
                                   GParamSpec *pspec)
{
  if (id == PROP_SHOW_REJECTED)
    app_speculation_text_set_show_rejected (APP_SPECULATION_TEXT (object),
                                            g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_speculation_text_class_init (AppSpeculationTextClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = app_speculation_text_dispose;
  object_class->get_property = app_speculation_text_get_property;
  object_class->set_property = app_speculation_text_set_property;
  GTK_WIDGET_CLASS (klass)->css_changed = app_speculation_text_css_changed;
  props[PROP_SHOW_REJECTED]
      = g_param_spec_boolean ("show-rejected", NULL, NULL, TRUE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "speculation-text");
}

static void
make_tags (AppSpeculationText *self)
{
  self->tags[APP_MARK_OWN] = gtk_text_buffer_create_tag (self->buffer, "own", NULL);
  self->tags[APP_MARK_ACCEPTED] = gtk_text_buffer_create_tag (self->buffer, "accepted", "underline",
                                                              PANGO_UNDERLINE_SINGLE, NULL);
  self->tags[APP_MARK_REJECTED]
      = gtk_text_buffer_create_tag (self->buffer, "rejected", "strikethrough", TRUE, NULL);
  self->tags[APP_MARK_UNTESTED]
      = gtk_text_buffer_create_tag (self->buffer, "untested", "strikethrough", TRUE, "scale", 0.8,
                                    "style", PANGO_STYLE_ITALIC, NULL);
}

/* A sample of the mark, its name, and how many tokens there are. */
static void
add_legend (AppSpeculationText *self, AppMark mark, const char *name, const char *open,
            const char *close, const char *tip)
{
  GtkWidget *item = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  g_autofree char *label = g_strconcat (open, name, close, NULL);

  self->counts[mark] = g_object_new (GTK_TYPE_LABEL, "css-classes",
                                     (const char *[]){ "numeric", "heading", NULL }, NULL);
  gtk_box_append (GTK_BOX (item), self->counts[mark]);
  gtk_box_append (GTK_BOX (item),
                  g_object_new (GTK_TYPE_LABEL, "label", label, "use-markup", TRUE, NULL));
  gtk_widget_set_tooltip_text (item, tip);
  gtk_flow_box_append (GTK_FLOW_BOX (self->legend), item);
}

static void
make_legend (AppSpeculationText *self)
{
  self->legend = g_object_new (GTK_TYPE_FLOW_BOX, "selection-mode", GTK_SELECTION_NONE,
                               "max-children-per-line", 4, "min-children-per-line", 2,
                               "column-spacing", 6, "row-spacing", 2, NULL);
  add_legend (self, APP_MARK_ACCEPTED, _ ("accepted"), "<u>", "</u>",
              _ ("Drafted, and what the model chose itself"));
  add_legend (self, APP_MARK_REJECTED, _ ("rejected"), "<s>", "</s>",
              _ ("Drafted, compared with the model's choice, and another one"));
  add_legend (self, APP_MARK_UNTESTED, _ ("not compared"), "<s><i><small>", "</small></i></s>",
              _ ("Drafted behind a rejected token: the text went another way"));
  add_legend (
      self, APP_MARK_OWN, _ ("the model's own"), "", "",
      _ ("Not drafted: plain steps, and the token that every round adds to the accepted ones"));
}

static void
app_speculation_text_init (AppSpeculationText *self)
{
  self->show_rejected = TRUE;
  self->buffer = gtk_text_buffer_new (NULL);
  make_tags (self);
  self->view
      = g_object_new (GTK_TYPE_TEXT_VIEW, "buffer", self->buffer, "editable", FALSE,
                      "cursor-visible", FALSE, "wrap-mode", GTK_WRAP_WORD_CHAR, "left-margin", 10,
                      "right-margin", 10, "top-margin", 8, "bottom-margin", 8, "pixels-inside-wrap",
                      3, "has-tooltip", TRUE, NULL);
  g_object_unref (self->buffer);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Text with what was drafted"), -1);
  g_signal_connect_object (self->view, "query-tooltip", G_CALLBACK (on_query_tooltip), self, 0);
  self->scroller
      = g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", self->view, "min-content-height", LEAST_PX,
                      "hscrollbar-policy", GTK_POLICY_NEVER, "css-classes",
                      (const char *[]){ "text-card", NULL }, NULL);
  g_signal_connect_object (gtk_scrolled_window_get_vadjustment (
                               GTK_SCROLLED_WINDOW (self->scroller)),
                           "notify::upper", G_CALLBACK (fit_soon), self, G_CONNECT_SWAPPED);
  app_scroll_chain (self->scroller);
  make_legend (self);
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_box_append (GTK_BOX (self->box), self->legend);
  gtk_box_append (GTK_BOX (self->box), self->scroller);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  color_tags (self);
}

GtkWidget *
app_speculation_text_new (void)
{
  return g_object_new (APP_TYPE_SPECULATION_TEXT, NULL);
}

void
app_speculation_text_set_run (AppSpeculationText *self, EngRun *run)
{
  g_return_if_fail (APP_IS_SPECULATION_TEXT (self));
  g_return_if_fail (run == NULL || eng_run_get_speculation (run) != NULL);

  if (!g_set_object (&self->run, run))
    return;
  g_clear_pointer (&self->pieces, g_array_unref);
  if (run != NULL)
    self->pieces
        = app_speculation_make_text (eng_run_get_speculation (run), eng_run_get_text (run));
  count (self);
  fill (self);
}

void
app_speculation_text_set_show_rejected (AppSpeculationText *self, gboolean show)
{
  g_return_if_fail (APP_IS_SPECULATION_TEXT (self));

  if (self->show_rejected == !!show)
    return;
  self->show_rejected = !!show;
  fill (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SHOW_REJECTED]);
}
