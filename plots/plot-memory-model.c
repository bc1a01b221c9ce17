/* Data of PlotMemory: copies, sorted, and what is alive at every step. No drawing. */

#include "plot-memory-private.h"
#include "plot-i18n-private.h"

#include <string.h>

static int
compare_items (const void *a, const void *b)
{
  const PlotMemoryItem *x = a, *y = b;

  if (x->first != y->first)
    return x->first < y->first ? -1 : 1;
  if (x->offset != y->offset)
    return x->offset < y->offset ? -1 : 1;
  return strcmp (x->id, y->id);
}

static void
copy_items (PlotMemoryModel *self, const PlotMemoryData *data)
{
  self->items = g_new0 (PlotMemoryItem, MAX (1, data->n_buffers));
  for (guint i = 0; i < data->n_buffers; i++)
    {
      const PlotMemoryBuffer *buffer = &data->buffers[i];
      PlotMemoryItem *item = &self->items[self->n_items];

      if (buffer->id == NULL || buffer->first > buffer->last || buffer->last >= data->n_steps
          || buffer->bytes == 0 || buffer->kind >= PLOT_MEMORY_N_KINDS)
        {
          g_critical ("Buffer %u of a memory (“%s”): %" G_GUINT64_FORMAT
                      " bytes from step %u to %u of %u",
                      i, buffer->id != NULL ? buffer->id : "no id", buffer->bytes, buffer->first,
                      buffer->last, data->n_steps);
          continue;
        }
      *item = (PlotMemoryItem){ g_strdup (buffer->id),
                                g_strdup (buffer->name != NULL ? buffer->name : buffer->id),
                                g_strdup (buffer->detail != NULL ? buffer->detail : ""),
                                buffer->kind,
                                buffer->first,
                                buffer->last,
                                buffer->offset,
                                buffer->bytes };
      self->total_bytes = MAX (self->total_bytes, buffer->offset + buffer->bytes);
      self->has_kind[buffer->kind] = TRUE;
      self->n_items++;
    }
  if (self->n_items > 1)
    qsort (self->items, self->n_items, sizeof *self->items, compare_items);
  for (guint i = 0; i < self->n_items; i++)
    if (!g_hash_table_insert (self->by_id, self->items[i].id, GUINT_TO_POINTER (i + 1)))
      g_critical ("Two buffers of a memory have the id “%s”", self->items[i].id);
}

static int
compare_by_address (gconstpointer a, gconstpointer b, gpointer data)
{
  const PlotMemoryModel *self = data;
  const PlotMemoryItem *x = &self->items[*(const guint *)a], *y = &self->items[*(const guint *)b];

  if (x->offset != y->offset)
    return x->offset < y->offset ? -1 : 1;
  return *(const guint *)a < *(const guint *)b ? -1 : 1;
}

GArray *
plot_memory_model_alive (const PlotMemoryModel *self, guint step)
{
  GArray *alive = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < self->n_items && self->items[i].first <= step; i++)
    if (self->items[i].last >= step)
      g_array_append_val (alive, i);
  g_array_sort_with_data (alive, compare_by_address, (gpointer)self);
  return alive;
}

/* Buffers that share memory count once: the union of their ranges. */
static guint64
union_bytes (const PlotMemoryModel *self, const GArray *alive)
{
  guint64 sum = 0, end = 0;

  for (guint i = 0; i < alive->len; i++)
    {
      const PlotMemoryItem *item = &self->items[g_array_index (alive, guint, i)];
      guint64 from = MAX (item->offset, end), to = item->offset + item->bytes;

      if (to > from)
        sum += to - from;
      end = MAX (end, to);
    }
  return sum;
}

/* One pass over the steps with the set of who is alive, kept by address. */
static void
count_alive (PlotMemoryModel *self)
{
  g_autoptr (GArray) alive = g_array_new (FALSE, FALSE, sizeof (guint));
  guint next = 0;

  self->alive_bytes = g_new0 (guint64, MAX (1, self->n_steps));
  self->peak_step = PLOT_MEMORY_NONE;
  for (guint step = 0; step < self->n_steps; step++)
    {
      guint kept = 0;

      for (guint i = 0; i < alive->len; i++)
        if (self->items[g_array_index (alive, guint, i)].last >= step)
          g_array_index (alive, guint, kept++) = g_array_index (alive, guint, i);
      g_array_set_size (alive, kept);
      for (; next < self->n_items && self->items[next].first == step; next++)
        g_array_append_val (alive, next);
      g_array_sort_with_data (alive, compare_by_address, self);
      self->alive_bytes[step] = union_bytes (self, alive);
      if (self->peak_step == PLOT_MEMORY_NONE
          || self->alive_bytes[step] > self->alive_bytes[self->peak_step])
        self->peak_step = step;
    }
}

PlotMemoryModel *
plot_memory_model_new (const PlotMemoryData *data)
{
  static const char *const names[PLOT_MEMORY_N_KINDS]
      = { N_ ("input"), N_ ("activation"), N_ ("state"), N_ ("scratch") };
  static const PlotMemoryData nothing = { 0 };
  PlotMemoryModel *self = g_new0 (PlotMemoryModel, 1);

  data = data != NULL ? data : &nothing;
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->n_steps = data->n_steps;
  self->step_names = g_new0 (char *, MAX (1, data->n_steps));
  self->step_groups = g_new0 (char *, MAX (1, data->n_steps));
  for (guint i = 0; i < data->n_steps; i++)
    {
      self->step_names[i] = g_strdup (data->steps[i].name != NULL ? data->steps[i].name : "");
      self->step_groups[i] = g_strdup (data->steps[i].group != NULL ? data->steps[i].group : "");
    }
  for (guint k = 0; k < PLOT_MEMORY_N_KINDS; k++)
    self->kind_names[k]
        = g_strdup (data->kind_names[k] != NULL ? data->kind_names[k] : _ (names[k]));
  copy_items (self, data);
  if (data->total_bytes > 0)
    self->total_bytes = data->total_bytes;
  self->lower_bound_bytes = data->lower_bound_bytes;
  count_alive (self);
  return self;
}

void
plot_memory_model_free (PlotMemoryModel *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_items; i++)
    {
      g_free (self->items[i].id);
      g_free (self->items[i].name);
      g_free (self->items[i].detail);
    }
  for (guint i = 0; i < self->n_steps; i++)
    {
      g_free (self->step_names[i]);
      g_free (self->step_groups[i]);
    }
  for (guint k = 0; k < PLOT_MEMORY_N_KINDS; k++)
    g_free (self->kind_names[k]);
  g_free (self->items);
  g_free (self->step_names);
  g_free (self->step_groups);
  g_free (self->alive_bytes);
  g_hash_table_unref (self->by_id);
  g_free (self);
}

guint
plot_memory_model_find (const PlotMemoryModel *self, const char *id)
{
  guint found = id != NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (self->by_id, id)) : 0;

  return found > 0 ? found - 1 : PLOT_MEMORY_NONE;
}
