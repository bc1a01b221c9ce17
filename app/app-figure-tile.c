/* The widget for one number with its interval and its difference. Used by the headline and the
 * comparison; knows nothing of runs. */
#include "app-figure-tile.h"

#include "app-config.h"

#include <glib/gi18n.h>
#include <math.h>

struct _AppFigureTile
{
  GtkWidget parent_instance;

  GtkWidget *title;
  GtkWidget *number;
  GtkWidget *unit;
  GtkWidget *below;
  GtkWidget *interval;
  GtkWidget *change;
  const char *change_style;
  char *against; /* NULL: the baseline */
  gboolean compact;
};

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_COMPACT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppFigureTile, app_figure_tile, GTK_TYPE_WIDGET)

static void
app_figure_tile_dispose (GObject *object)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_pointer (&APP_FIGURE_TILE (object)->against, g_free);
  G_OBJECT_CLASS (app_figure_tile_parent_class)->dispose (object);
}

static void
app_figure_tile_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  AppFigureTile *self = APP_FIGURE_TILE (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, gtk_label_get_label (GTK_LABEL (self->title)));
      break;
    case PROP_COMPACT:
      g_value_set_boolean (value, self->compact);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
app_figure_tile_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  AppFigureTile *self = APP_FIGURE_TILE (object);

  switch (id)
    {
    case PROP_TITLE:
      app_figure_tile_set_title (self, g_value_get_string (value));
      break;
    case PROP_COMPACT:
      app_figure_tile_set_compact (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
app_figure_tile_class_init (AppFigureTileClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->dispose = app_figure_tile_dispose;
  object_class->get_property = app_figure_tile_get_property;
  object_class->set_property = app_figure_tile_set_property;

  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", flags);
  props[PROP_COMPACT] = g_param_spec_boolean ("compact", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "figure-tile");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static GtkWidget *
make_label (const char *const *classes)
{
  return g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, "css-classes", classes, NULL);
}

static void
app_figure_tile_init (AppFigureTile *self)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 4);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (
                                      gtk_widget_get_layout_manager (GTK_WIDGET (self))),
                                  GTK_ORIENTATION_VERTICAL);

  self->below = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  self->title = make_label ((const char *[]){ "caption", "dim-label", NULL });
  gtk_label_set_ellipsize (GTK_LABEL (self->title), PANGO_ELLIPSIZE_END);
  self->number = make_label ((const char *[]){ "title-2", "numeric", "number", NULL });
  self->unit = make_label ((const char *[]){ "dim-label", NULL });
  gtk_widget_set_valign (self->number, GTK_ALIGN_BASELINE);
  gtk_widget_set_valign (self->unit, GTK_ALIGN_BASELINE);
  self->change = make_label ((const char *[]){ "caption-heading", "numeric", NULL });
  self->interval = make_label ((const char *[]){ "caption", "dim-label", "numeric", NULL });
  gtk_label_set_ellipsize (GTK_LABEL (self->interval), PANGO_ELLIPSIZE_END);

  gtk_box_append (GTK_BOX (row), self->number);
  gtk_box_append (GTK_BOX (row), self->unit);
  gtk_box_append (GTK_BOX (self->below), self->interval);
  gtk_box_append (GTK_BOX (self->below), self->change);
  gtk_widget_set_parent (self->title, GTK_WIDGET (self));
  gtk_widget_set_parent (row, GTK_WIDGET (self));
  gtk_widget_set_parent (self->below, GTK_WIDGET (self));
  gtk_widget_set_visible (self->change, FALSE);
}

GtkWidget *
app_figure_tile_new (const char *title)
{
  return g_object_new (APP_TYPE_FIGURE_TILE, "title", title, NULL);
}

void
app_figure_tile_set_title (AppFigureTile *self, const char *title)
{
  g_return_if_fail (APP_IS_FIGURE_TILE (self));

  if (g_strcmp0 (gtk_label_get_label (GTK_LABEL (self->title)), title) == 0)
    return;
  gtk_label_set_label (GTK_LABEL (self->title), title != NULL ? title : "");
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TITLE]);
}

void
app_figure_tile_set_what (AppFigureTile *self, const char *title, const char *tip)
{
  g_return_if_fail (APP_IS_FIGURE_TILE (self));

  app_figure_tile_set_title (self, title);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), tip);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, tip,
                                  -1);
}

void
app_figure_tile_set_against (AppFigureTile *self, const char *against)
{
  g_return_if_fail (APP_IS_FIGURE_TILE (self));

  g_free (self->against);
  self->against = g_strdup (against);
}

void
app_figure_tile_set_compact (AppFigureTile *self, gboolean compact)
{
  g_return_if_fail (APP_IS_FIGURE_TILE (self));

  if (self->compact == !!compact)
    return;
  self->compact = !!compact;
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->below),
                                  compact ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL);
  gtk_box_set_spacing (GTK_BOX (self->below), compact ? 0 : 6);
  /* Many digits, or a change of hundreds of per cent on a noisy machine, must not widen a narrow
   * window. */
  gtk_label_set_ellipsize (GTK_LABEL (self->change),
                           compact ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
  gtk_label_set_ellipsize (GTK_LABEL (self->unit),
                           compact ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
  gtk_widget_remove_css_class (self->number, compact ? "title-2" : "title-3");
  gtk_widget_add_css_class (self->number, compact ? "title-3" : "title-2");
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_COMPACT]);
}

static void
set_text (GtkWidget *label, const char *text)
{
  if (g_strcmp0 (gtk_label_get_label (GTK_LABEL (label)), text) != 0)
    gtk_label_set_label (GTK_LABEL (label), text);
}

/* While a model runs this is called several times a second, and a tooltip that is set again lays
 * the window out again. */
static void
set_tip (GtkWidget *widget, const char *text)
{
  if (g_strcmp0 (gtk_widget_get_tooltip_text (widget), text) != 0)
    gtk_widget_set_tooltip_text (widget, text);
}

static void
set_change (AppFigureTile *self, const AppChange *change)
{
  g_autofree char *text = NULL;
  g_autofree char *shown = NULL;
  g_autofree char *tip = NULL;
  g_autofree char *full = NULL;

  gtk_widget_set_visible (self->change, change != NULL && change->verdict != APP_CHANGE_NONE);
  if (change == NULL || change->verdict == APP_CHANGE_NONE)
    return;

  text = app_change_format (change);
  shown = g_strdup_printf ("%s %s", app_change_arrow (change), text);
  set_text (self->change, shown);

  if (self->change_style != NULL)
    gtk_widget_remove_css_class (self->change, self->change_style);
  self->change_style = app_change_style (change);
  gtk_widget_add_css_class (self->change, self->change_style);

  full = app_change_format_long (change);
  tip = g_strdup_printf (_ ("%s against %s: %s"), full,
                         self->against != NULL ? self->against : _ ("the baseline"),
                         app_change_words (change));
  set_tip (self->change, tip);
}

/* "estimate, 470–520": no interval of a measurement. */
static char *
dup_band (const EngFigure *figure)
{
  EngFigure sampled = *figure;
  g_autofree char *band = NULL;

  if (!isfinite (figure->low) || !isfinite (figure->high) || figure->low == figure->high)
    return g_strdup (_ ("estimate"));
  sampled.n = 1;
  band = app_figure_interval (&sampled);
  return g_strdup_printf (_ ("estimate, %s"), band);
}

static void
set_figure (AppFigureTile *self, const EngFigure *figure, const AppChange *change,
            gboolean estimated)
{
  g_autofree char *number = NULL;
  g_autofree char *unit = NULL;
  g_autofree char *interval = NULL;
  g_autofree char *spoken = NULL;
  g_autofree char *text = NULL;
  const char *title;

  app_figure_split (figure, &number, &unit);
  interval = estimated ? dup_band (figure) : app_figure_interval (figure);
  if (estimated)
    {
      g_autofree char *marked = g_strconcat ("~", number, NULL);

      set_text (self->number, marked);
      gtk_widget_add_css_class (self->number, "estimated");
    }
  else
    {
      set_text (self->number, number);
      gtk_widget_remove_css_class (self->number, "estimated");
    }
  set_text (self->unit, unit);
  set_text (self->interval, interval);
  set_tip (self->interval,
           estimated ? _ ("Expected from measured times of single operators and from how far off "
                          "earlier estimates were; not measured yet")
           : figure->n > 0 ? _ ("95 % interval of the median")
                           : figure->reason);
  set_change (self, change);

  title = gtk_label_get_label (GTK_LABEL (self->title));
  text = estimated ? g_strdup_printf ("%s%s, %s", number, unit, interval)
                   : eng_figure_format (figure);
  if (change != NULL && change->verdict != APP_CHANGE_NONE)
    spoken
        = g_strdup_printf ("%s: %s, %s", title, text, gtk_widget_get_tooltip_text (self->change));
  else
    spoken = g_strdup_printf ("%s: %s", title, text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
}

void
app_figure_tile_set (AppFigureTile *self, const EngFigure *figure, const AppChange *change)
{
  g_return_if_fail (APP_IS_FIGURE_TILE (self) && figure != NULL);
  set_figure (self, figure, change, FALSE);
}

void
app_figure_tile_set_estimate (AppFigureTile *self, const EngFigure *figure, const AppChange *change)
{
  g_return_if_fail (APP_IS_FIGURE_TILE (self) && figure != NULL);
  set_figure (self, figure, change, TRUE);
}
