/* A bin that tells how wide it is in three steps. The window rearranges itself when the step
 * changes; this file knows nothing of how. */
#include "app-breakpoint.h"

#define MIN_WIDTH_PX 360
#define MEDIUM_WIDTH_PX 860
#define WIDE_WIDTH_PX 1100
#define SPACIOUS_WIDTH_PX 1600

struct _AppBreakpoint
{
  GtkWidget parent_instance;

  GtkWidget *child;
  AppWidth width_class;
  AppWidth next;
  gboolean spacious, next_spacious;
  guint idle_id;
};

enum
{
  PROP_0,
  PROP_CHILD,
  PROP_WIDTH_CLASS,
  PROP_SPACIOUS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static GtkBuildableIface *parent_buildable;
static void buildable_init (GtkBuildableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppBreakpoint, app_breakpoint, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_BUILDABLE, buildable_init))

static gboolean
apply_next (gpointer data)
{
  AppBreakpoint *self = data;

  self->idle_id = 0;
  if (self->next != self->width_class)
    {
      self->width_class = self->next;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_WIDTH_CLASS]);
    }
  if (self->next_spacious != self->spacious)
    {
      self->spacious = self->next_spacious;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SPACIOUS]);
    }
  return G_SOURCE_REMOVE;
}

static void
app_breakpoint_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                        int *natural, int *minimum_baseline, int *natural_baseline)
{
  AppBreakpoint *self = APP_BREAKPOINT (widget);
  int min_width, child_min, child_nat;

  *minimum_baseline = *natural_baseline = -1;
  if (self->child == NULL)
    {
      *minimum = *natural = 0;
      return;
    }
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      gtk_widget_measure (self->child, orientation, for_size, &child_min, &child_nat, NULL, NULL);
      *minimum = MIN_WIDTH_PX;
      *natural = MAX (child_nat, MIN_WIDTH_PX);
      return;
    }
  gtk_widget_measure (self->child, GTK_ORIENTATION_HORIZONTAL, -1, &min_width, NULL, NULL, NULL);
  if (for_size >= 0)
    for_size = MAX (for_size, min_width);
  gtk_widget_measure (self->child, orientation, for_size, minimum, natural, NULL, NULL);
}

static void
app_breakpoint_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  AppBreakpoint *self = APP_BREAKPOINT (widget);
  int min_width;

  self->next = width >= WIDE_WIDTH_PX     ? APP_WIDTH_WIDE
               : width >= MEDIUM_WIDTH_PX ? APP_WIDTH_MEDIUM
                                          : APP_WIDTH_COMPACT;
  self->next_spacious = width >= SPACIOUS_WIDTH_PX;
  /* Widgets must not come and go while sizes are given out. */
  if ((self->next != self->width_class || self->next_spacious != self->spacious)
      && self->idle_id == 0)
    self->idle_id = g_idle_add_full (G_PRIORITY_HIGH_IDLE, apply_next, self, NULL);

  if (self->child == NULL)
    return;
  gtk_widget_measure (self->child, GTK_ORIENTATION_HORIZONTAL, -1, &min_width, NULL, NULL, NULL);
  gtk_widget_allocate (self->child, MAX (width, min_width), height, baseline, NULL);
}

static void
app_breakpoint_dispose (GObject *object)
{
  AppBreakpoint *self = APP_BREAKPOINT (object);

  g_clear_handle_id (&self->idle_id, g_source_remove);
  g_clear_pointer (&self->child, gtk_widget_unparent);
  G_OBJECT_CLASS (app_breakpoint_parent_class)->dispose (object);
}

static void
app_breakpoint_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  AppBreakpoint *self = APP_BREAKPOINT (object);

  switch (id)
    {
    case PROP_CHILD:
      g_value_set_object (value, self->child);
      break;
    case PROP_WIDTH_CLASS:
      g_value_set_int (value, (int)self->width_class);
      break;
    case PROP_SPACIOUS:
      g_value_set_boolean (value, self->spacious);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
app_breakpoint_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  switch (id)
    {
    case PROP_CHILD:
      app_breakpoint_set_child (APP_BREAKPOINT (object), g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
app_breakpoint_class_init (AppBreakpointClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_breakpoint_dispose;
  object_class->get_property = app_breakpoint_get_property;
  object_class->set_property = app_breakpoint_set_property;
  widget_class->measure = app_breakpoint_measure;
  widget_class->size_allocate = app_breakpoint_size_allocate;

  props[PROP_CHILD]
      = g_param_spec_object ("child", NULL, NULL, GTK_TYPE_WIDGET,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  props[PROP_WIDTH_CLASS]
      = g_param_spec_int ("width-class", NULL, NULL, APP_WIDTH_COMPACT, APP_WIDTH_WIDE,
                          APP_WIDTH_WIDE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  props[PROP_SPACIOUS] = g_param_spec_boolean ("spacious", NULL, NULL, FALSE,
                                               G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
app_breakpoint_init (AppBreakpoint *self)
{
  self->width_class = self->next = APP_WIDTH_WIDE;
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
}

static void
add_child (GtkBuildable *buildable, GtkBuilder *builder, GObject *child, const char *type)
{
  if (GTK_IS_WIDGET (child))
    app_breakpoint_set_child (APP_BREAKPOINT (buildable), GTK_WIDGET (child));
  else
    parent_buildable->add_child (buildable, builder, child, type);
}

static void
buildable_init (GtkBuildableIface *iface)
{
  parent_buildable = g_type_interface_peek_parent (iface);
  iface->add_child = add_child;
}

GtkWidget *
app_breakpoint_new (void)
{
  return g_object_new (APP_TYPE_BREAKPOINT, NULL);
}

AppWidth
app_breakpoint_get_width_class (AppBreakpoint *self)
{
  g_return_val_if_fail (APP_IS_BREAKPOINT (self), APP_WIDTH_WIDE);
  return self->width_class;
}

gboolean
app_breakpoint_get_spacious (AppBreakpoint *self)
{
  g_return_val_if_fail (APP_IS_BREAKPOINT (self), FALSE);
  return self->spacious;
}

void
app_breakpoint_set_child (AppBreakpoint *self, GtkWidget *child)
{
  g_return_if_fail (APP_IS_BREAKPOINT (self));
  g_return_if_fail (child == NULL || GTK_IS_WIDGET (child));

  if (child == self->child)
    return;
  g_clear_pointer (&self->child, gtk_widget_unparent);
  if (child != NULL)
    {
      self->child = child;
      gtk_widget_set_parent (child, GTK_WIDGET (self));
    }
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CHILD]);
}
