/* The selection that the views of one window share. Every view listens to it and writes to it; it
 * knows none of them. */
#include "app-selection.h"

struct _AppSelection
{
  GObject parent_instance;

  int layer;
  char *node;
  RtPhase phase;
};

enum
{
  PROP_0,
  PROP_LAYER,
  PROP_NODE,
  PROP_PHASE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppSelection, app_selection, G_TYPE_OBJECT)

static void
app_selection_finalize (GObject *object)
{
  AppSelection *self = APP_SELECTION (object);

  g_free (self->node);
  G_OBJECT_CLASS (app_selection_parent_class)->finalize (object);
}

static void
app_selection_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  AppSelection *self = APP_SELECTION (object);

  switch (id)
    {
    case PROP_LAYER:
      g_value_set_int (value, self->layer);
      break;
    case PROP_NODE:
      g_value_set_string (value, self->node);
      break;
    case PROP_PHASE:
      g_value_set_int (value, (int)self->phase);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
app_selection_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  AppSelection *self = APP_SELECTION (object);

  switch (id)
    {
    case PROP_LAYER:
      app_selection_set_layer (self, g_value_get_int (value));
      break;
    case PROP_NODE:
      app_selection_set_node (self, self->layer, g_value_get_string (value));
      break;
    case PROP_PHASE:
      app_selection_set_phase (self, (RtPhase)g_value_get_int (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
app_selection_class_init (AppSelectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = app_selection_finalize;
  object_class->get_property = app_selection_get_property;
  object_class->set_property = app_selection_set_property;

  props[PROP_LAYER]
      = g_param_spec_int ("layer", NULL, NULL, G_MININT, G_MAXINT, APP_LAYER_NONE, flags);
  props[PROP_NODE] = g_param_spec_string ("node", NULL, NULL, NULL, flags);
  props[PROP_PHASE] = g_param_spec_int ("phase", NULL, NULL, RT_PHASE_PREFILL, RT_N_PHASES - 1,
                                        RT_PHASE_DECODE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
app_selection_init (AppSelection *self)
{
  self->layer = APP_LAYER_NONE;
  self->phase = RT_PHASE_DECODE;
}

AppSelection *
app_selection_new (void)
{
  return g_object_new (APP_TYPE_SELECTION, NULL);
}

int
app_selection_get_layer (AppSelection *self)
{
  g_return_val_if_fail (APP_IS_SELECTION (self), APP_LAYER_NONE);
  return self->layer;
}

const char *
app_selection_get_node (AppSelection *self)
{
  g_return_val_if_fail (APP_IS_SELECTION (self), NULL);
  return self->node;
}

RtPhase
app_selection_get_phase (AppSelection *self)
{
  g_return_val_if_fail (APP_IS_SELECTION (self), RT_PHASE_DECODE);
  return self->phase;
}

void
app_selection_set_layer (AppSelection *self, int layer)
{
  g_return_if_fail (APP_IS_SELECTION (self));
  app_selection_set_node (self, layer, layer == self->layer ? self->node : NULL);
}

void
app_selection_set_node (AppSelection *self, int layer, const char *node)
{
  gboolean new_layer, new_node;

  g_return_if_fail (APP_IS_SELECTION (self));

  new_layer = layer != self->layer;
  new_node = g_strcmp0 (node, self->node) != 0;
  g_object_freeze_notify (G_OBJECT (self));
  if (new_layer)
    {
      self->layer = layer;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_LAYER]);
    }
  if (new_node)
    {
      char *copy = g_strdup (node); /* @node may be our own */

      g_free (self->node);
      self->node = copy;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_NODE]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

void
app_selection_set_phase (AppSelection *self, RtPhase phase)
{
  g_return_if_fail (APP_IS_SELECTION (self));
  g_return_if_fail (phase < RT_N_PHASES);

  if (self->phase == phase)
    return;
  self->phase = phase;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PHASE]);
}
