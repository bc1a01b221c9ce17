/* The rule behind every estimate: see the header for its steps. Called by eng-estimate.c before a
 * run and by eng-run-estimate.c after it; knows neither models nor files. */
#include "eng-kernel-table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eng-roofline.h"
#include "kn-attn.h"
#include "kn-matmul.h"

/* What is asked of one operator, split once. */
typedef struct
{
  const char *op, *kind; /* interned: "matmul", "matmul Q4_0 int8" */
  gboolean is_int8;
} Parts;

typedef struct
{
  EngKernelTime time;
  Parts parts;
  double roof_ns; /* NAN without roofs */
} Entry;

struct _EngKernelTable
{
  gatomicrefcount ref_count;
  Entry *entries; /* [n], sorted by signature */
  guint n;
  GHashTable *by_signature; /* interned pointer -> GArray of guint: indices by work */
  GHashTable *by_op;        /* interned pointer -> GArray of guint */
  GHashTable *efficiency;   /* interned operator -> double *: roofs over times */
  double mean_efficiency;   /* of all operators; NAN: nothing measured or no roofs */
  double start_ns;
  EngRoof roof;
  gboolean has_roof;
  guint64 cache_bytes;
};

const char *
eng_basis_name (EngBasis basis)
{
  static const char *const names[ENG_N_BASES] = { "table", "neighbour", "roof", "none" };
  g_return_val_if_fail (basis < ENG_N_BASES, NULL);
  return names[basis];
}

/* ---- Signatures ---- */

static void
add_shape (GString *text, const RtShape *shape)
{
  static const char letters[RT_N_SYMBOLS] = { 'N', 'O', 'H', 'W', 'S' };

  g_string_append_c (text, '[');
  for (guint i = 0; i < shape->n_dims; i++)
    {
      gint64 dim = shape->dims[i];
      if (i > 0)
        g_string_append_c (text, ',');
      if (dim < 0 && dim >= -RT_N_SYMBOLS)
        g_string_append_c (text, letters[-dim - 1]);
      else
        g_string_append_printf (text, "%" G_GINT64_FORMAT, dim);
    }
  g_string_append_c (text, ']');
}

static const char *
value_format (const RtOpQuery *query, RtValueId id)
{
  int dtype = query->weight_dtypes != NULL ? query->weight_dtypes[id] : -1;
  return dtype >= 0 ? kn_dtype_info (dtype)->name
                    : rt_type_name (rt_graph_value (query->graph, id)->type);
}

/* "Q4_0", "Q4_0+Q6_K" (each once), or what is computed on when there are no matrices. Returns
 * whether products are of 8-bit integers. */
static gboolean
add_formats (const RtOpQuery *query, GString *text)
{
  const RtNode *node = query->node;
  gsize start = text->len;
  gboolean is_int8 = FALSE;

  for (guint i = 0; i < node->n_inputs; i++)
    {
      RtValueId id = node->inputs[i];
      if (id == RT_NONE || !rt_op_input_is (node->op->matrix_inputs | node->op->table_inputs, i))
        continue;
      const char *name = value_format (query, id);
      int dtype = query->weight_dtypes != NULL ? query->weight_dtypes[id] : -1;
      if (strstr (text->str + start, name) == NULL)
        g_string_append_printf (text, "%s%s", text->len > start ? "+" : "", name);
      is_int8 |= dtype >= 0 && rt_op_input_is (node->op->matrix_inputs, i)
                 && kn_matmul_act ((KnDtype)dtype) != KN_ACT_F32;
    }
  RtValueId first = node->n_inputs > 0 ? node->inputs[0] : RT_NONE;
  int type = first != RT_NONE ? rt_graph_value (query->graph, first)->type : RT_TYPE_F32;
  char cache[KN_KV_NAME_BYTES];
  if (text->len == start)
    g_string_append (text, node->op->cache != NULL ? kn_kv_name (query->kv_format, cache)
                                                   : rt_type_name (type));
  return is_int8 || type == RT_TYPE_I8 || type == RT_TYPE_U8;
}

const char *
eng_kernel_signature (const RtOpQuery *query)
{
  const RtNode *node = query->node;
  g_autoptr (GString) text = g_string_new (node->op->name);
  guint n_inputs = node->n_inputs;

  g_string_append_c (text, ' ');
  gboolean is_int8 = add_formats (query, text);
  g_string_append (text, is_int8 ? " int8" : " f32");
  while (n_inputs > 0 && node->inputs[n_inputs - 1] == RT_NONE)
    n_inputs--;
  for (guint i = 0; i < n_inputs; i++)
    {
      RtValueId id = node->inputs[i];
      g_string_append (text, id != RT_NONE ? "|" : "|-");
      if (id == RT_NONE)
        continue;
      g_string_append (text, value_format (query, id));
      add_shape (text, &rt_graph_value (query->graph, id)->shape);
    }
  for (guint i = 0; i < node->n_outputs; i++)
    {
      g_string_append_printf (text, "|>%s", value_format (query, node->outputs[i]));
      add_shape (text, &rt_graph_value (query->graph, node->outputs[i])->shape);
    }
  return g_intern_string (text->str);
}

static Parts
split (const char *signature)
{
  const char *space = strchr (signature, ' '), *bar = strchr (signature, '|');
  gsize kind_len = bar != NULL ? (gsize)(bar - signature) : strlen (signature);
  gsize op_len = space != NULL && (gsize)(space - signature) < kind_len ? (gsize)(space - signature)
                                                                        : kind_len;
  g_autofree char *op = g_strndup (signature, op_len);
  g_autofree char *kind = g_strndup (signature, kind_len);

  return (Parts){ .op = g_intern_string (op),
                  .kind = g_intern_string (kind),
                  .is_int8 = g_str_has_suffix (kind, " int8") };
}

gboolean
eng_kernel_is_cold (guint64 weight_bytes, guint64 cache_bytes)
{
  return cache_bytes == 0 || weight_bytes > cache_bytes;
}

/* ---- Roofs ---- */

static double
roof_ns (const EngKernelTable *self, const Parts *parts, const RtCost *cost, gboolean is_cold)
{
  const EngRoof *roof = &self->roof;
  if (!self->has_roof)
    return NAN;

  double peak = parts->is_int8 ? roof->int8_ops : roof->f32_flops;
  double moved = (double)(cost->read_bytes + cost->write_bytes), moved_per_s;
  double weights_per_s = roof->read_bytes_per_s;
  if (!is_cold && roof->n_levels >= 2) /* the last cache */
    weights_per_s = roof->levels[roof->n_levels - 2].read.value;
  eng_roof_find_level (roof, moved, &moved_per_s);
  return 1e9
         * MAX ((double)cost->flops / peak,
                (double)cost->weight_bytes / weights_per_s + moved / moved_per_s);
}

double
eng_kernel_roof_ns (EngKernelTable *self, const char *signature, const RtCost *cost,
                    gboolean is_cold)
{
  Parts parts = split (signature);
  return roof_ns (self, &parts, cost, is_cold);
}

/* ---- The table ---- */

static double
work (const RtCost *cost)
{
  return (double)cost->flops + (double)cost->weight_bytes + (double)cost->read_bytes
         + (double)cost->write_bytes;
}

static int
by_signature_and_work (const void *a, const void *b)
{
  const Entry *x = a, *y = b;
  int order = strcmp (x->time.signature, y->time.signature);
  if (order != 0)
    return order;
  double wx = work (&x->time.cost), wy = work (&y->time.cost);
  return wx < wy ? -1 : wx > wy;
}

static void
add_index (GHashTable *map, const char *key, guint index)
{
  GArray *list = g_hash_table_lookup (map, key);
  if (list == NULL)
    {
      list = g_array_new (FALSE, FALSE, sizeof (guint));
      g_hash_table_insert (map, (gpointer)key, list);
    }
  g_array_append_val (list, index);
}

/* Large operators decide, since small ones spend most of their time on starting. */
static void
learn (EngKernelTable *self)
{
  double all_roof = 0, all_time = 0;
  GHashTableIter iter;
  gpointer op, value;

  g_hash_table_iter_init (&iter, self->by_op);
  while (g_hash_table_iter_next (&iter, &op, &value))
    {
      const GArray *list = value;
      double roof = 0, time = 0;
      for (guint i = 0; i < list->len; i++)
        {
          const Entry *entry = &self->entries[g_array_index (list, guint, i)];
          if (!isfinite (entry->roof_ns) || entry->roof_ns <= 0)
            continue;
          roof += entry->roof_ns;
          time += entry->time.median_ns;
        }
      double *efficiency = g_new (double, 1);
      *efficiency = time > 0 ? roof / time : NAN;
      g_hash_table_insert (self->efficiency, op, efficiency);
      all_roof += roof;
      all_time += time;
    }
  self->mean_efficiency = all_time > 0 ? all_roof / all_time : NAN;
}

EngKernelTable *
eng_kernel_table_new (const EngKernelTime *times, guint n, const EngRoof *roof, guint64 cache_bytes)
{
  EngKernelTable *self = g_new0 (EngKernelTable, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->n = n;
  self->entries = g_new0 (Entry, MAX (n, 1));
  self->cache_bytes = cache_bytes;
  self->has_roof = roof != NULL;
  if (roof != NULL)
    self->roof = *roof;
  self->by_signature = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
  self->by_op = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
  self->efficiency = g_hash_table_new_full (NULL, NULL, NULL, g_free);

  for (guint i = 0; i < n; i++)
    {
      Entry *entry = &self->entries[i];
      entry->time = times[i];
      entry->time.signature = g_intern_string (times[i].signature);
      entry->parts = split (entry->time.signature);
      entry->roof_ns = roof_ns (self, &entry->parts, &entry->time.cost, entry->time.is_cold);
      self->start_ns = i == 0 ? times[i].median_ns : MIN (self->start_ns, times[i].median_ns);
    }
  qsort (self->entries, n, sizeof *self->entries, by_signature_and_work);
  for (guint i = 0; i < n; i++)
    {
      add_index (self->by_signature, self->entries[i].time.signature, i);
      add_index (self->by_op, self->entries[i].parts.op, i);
    }
  learn (self);
  return self;
}

EngKernelTable *
eng_kernel_table_ref (EngKernelTable *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_kernel_table_unref (EngKernelTable *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_hash_table_unref (self->by_signature);
  g_hash_table_unref (self->by_op);
  g_hash_table_unref (self->efficiency);
  g_free (self->entries);
  g_free (self);
}

guint
eng_kernel_table_get_n (EngKernelTable *self)
{
  return self->n;
}

const EngKernelTime *
eng_kernel_table_get (EngKernelTable *self, guint index)
{
  g_return_val_if_fail (index < self->n, NULL);
  return &self->entries[index].time;
}

gboolean
eng_kernel_table_has_roof (EngKernelTable *self)
{
  return self->has_roof;
}

/* ---- Predicting ---- */

typedef struct
{
  const char *signature;
  Parts parts;
  const RtCost *cost;
  gboolean is_cold;
  double roof_ns, work;
} Asked;

static gboolean
same_cost (const RtCost *a, const RtCost *b)
{
  return a->flops == b->flops && a->weight_bytes == b->weight_bytes
         && a->read_bytes == b->read_bytes && a->write_bytes == b->write_bytes;
}

/* How much more work is asked for than @entry was; 0 when nothing can be said. */
static double
ratio (const Asked *asked, const Entry *entry)
{
  if (isfinite (asked->roof_ns) && isfinite (entry->roof_ns) && entry->roof_ns > 0)
    return asked->roof_ns / entry->roof_ns;
  double there = work (&entry->time.cost);
  return entry->parts.kind == asked->parts.kind && there > 0 ? asked->work / there : 0;
}

static double
scaled (const EngKernelTable *self, const Asked *asked, const Entry *entry)
{
  double over = entry->time.median_ns - self->start_ns;
  return self->start_ns + over * ratio (asked, entry);
}

static void
take (EngExpected *expected, EngBasis basis, double ns, const Entry *entry)
{
  *expected = (EngExpected){ .basis = basis, .ns = ns, .source = entry->time.source };
}

/* Steps 1 and 2. */
static gboolean
from_signature (EngKernelTable *self, const Asked *asked, EngExpected *expected)
{
  const GArray *list = g_hash_table_lookup (self->by_signature, asked->signature);
  const Entry *below = NULL, *above = NULL;

  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      const Entry *entry = &self->entries[g_array_index (list, guint, i)];
      if (entry->time.is_cold != asked->is_cold)
        continue;
      if (same_cost (&entry->time.cost, asked->cost))
        {
          take (expected, ENG_BASIS_TABLE, entry->time.median_ns, entry);
          return TRUE;
        }
      if (work (&entry->time.cost) <= asked->work)
        below = entry;
      else if (above == NULL)
        above = entry;
    }
  if (below != NULL && above != NULL)
    {
      double low = work (&below->time.cost), high = work (&above->time.cost);
      double share = (asked->work - low) / (high - low);
      take (expected, ENG_BASIS_NEIGHBOUR,
            below->time.median_ns + share * (above->time.median_ns - below->time.median_ns), below);
      return TRUE;
    }
  const Entry *nearest = below != NULL ? below : above;
  if (nearest == NULL || ratio (asked, nearest) <= 0)
    return FALSE;
  take (expected, ENG_BASIS_NEIGHBOUR, scaled (self, asked, nearest), nearest);
  return TRUE;
}

/* How far away work is: operations, weights and activations each by their ratio; other residency
 * of the weights as much as a factor of two. */
static double
distance (const Asked *asked, const Entry *entry)
{
  const RtCost *a = asked->cost, *b = &entry->time.cost;
  double moved_a = (double)(a->read_bytes + a->write_bytes),
         moved_b = (double)(b->read_bytes + b->write_bytes);
  return fabs (log (((double)a->flops + 1) / ((double)b->flops + 1)))
         + fabs (log (((double)a->weight_bytes + 1) / ((double)b->weight_bytes + 1)))
         + fabs (log ((moved_a + 1) / (moved_b + 1)))
         + (asked->is_cold != entry->time.is_cold ? log (2) : 0);
}

/* Steps 3 and 4. */
static gboolean
from_operator (EngKernelTable *self, const Asked *asked, gboolean same_kind, EngExpected *expected)
{
  const GArray *list = g_hash_table_lookup (self->by_op, asked->parts.op);
  const Entry *nearest = NULL;

  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      const Entry *entry = &self->entries[g_array_index (list, guint, i)];
      double times = ratio (asked, entry);
      if ((entry->parts.kind == asked->parts.kind) != same_kind || !(times > 0)
          || times > ENG_KERNEL_REACH || times < 1 / ENG_KERNEL_REACH)
        continue;
      if (nearest == NULL || distance (asked, entry) < distance (asked, nearest))
        nearest = entry;
    }
  if (nearest == NULL)
    return FALSE;
  take (expected, ENG_BASIS_NEIGHBOUR, scaled (self, asked, nearest), nearest);
  return TRUE;
}

/* Step 5. */
static gboolean
from_roof (EngKernelTable *self, const Asked *asked, EngExpected *expected)
{
  const double *own = g_hash_table_lookup (self->efficiency, asked->parts.op);
  double efficiency = own != NULL && isfinite (*own) ? *own : self->mean_efficiency;

  if (!isfinite (asked->roof_ns) || !isfinite (efficiency))
    return FALSE;
  *expected = (EngExpected){ .basis = ENG_BASIS_ROOF,
                             .ns = MAX (self->start_ns, asked->roof_ns / efficiency),
                             .source = ENG_KERNEL_BENCH };
  return TRUE;
}

void
eng_kernel_table_predict (EngKernelTable *self, const char *signature, const RtCost *cost,
                          gboolean is_cold, EngExpected *expected)
{
  g_return_if_fail (self != NULL && signature != NULL && cost != NULL && expected != NULL);

  Asked asked = {
    .signature = g_intern_string (signature), .cost = cost, .is_cold = is_cold, .work = work (cost)
  };
  asked.parts = split (signature);
  asked.roof_ns = roof_ns (self, &asked.parts, cost, is_cold);
  if (from_signature (self, &asked, expected) || from_operator (self, &asked, TRUE, expected)
      || from_operator (self, &asked, FALSE, expected) || from_roof (self, &asked, expected))
    return;
  *expected = (EngExpected){
    .basis = ENG_BASIS_NONE,
    .ns = NAN,
    .reason = self->n == 0     ? "nothing has been measured on this device yet"
              : self->has_roof ? "nothing like it has been measured on this device yet"
                               : "nothing like it has been measured on this device yet, and its "
                                 "roofs are not known (lathe bench measures them)"
  };
}

/* ---- Measured ---- */

static EngKernelTime
between (const EngKernelTime *below, const EngKernelTime *above, const RtCost *cost)
{
  double share = (double)(cost->weight_bytes - below->cost.weight_bytes)
                 / (double)(above->cost.weight_bytes - below->cost.weight_bytes);
  EngKernelTime time = *below;

  time.cost = *cost;
  time.median_ns += share * (above->median_ns - below->median_ns);
  time.low_ns += share * (above->low_ns - below->low_ns);
  time.high_ns += share * (above->high_ns - below->high_ns);
  time.n = MIN (below->n, above->n);
  time.time = MIN (below->time, above->time);
  return time;
}

gboolean
eng_kernel_table_find (EngKernelTable *self, const char *signature, const RtCost *cost,
                       gboolean is_cold, EngKernelTime *time, gboolean *is_exact)
{
  g_return_val_if_fail (self != NULL && signature != NULL && cost != NULL && time != NULL, FALSE);

  const GArray *list = g_hash_table_lookup (self->by_signature, g_intern_string (signature));
  const EngKernelTime *below = NULL, *above = NULL;

  *is_exact = FALSE;
  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      const EngKernelTime *at = &self->entries[g_array_index (list, guint, i)].time;
      if (!at->is_cold != !is_cold || at->cost.read_bytes != cost->read_bytes
          || at->cost.write_bytes != cost->write_bytes)
        continue;
      if (same_cost (&at->cost, cost))
        {
          *time = *at;
          *is_exact = TRUE;
          return TRUE;
        }
      if (at->cost.weight_bytes < cost->weight_bytes
          && (below == NULL || at->cost.weight_bytes > below->cost.weight_bytes))
        below = at;
      if (at->cost.weight_bytes > cost->weight_bytes
          && (above == NULL || at->cost.weight_bytes < above->cost.weight_bytes))
        above = at;
    }
  if (below == NULL || above == NULL)
    return FALSE;
  *time = between (below, above, cost);
  return TRUE;
}
