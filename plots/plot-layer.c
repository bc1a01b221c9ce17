/* PlotLayer: a series with a way to draw it. The ways are tables of functions, one file each
 * (plot-layer-line.c and its neighbours); this file only keeps what all of them need. */

#include "plot-layer.h"

#include <math.h>

struct _PlotLayer
{
  GObject parent_instance;

  const PlotLayerKind *kind;
  PlotSeries *series;
  gulong series_handler;
  char *title; /* NULL: the name of the series */
  gboolean visible;
  int color;
  PlotShape shape;
  guint dash;
  gpointer data;
  GDestroyNotify destroy_data;
  guint64 generation;
};

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_VISIBLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint signal_changed;

G_DEFINE_TYPE (PlotLayer, plot_layer, G_TYPE_OBJECT)

static void
plot_layer_finalize (GObject *object)
{
  PlotLayer *self = PLOT_LAYER (object);

  if (self->series != NULL)
    g_signal_handler_disconnect (self->series, self->series_handler);
  g_clear_object (&self->series);
  if (self->destroy_data != NULL)
    self->destroy_data (self->data);
  g_free (self->title);
  G_OBJECT_CLASS (plot_layer_parent_class)->finalize (object);
}

static void
plot_layer_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PlotLayer *self = PLOT_LAYER (object);

  if (id == PROP_TITLE)
    g_value_set_string (value, plot_layer_get_title (self));
  else if (id == PROP_VISIBLE)
    g_value_set_boolean (value, self->visible);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
plot_layer_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotLayer *self = PLOT_LAYER (object);

  if (id == PROP_TITLE)
    plot_layer_set_title (self, g_value_get_string (value));
  else if (id == PROP_VISIBLE)
    plot_layer_set_visible (self, g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
plot_layer_class_init (PlotLayerClass *klass)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = plot_layer_finalize;
  object_class->get_property = plot_layer_get_property;
  object_class->set_property = plot_layer_set_property;
  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", rw);
  props[PROP_VISIBLE] = g_param_spec_boolean ("visible", NULL, NULL, TRUE, rw);
  g_object_class_install_properties (object_class, N_PROPS, props);
  signal_changed = g_signal_new ("changed", PLOT_TYPE_LAYER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);
}

static void
plot_layer_init (PlotLayer *self)
{
  self->kind = &plot_layer_line;
  self->visible = TRUE;
  self->color = -1;
}

PlotLayer *
plot_layer_new (const PlotLayerKind *kind, PlotSeries *series)
{
  PlotLayer *self;

  g_return_val_if_fail (kind != NULL && PLOT_IS_SERIES (series), NULL);

  self = g_object_new (PLOT_TYPE_LAYER, NULL);
  self->kind = kind;
  self->series = g_object_ref (series);
  self->series_handler
      = g_signal_connect_swapped (series, "changed", G_CALLBACK (plot_layer_changed), self);
  return self;
}

void
plot_layer_changed (PlotLayer *self)
{
  g_return_if_fail (PLOT_IS_LAYER (self));
  self->generation++;
  g_signal_emit (self, signal_changed, 0);
}

guint64
plot_layer_get_generation (PlotLayer *self)
{
  g_return_val_if_fail (PLOT_IS_LAYER (self), 0);
  /* Both only grow, so their sum changes with either. */
  return self->generation + (self->series != NULL ? plot_series_get_generation (self->series) : 0);
}

const PlotLayerKind *
plot_layer_get_kind (PlotLayer *self)
{
  g_return_val_if_fail (PLOT_IS_LAYER (self), NULL);
  return self->kind;
}

PlotSeries *
plot_layer_get_series (PlotLayer *self)
{
  g_return_val_if_fail (PLOT_IS_LAYER (self), NULL);
  return self->series;
}

const char *
plot_layer_get_title (PlotLayer *self)
{
  g_return_val_if_fail (PLOT_IS_LAYER (self), NULL);
  if (self->title != NULL)
    return self->title;
  return self->series != NULL ? plot_series_get_name (self->series) : "";
}

void
plot_layer_set_title (PlotLayer *self, const char *title)
{
  g_return_if_fail (PLOT_IS_LAYER (self));

  if (g_strcmp0 (title, self->title) == 0)
    return;
  g_free (self->title);
  self->title = g_strdup (title);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TITLE]);
  plot_layer_changed (self);
}

gboolean
plot_layer_get_visible (PlotLayer *self)
{
  g_return_val_if_fail (PLOT_IS_LAYER (self), FALSE);
  return self->visible;
}

void
plot_layer_set_visible (PlotLayer *self, gboolean visible)
{
  g_return_if_fail (PLOT_IS_LAYER (self));

  visible = !!visible;
  if (visible == self->visible)
    return;
  self->visible = visible;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_VISIBLE]);
  plot_layer_changed (self);
}

int
plot_layer_get_color (PlotLayer *self)
{
  g_return_val_if_fail (PLOT_IS_LAYER (self), -1);
  return self->color;
}

void
plot_layer_set_color (PlotLayer *self, int color)
{
  g_return_if_fail (PLOT_IS_LAYER (self) && color >= -1);
  self->color = color;
  plot_layer_changed (self);
}

PlotShape
plot_layer_get_shape (PlotLayer *self)
{
  g_return_val_if_fail (PLOT_IS_LAYER (self), PLOT_SHAPE_CIRCLE);
  return self->shape;
}

void
plot_layer_set_shape (PlotLayer *self, PlotShape shape)
{
  g_return_if_fail (PLOT_IS_LAYER (self) && shape < PLOT_N_SHAPES);
  self->shape = shape;
  plot_layer_changed (self);
}

guint
plot_layer_get_dash (PlotLayer *self)
{
  g_return_val_if_fail (PLOT_IS_LAYER (self), 0);
  return self->dash;
}

void
plot_layer_set_dash (PlotLayer *self, guint dash)
{
  g_return_if_fail (PLOT_IS_LAYER (self));
  self->dash = dash;
  plot_layer_changed (self);
}

gpointer
plot_layer_get_data (PlotLayer *self)
{
  g_return_val_if_fail (PLOT_IS_LAYER (self), NULL);
  return self->data;
}

void
plot_layer_set_data (PlotLayer *self, gpointer data, GDestroyNotify destroy)
{
  g_return_if_fail (PLOT_IS_LAYER (self));
  if (self->destroy_data != NULL)
    self->destroy_data (self->data);
  self->data = data;
  self->destroy_data = destroy;
  plot_layer_changed (self);
}
