/* PlotAxis: the one place where values become positions. Charts and layers ask it; it knows
 * neither. */

#include "plot-axis.h"

#include <math.h>

struct _PlotAxis
{
  GObject parent_instance;

  char *title;
  PlotUnit unit;
  PlotAxisKind kind;
  gboolean include_zero;
  double fixed_min, fixed_max;                  /* NaN: taken from the data */
  GHashTable *extents;                          /* source -> Extent */
  double data_min, data_max, data_min_positive; /* their union; min > max: no data */
  gboolean following;
  double view_min, view_max; /* while not following */
};

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_KIND,
  PROP_VIEW_MIN,
  PROP_VIEW_MAX,
  PROP_INCLUDE_ZERO,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint signal_changed;

G_DEFINE_TYPE (PlotAxis, plot_axis, G_TYPE_OBJECT)
G_DEFINE_ENUM_TYPE (PlotAxisKind, plot_axis_kind, G_DEFINE_ENUM_VALUE (PLOT_AXIS_LINEAR, "linear"),
                    G_DEFINE_ENUM_VALUE (PLOT_AXIS_LOG, "log"))

static double
forward (PlotAxisKind kind, double value)
{
  if (kind == PLOT_AXIS_LOG)
    return value > 0 ? log10 (value) : NAN;
  return value;
}

static double
backward (PlotAxisKind kind, double value)
{
  return kind == PLOT_AXIS_LOG ? pow (10, value) : value;
}

static void
axis_changed (PlotAxis *self)
{
  g_signal_emit (self, signal_changed, 0);
}

static void
view_changed (PlotAxis *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_VIEW_MIN]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_VIEW_MAX]);
  axis_changed (self);
}

static void
plot_axis_finalize (GObject *object)
{
  g_hash_table_unref (PLOT_AXIS (object)->extents);
  g_free (PLOT_AXIS (object)->title);
  G_OBJECT_CLASS (plot_axis_parent_class)->finalize (object);
}

static void
plot_axis_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PlotAxis *self = PLOT_AXIS (object);
  double min, max;

  plot_axis_get_view (self, &min, &max);
  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_KIND:
      g_value_set_enum (value, self->kind);
      break;
    case PROP_VIEW_MIN:
      g_value_set_double (value, min);
      break;
    case PROP_VIEW_MAX:
      g_value_set_double (value, max);
      break;
    case PROP_INCLUDE_ZERO:
      g_value_set_boolean (value, self->include_zero);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
plot_axis_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PlotAxis *self = PLOT_AXIS (object);

  switch (id)
    {
    case PROP_TITLE:
      plot_axis_set_title (self, g_value_get_string (value));
      break;
    case PROP_KIND:
      plot_axis_set_kind (self, g_value_get_enum (value));
      break;
    case PROP_INCLUDE_ZERO:
      plot_axis_set_include_zero (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
plot_axis_class_init (PlotAxisClass *klass)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  const GParamFlags ro = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = plot_axis_finalize;
  object_class->get_property = plot_axis_get_property;
  object_class->set_property = plot_axis_set_property;
  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", rw);
  props[PROP_KIND]
      = g_param_spec_enum ("kind", NULL, NULL, PLOT_TYPE_AXIS_KIND, PLOT_AXIS_LINEAR, rw);
  props[PROP_VIEW_MIN]
      = g_param_spec_double ("view-min", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, 0, ro);
  props[PROP_VIEW_MAX]
      = g_param_spec_double ("view-max", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, 1, ro);
  props[PROP_INCLUDE_ZERO] = g_param_spec_boolean ("include-zero", NULL, NULL, FALSE, rw);
  g_object_class_install_properties (object_class, N_PROPS, props);
  signal_changed = g_signal_new ("changed", PLOT_TYPE_AXIS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);
}

static void
plot_axis_init (PlotAxis *self)
{
  self->title = g_strdup ("");
  self->extents = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->unit = PLOT_UNIT_PLAIN;
  self->fixed_min = self->fixed_max = NAN;
  self->data_min = self->data_min_positive = INFINITY;
  self->data_max = -INFINITY;
  self->following = TRUE;
}

PlotAxis *
plot_axis_new (const char *title, const PlotUnit *unit)
{
  PlotAxis *self = g_object_new (PLOT_TYPE_AXIS, "title", title != NULL ? title : "", NULL);

  if (unit != NULL)
    self->unit = *unit;
  return self;
}

const char *
plot_axis_get_title (PlotAxis *self)
{
  g_return_val_if_fail (PLOT_IS_AXIS (self), NULL);
  return self->title;
}

void
plot_axis_set_title (PlotAxis *self, const char *title)
{
  g_return_if_fail (PLOT_IS_AXIS (self));

  title = title != NULL ? title : "";
  if (g_str_equal (title, self->title))
    return;
  g_free (self->title);
  self->title = g_strdup (title);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TITLE]);
  axis_changed (self);
}

const PlotUnit *
plot_axis_get_unit (PlotAxis *self)
{
  g_return_val_if_fail (PLOT_IS_AXIS (self), NULL);
  return &self->unit;
}

void
plot_axis_set_unit (PlotAxis *self, const PlotUnit *unit)
{
  g_return_if_fail (PLOT_IS_AXIS (self) && unit != NULL);
  self->unit = *unit;
  axis_changed (self);
}

PlotAxisKind
plot_axis_get_kind (PlotAxis *self)
{
  g_return_val_if_fail (PLOT_IS_AXIS (self), PLOT_AXIS_LINEAR);
  return self->kind;
}

void
plot_axis_set_kind (PlotAxis *self, PlotAxisKind kind)
{
  g_return_if_fail (PLOT_IS_AXIS (self));

  if (kind == self->kind)
    return;
  self->kind = kind;
  self->following = TRUE; /* the old view may have no place on the new axis */
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_KIND]);
  view_changed (self);
}

gboolean
plot_axis_get_include_zero (PlotAxis *self)
{
  g_return_val_if_fail (PLOT_IS_AXIS (self), FALSE);
  return self->include_zero;
}

void
plot_axis_set_include_zero (PlotAxis *self, gboolean include_zero)
{
  g_return_if_fail (PLOT_IS_AXIS (self));

  include_zero = !!include_zero;
  if (include_zero == self->include_zero)
    return;
  self->include_zero = include_zero;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_INCLUDE_ZERO]);
  view_changed (self);
}

/* --- ranges --- */

static gboolean
same (double a, double b)
{
  return a == b || (isnan (a) && isnan (b));
}

void
plot_axis_set_bounds (PlotAxis *self, double min, double max)
{
  g_return_if_fail (PLOT_IS_AXIS (self));
  g_return_if_fail (!(min >= max)); /* NaN ends pass */

  if (same (min, self->fixed_min) && same (max, self->fixed_max))
    return;
  self->fixed_min = min;
  self->fixed_max = max;
  view_changed (self);
}

typedef struct
{
  double min, max, min_positive;
} Extent;

static void
join_extents (PlotAxis *self, double *min, double *max, double *min_positive)
{
  GHashTableIter iter;
  gpointer value;

  *min = *min_positive = INFINITY;
  *max = -INFINITY;
  g_hash_table_iter_init (&iter, self->extents);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Extent *extent = value;

      *min = fmin (*min, extent->min);
      *max = fmax (*max, extent->max);
      *min_positive = fmin (*min_positive, extent->min_positive);
    }
}

void
plot_axis_set_data_extent (PlotAxis *self, gconstpointer source, double min, double max,
                           double min_positive)
{
  g_return_if_fail (PLOT_IS_AXIS (self));

  if (min <= max)
    {
      Extent *extent = g_new (Extent, 1);

      *extent = (Extent){ min, max, min_positive };
      g_hash_table_insert (self->extents, (gpointer)source, extent);
    }
  else
    g_hash_table_remove (self->extents, source);
  join_extents (self, &min, &max, &min_positive);

  if (same (min, self->data_min) && same (max, self->data_max)
      && same (min_positive, self->data_min_positive))
    return;
  self->data_min = min;
  self->data_max = max;
  self->data_min_positive = min_positive;
  view_changed (self);
}

/* An end that the data give keeps a little air, so that marks at the edge are whole. */
void
plot_axis_get_bounds (PlotAxis *self, double *min, double *max)
{
  const double air = 0.03;
  gboolean log_kind;
  double lo, hi, span;

  g_return_if_fail (PLOT_IS_AXIS (self));

  log_kind = self->kind == PLOT_AXIS_LOG;
  lo = log_kind ? self->data_min_positive : self->data_min;
  hi = self->data_max;
  if (!(lo <= hi) || !isfinite (lo) || !isfinite (hi))
    {
      lo = log_kind ? 1 : 0;
      hi = log_kind ? 10 : 1;
    }
  if (self->include_zero && !log_kind)
    {
      lo = MIN (lo, 0);
      hi = MAX (hi, 0);
    }

  lo = forward (self->kind, lo);
  hi = forward (self->kind, hi);
  span = hi - lo;
  if (!(span > fabs (hi) * 1e-12)) /* one value only: some room around it */
    span = log_kind ? 1 : fabs (hi) > 0 ? fabs (hi) : 1;
  if (!(self->include_zero && lo == 0))
    lo -= span * air;
  if (!(self->include_zero && hi == 0))
    hi += span * air;
  lo = backward (self->kind, lo);
  hi = backward (self->kind, hi);

  if (!isnan (self->fixed_min) && (!log_kind || self->fixed_min > 0))
    lo = self->fixed_min;
  if (!isnan (self->fixed_max) && (!log_kind || self->fixed_max > 0))
    hi = self->fixed_max;
  if (!(lo < hi)) /* one end fixed beyond the data */
    hi = log_kind ? lo * 10 : lo + 1;
  *min = lo;
  *max = hi;
}

void
plot_axis_get_view (PlotAxis *self, double *min, double *max)
{
  g_return_if_fail (PLOT_IS_AXIS (self));

  if (self->following)
    {
      plot_axis_get_bounds (self, min, max);
      return;
    }
  *min = self->view_min;
  *max = self->view_max;
}

void
plot_axis_set_view (PlotAxis *self, double min, double max)
{
  double lo, hi, a, b, span, length, middle;

  g_return_if_fail (PLOT_IS_AXIS (self));
  g_return_if_fail (isfinite (min) && isfinite (max) && min < max);
  g_return_if_fail (self->kind == PLOT_AXIS_LINEAR || min > 0);

  plot_axis_get_bounds (self, &lo, &hi);
  lo = forward (self->kind, lo);
  hi = forward (self->kind, hi);
  a = forward (self->kind, min);
  b = forward (self->kind, max);
  span = hi - lo;

  length = MIN (b - a, 2 * span);
  /* Half of the view may leave the data, so that its ends can be brought to the middle. */
  middle = CLAMP ((a + b) / 2, lo, hi);
  if (middle != (a + b) / 2 || length != b - a)
    {
      a = middle - length / 2;
      b = middle + length / 2;
    }
  self->view_min = backward (self->kind, a);
  self->view_max = backward (self->kind, b);
  self->following = FALSE;
  view_changed (self);
}

void
plot_axis_reset_view (PlotAxis *self)
{
  g_return_if_fail (PLOT_IS_AXIS (self));

  if (self->following)
    return;
  self->following = TRUE;
  view_changed (self);
}

gboolean
plot_axis_get_following (PlotAxis *self)
{
  g_return_val_if_fail (PLOT_IS_AXIS (self), TRUE);
  return self->following;
}

void
plot_axis_zoom (PlotAxis *self, double factor, double frac)
{
  double min, max, a, b, at, length;

  g_return_if_fail (PLOT_IS_AXIS (self) && factor > 0 && isfinite (factor));

  plot_axis_get_view (self, &min, &max);
  a = forward (self->kind, min);
  b = forward (self->kind, max);
  at = a + (b - a) * frac;
  length = (b - a) / factor;
  /* Below this the ends of the view are the same double for practical purposes. */
  if (length < 1e-10 * fmax (fabs (at), 1e-200))
    return;
  plot_axis_set_view (self, backward (self->kind, at - length * frac),
                      backward (self->kind, at + length * (1 - frac)));
}

void
plot_axis_pan (PlotAxis *self, double frac)
{
  double min, max, a, b;

  g_return_if_fail (PLOT_IS_AXIS (self) && isfinite (frac));

  plot_axis_get_view (self, &min, &max);
  a = forward (self->kind, min);
  b = forward (self->kind, max);
  plot_axis_set_view (self, backward (self->kind, a + (b - a) * frac),
                      backward (self->kind, b + (b - a) * frac));
}

double
plot_axis_normalise (PlotAxis *self, double value)
{
  PlotScale scale;

  plot_axis_get_scale (self, 0, 1, &scale);
  return plot_scale_to_px (&scale, value);
}

double
plot_axis_denormalise (PlotAxis *self, double frac)
{
  PlotScale scale;

  plot_axis_get_scale (self, 0, 1, &scale);
  return plot_scale_from_px (&scale, frac);
}

/* --- scale --- */

void
plot_axis_get_scale (PlotAxis *self, double px0, double px1, PlotScale *scale)
{
  g_return_if_fail (PLOT_IS_AXIS (self));

  scale->kind = self->kind;
  plot_axis_get_view (self, &scale->min, &scale->max);
  scale->px0 = px0;
  scale->px1 = px1;
}

double
plot_scale_to_px (const PlotScale *scale, double value)
{
  double a = forward (scale->kind, scale->min), b = forward (scale->kind, scale->max);

  return scale->px0 + (forward (scale->kind, value) - a) / (b - a) * (scale->px1 - scale->px0);
}

double
plot_scale_from_px (const PlotScale *scale, double px)
{
  double a = forward (scale->kind, scale->min), b = forward (scale->kind, scale->max);

  return backward (scale->kind, a + (px - scale->px0) / (scale->px1 - scale->px0) * (b - a));
}
