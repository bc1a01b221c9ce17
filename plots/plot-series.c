/* PlotSeries: columns of numbers that grow at their end, with a pyramid over each column that is
 * asked for ranges. Layers read it; nothing here draws. */

#include "plot-series.h"

#include <math.h>
#include "plot-pyramid.h"

typedef struct
{
  double *values; /* NULL while the column is not used */
  PlotPyramid *pyramid;
  double min_positive; /* over the first n_scanned values */
  gsize n_scanned;
} ColumnData;

struct _PlotSeries
{
  GObject parent_instance;

  char *name;
  gboolean regular;
  double x0, dx; /* regular */
  gsize n, room;
  ColumnData columns[PLOT_N_COLUMNS];
  gboolean sorted;
  guint64 generation, generation_seen;
  GHashTable *labels;    /* index -> char *; NULL while there is none */
  GHashTable *estimates; /* set of indices */
  GHashTable *facts;     /* index -> GPtrArray of char *: names and values in turn */
};

enum
{
  PROP_0,
  PROP_NAME,
  PROP_N_POINTS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint signal_changed;

G_DEFINE_TYPE (PlotSeries, plot_series, G_TYPE_OBJECT)

/* A burst of changes emits once: the next emission waits until somebody has looked. */
static void
series_changed (PlotSeries *self)
{
  gboolean emit = self->generation == self->generation_seen;

  self->generation++;
  if (emit)
    g_signal_emit (self, signal_changed, 0);
}

static void
plot_series_finalize (GObject *object)
{
  PlotSeries *self = PLOT_SERIES (object);

  for (guint c = 0; c < PLOT_N_COLUMNS; c++)
    {
      g_free (self->columns[c].values);
      plot_pyramid_free (self->columns[c].pyramid);
    }
  g_clear_pointer (&self->labels, g_hash_table_unref);
  g_clear_pointer (&self->estimates, g_hash_table_unref);
  g_clear_pointer (&self->facts, g_hash_table_unref);
  g_free (self->name);
  G_OBJECT_CLASS (plot_series_parent_class)->finalize (object);
}

static void
plot_series_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  PlotSeries *self = PLOT_SERIES (object);

  switch (id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_N_POINTS:
      g_value_set_uint64 (value, self->n);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
plot_series_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_NAME)
    plot_series_set_name (PLOT_SERIES (object), g_value_get_string (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
plot_series_class_init (PlotSeriesClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = plot_series_finalize;
  object_class->get_property = plot_series_get_property;
  object_class->set_property = plot_series_set_property;
  props[PROP_NAME]
      = g_param_spec_string ("name", NULL, NULL, "",
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  props[PROP_N_POINTS] = g_param_spec_uint64 ("n-points", NULL, NULL, 0, G_MAXUINT64, 0,
                                              G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
  signal_changed = g_signal_new ("changed", PLOT_TYPE_SERIES, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
}

static void
plot_series_init (PlotSeries *self)
{
  self->name = g_strdup ("");
  self->sorted = TRUE;
  self->dx = 1;
  for (guint c = 0; c < PLOT_N_COLUMNS; c++)
    self->columns[c].min_positive = INFINITY;
}

PlotSeries *
plot_series_new (const char *name)
{
  return g_object_new (PLOT_TYPE_SERIES, "name", name != NULL ? name : "", NULL);
}

PlotSeries *
plot_series_new_regular (const char *name, double x0, double dx)
{
  PlotSeries *self;

  g_return_val_if_fail (isfinite (x0) && dx > 0 && isfinite (dx), NULL);

  self = plot_series_new (name);
  self->regular = TRUE;
  self->x0 = x0;
  self->dx = dx;
  return self;
}

const char *
plot_series_get_name (PlotSeries *self)
{
  g_return_val_if_fail (PLOT_IS_SERIES (self), NULL);
  return self->name;
}

void
plot_series_set_name (PlotSeries *self, const char *name)
{
  g_return_if_fail (PLOT_IS_SERIES (self));

  name = name != NULL ? name : "";
  if (g_str_equal (name, self->name))
    return;
  g_free (self->name);
  self->name = g_strdup (name);
  series_changed (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_NAME]);
}

gsize
plot_series_get_n (PlotSeries *self)
{
  g_return_val_if_fail (PLOT_IS_SERIES (self), 0);
  return self->n;
}

guint64
plot_series_get_generation (PlotSeries *self)
{
  g_return_val_if_fail (PLOT_IS_SERIES (self), 0);
  self->generation_seen = self->generation;
  return self->generation;
}

/* --- growing --- */

void
plot_series_clear (PlotSeries *self)
{
  g_return_if_fail (PLOT_IS_SERIES (self));

  for (guint c = 0; c < PLOT_N_COLUMNS; c++)
    {
      ColumnData *column = &self->columns[c];

      if (column->pyramid != NULL)
        plot_pyramid_reset (column->pyramid);
      column->n_scanned = 0;
      column->min_positive = INFINITY;
    }
  g_clear_pointer (&self->labels, g_hash_table_unref);
  g_clear_pointer (&self->estimates, g_hash_table_unref);
  g_clear_pointer (&self->facts, g_hash_table_unref);
  self->n = 0;
  self->sorted = TRUE;
  series_changed (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_N_POINTS]);
}

static gboolean
column_in_use (PlotSeries *self, PlotColumn c)
{
  if (c == PLOT_COLUMN_X)
    return !self->regular;
  return c == PLOT_COLUMN_Y || self->columns[c].values != NULL;
}

void
plot_series_reserve (PlotSeries *self, gsize n)
{
  g_return_if_fail (PLOT_IS_SERIES (self));

  if (n <= self->room)
    return;
  for (int c = 0; c < PLOT_N_COLUMNS; c++)
    if (column_in_use (self, c))
      self->columns[c].values = g_renew (double, self->columns[c].values, n);
  self->room = n;
}

static void
grow_to (PlotSeries *self, gsize n)
{
  if (n > self->room)
    plot_series_reserve (self, MAX (n, self->room + self->room / 2 + 64));
}

/* A column that comes into use late has been NaN so far. */
static double *
need_column (PlotSeries *self, PlotColumn c)
{
  ColumnData *column = &self->columns[c];

  if (column->values == NULL)
    {
      column->values = g_new (double, MAX (1, self->room));
      for (gsize i = 0; i < self->n; i++)
        column->values[i] = NAN;
    }
  return column->values;
}

static void
check_order (PlotSeries *self, double x)
{
  if (!self->regular && self->sorted
      && !(isfinite (x) && (self->n == 0 || x >= self->columns[PLOT_COLUMN_X].values[self->n - 1])))
    self->sorted = FALSE;
}

gsize
plot_series_append_full (PlotSeries *self, double x, double x_lo, double x_hi, double y, double lo,
                         double hi)
{
  const double given[PLOT_N_COLUMNS] = { x, y, lo, hi, x_lo, x_hi };

  g_return_val_if_fail (PLOT_IS_SERIES (self), 0);

  grow_to (self, self->n + 1);
  check_order (self, x);
  for (int c = 0; c < PLOT_N_COLUMNS; c++)
    {
      if (c >= PLOT_COLUMN_LO && !isnan (given[c]))
        need_column (self, c);
      if (column_in_use (self, c))
        self->columns[c].values[self->n] = given[c];
    }
  self->n++;
  series_changed (self);
  return self->n - 1;
}

void
plot_series_append (PlotSeries *self, double x, double y)
{
  plot_series_append_full (self, x, NAN, NAN, y, NAN, NAN);
}

void
plot_series_append_interval (PlotSeries *self, double x, double y, double lo, double hi)
{
  plot_series_append_full (self, x, NAN, NAN, y, lo, hi);
}

void
plot_series_append_array (PlotSeries *self, gsize n, const double *x, const double *y,
                          const double *lo, const double *hi)
{
  g_return_if_fail (PLOT_IS_SERIES (self));
  g_return_if_fail (n == 0 || y != NULL);
  g_return_if_fail (n == 0 || x != NULL || self->regular);
  g_return_if_fail ((lo == NULL) == (hi == NULL));

  if (n == 0)
    return;
  grow_to (self, self->n + n);
  if (lo != NULL)
    {
      need_column (self, PLOT_COLUMN_LO);
      need_column (self, PLOT_COLUMN_HI);
    }
  for (int c = 0; c < PLOT_N_COLUMNS; c++)
    {
      const double *from = c == PLOT_COLUMN_X    ? x
                           : c == PLOT_COLUMN_Y  ? y
                           : c == PLOT_COLUMN_LO ? lo
                           : c == PLOT_COLUMN_HI ? hi
                                                 : NULL;

      if (!column_in_use (self, c))
        continue;
      for (gsize i = 0; i < n; i++)
        self->columns[c].values[self->n + i] = from != NULL ? from[i] : NAN;
    }
  if (!self->regular)
    for (gsize i = 0; self->sorted && i < n; i++)
      {
        double before
            = self->n + i > 0 ? self->columns[PLOT_COLUMN_X].values[self->n + i - 1] : -INFINITY;

        self->sorted = isfinite (x[i]) && x[i] >= before;
      }
  self->n += n;
  series_changed (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_N_POINTS]);
}

/* --- names and marks of points --- */

void
plot_series_set_label (PlotSeries *self, gsize i, const char *label)
{
  g_return_if_fail (PLOT_IS_SERIES (self) && i < self->n);

  if (self->labels == NULL)
    self->labels = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_hash_table_insert (self->labels, GSIZE_TO_POINTER (i), g_strdup (label));
  series_changed (self);
}

const char *
plot_series_get_label (PlotSeries *self, gsize i)
{
  g_return_val_if_fail (PLOT_IS_SERIES (self), NULL);
  return self->labels != NULL ? g_hash_table_lookup (self->labels, GSIZE_TO_POINTER (i)) : NULL;
}

static GPtrArray *
find_facts (PlotSeries *self, gsize i)
{
  return self->facts != NULL ? g_hash_table_lookup (self->facts, GSIZE_TO_POINTER (i)) : NULL;
}

void
plot_series_add_fact (PlotSeries *self, gsize i, const char *name, const char *value)
{
  GPtrArray *facts;

  g_return_if_fail (PLOT_IS_SERIES (self) && i < self->n);
  g_return_if_fail (name != NULL && value != NULL);

  if (self->facts == NULL)
    self->facts = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
  facts = find_facts (self, i);
  if (facts == NULL)
    {
      facts = g_ptr_array_new_with_free_func (g_free);
      g_hash_table_insert (self->facts, GSIZE_TO_POINTER (i), facts);
    }
  g_ptr_array_add (facts, g_strdup (name));
  g_ptr_array_add (facts, g_strdup (value));
  series_changed (self);
}

guint
plot_series_get_n_facts (PlotSeries *self, gsize i)
{
  GPtrArray *facts;

  g_return_val_if_fail (PLOT_IS_SERIES (self), 0);
  facts = find_facts (self, i);
  return facts != NULL ? facts->len / 2 : 0;
}

void
plot_series_get_fact (PlotSeries *self, gsize i, guint fact, const char **name, const char **value)
{
  GPtrArray *facts;

  g_return_if_fail (fact < plot_series_get_n_facts (self, i));
  facts = find_facts (self, i);
  *name = g_ptr_array_index (facts, 2 * fact);
  *value = g_ptr_array_index (facts, 2 * fact + 1);
}

void
plot_series_set_estimate (PlotSeries *self, gsize i, gboolean estimate)
{
  g_return_if_fail (PLOT_IS_SERIES (self) && i < self->n);

  if (self->estimates == NULL)
    self->estimates = g_hash_table_new (NULL, NULL);
  if (estimate)
    g_hash_table_add (self->estimates, GSIZE_TO_POINTER (i));
  else
    g_hash_table_remove (self->estimates, GSIZE_TO_POINTER (i));
  series_changed (self);
}

gboolean
plot_series_get_estimate (PlotSeries *self, gsize i)
{
  g_return_val_if_fail (PLOT_IS_SERIES (self), FALSE);
  return self->estimates != NULL && g_hash_table_contains (self->estimates, GSIZE_TO_POINTER (i));
}

/* --- reading --- */

double
plot_series_get_x (PlotSeries *self, gsize i)
{
  return self->regular ? self->x0 + (double)i * self->dx : self->columns[PLOT_COLUMN_X].values[i];
}

double
plot_series_get (PlotSeries *self, PlotColumn column, gsize i)
{
  g_return_val_if_fail (PLOT_IS_SERIES (self) && i < self->n, NAN);

  if (column == PLOT_COLUMN_X)
    return plot_series_get_x (self, i);
  return self->columns[column].values != NULL ? self->columns[column].values[i] : NAN;
}

const double *
plot_series_peek (PlotSeries *self, PlotColumn column)
{
  g_return_val_if_fail (PLOT_IS_SERIES (self), NULL);
  return self->columns[column].values;
}

gboolean
plot_series_is_sorted (PlotSeries *self)
{
  g_return_val_if_fail (PLOT_IS_SERIES (self), FALSE);
  return self->sorted;
}

static gsize
regular_lower_bound (PlotSeries *self, double x)
{
  double i = ceil ((x - self->x0) / self->dx);
  gsize guess;

  if (!(i > 0))
    guess = 0;
  else if (i >= (double)self->n)
    guess = self->n;
  else
    guess = (gsize)i;
  /* The division may be off by one place; x0 + i * dx is the definition. */
  while (guess > 0 && plot_series_get_x (self, guess - 1) >= x)
    guess--;
  while (guess < self->n && plot_series_get_x (self, guess) < x)
    guess++;
  return guess;
}

gsize
plot_series_lower_bound (PlotSeries *self, double x)
{
  gsize lo = 0, hi = self->n;
  const double *values = self->columns[PLOT_COLUMN_X].values;

  g_return_val_if_fail (self->sorted, 0);

  if (self->regular)
    return regular_lower_bound (self, x);
  while (lo < hi)
    {
      gsize middle = lo + (hi - lo) / 2;

      if (values[middle] < x)
        lo = middle + 1;
      else
        hi = middle;
    }
  return lo;
}

gsize
plot_series_nearest (PlotSeries *self, double x)
{
  gsize i;

  g_return_val_if_fail (self->sorted && self->n > 0, 0);

  i = plot_series_lower_bound (self, x);
  if (i == self->n)
    return self->n - 1;
  if (i > 0 && x - plot_series_get_x (self, i - 1) <= plot_series_get_x (self, i) - x)
    return i - 1;
  return i;
}

gboolean
plot_series_query (PlotSeries *self, PlotColumn c, gsize first, gsize last, double *min,
                   double *max)
{
  ColumnData *column = &self->columns[c];

  g_return_val_if_fail (PLOT_IS_SERIES (self), FALSE);

  last = MIN (last, self->n);
  if (c == PLOT_COLUMN_X && self->regular)
    {
      *min = first < last ? plot_series_get_x (self, first) : INFINITY;
      *max = first < last ? plot_series_get_x (self, last - 1) : -INFINITY;
      return first < last;
    }
  if (column->values == NULL)
    {
      *min = INFINITY;
      *max = -INFINITY;
      return FALSE;
    }
  if (column->pyramid == NULL)
    column->pyramid = plot_pyramid_new ();
  plot_pyramid_extend (column->pyramid, column->values, self->n);
  return plot_pyramid_query (column->pyramid, column->values, first, last, min, max);
}

gboolean
plot_series_extent (PlotSeries *self, PlotColumn c, double *min, double *max, double *min_positive)
{
  ColumnData *column = &self->columns[c];
  gboolean any = plot_series_query (self, c, 0, self->n, min, max);

  if (any && *min > 0)
    *min_positive = *min;
  else if (column->values == NULL) /* regular x, or a column that is not there */
    {
      gsize i = any ? regular_lower_bound (self, G_MINDOUBLE) : 0;

      *min_positive = any && i < self->n ? plot_series_get_x (self, i) : INFINITY;
    }
  else
    {
      for (; column->n_scanned < self->n; column->n_scanned++)
        {
          double value = column->values[column->n_scanned];

          if (value > 0 && value < column->min_positive)
            column->min_positive = value;
        }
      *min_positive = column->min_positive;
    }
  return any;
}
