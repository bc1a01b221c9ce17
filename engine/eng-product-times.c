/* Times of a layer's products from the kept kernel times. Called by techniques' explain() and
 * verdict(); knows none of them. Keeps what products recipes have and the tables they are looked up
 * in. */
#include "eng-product-times.h"

#include <math.h>
#include <string.h>

#include "eng-change.h"
#include "eng-estimate.h"

/* Recipes whose products are kept: a handful for each that is explained. */
#define MAX_KEPT 24

typedef struct
{
  int layer;
  const char *signature;
  RtCost cost;
} Product;

typedef struct
{
  char *key;
  guint n_threads, n_layers;
  guint64 weight_bytes; /* of one step */
  GArray *products;     /* Product */
} Lowered;

/* One source's times on one number of threads. */
typedef struct
{
  EngKernelTable *table;
  guint generation;
} Table;

static GMutex mutex; /* guards what follows */
static EngKernelTimes *kernel_times;
static EngMachine *machine;
static GHashTable *tables;         /* threads and source -> Table */
static GQueue kept = G_QUEUE_INIT; /* Lowered, newest first */

static void
lowered_free (Lowered *lowered)
{
  g_free (lowered->key);
  g_array_unref (lowered->products);
  g_free (lowered);
}

static void
table_free (gpointer data)
{
  Table *table = data;
  eng_kernel_table_unref (table->table);
  g_free (table);
}

static gboolean
open_times (void)
{
  g_autoptr (GError) error = NULL;

  if (kernel_times != NULL)
    return TRUE;
  kernel_times = eng_kernel_times_open (NULL, &error);
  if (kernel_times == NULL)
    {
      g_debug ("no kernel times: %s", error->message);
      return FALSE;
    }
  machine = eng_machine_new ();
  tables = g_hash_table_new_full (NULL, NULL, NULL, table_free);
  return TRUE;
}

/* As the file has it now; borrowed. */
static EngKernelTable *
get_table (guint n_threads, EngKernelSource source)
{
  gpointer key = GUINT_TO_POINTER (4 * n_threads + source);
  guint generation = eng_kernel_times_get_generation (kernel_times);
  Table *table = g_hash_table_lookup (tables, key);

  if (table != NULL && table->generation == generation)
    return table->table;
  g_autoptr (GError) error = NULL;
  g_autofree char *device
      = eng_kernel_times_device (machine, eng_machine_get_isa (machine), n_threads);
  EngKernelTable *loaded = eng_kernel_times_load_source (kernel_times, device, source, &error);
  if (loaded == NULL)
    {
      g_debug ("no kernel times: %s", error->message);
      return NULL;
    }
  table = g_new (Table, 1);
  *table = (Table){ loaded, generation };
  g_hash_table_insert (tables, key, table);
  return loaded;
}

/* ---- Products ---- */

static Lowered *
lower (EngModel *model, EngRecipe *recipe)
{
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, NULL);
  if (sketch == NULL)
    return NULL;

  const RtGraph *graph = eng_sketch_get_graph (sketch);
  Lowered *lowered = g_new0 (Lowered, 1);
  EngEstimateSizes sizes;
  int64_t symbols[RT_N_SYMBOLS] = { 1, 1, 1, 1, 1 };

  eng_estimate_sizes_init (&sizes, model, NULL);
  lowered->n_threads = eng_sketch_get_n_threads (sketch);
  lowered->n_layers = eng_model_get_n_layers (model);
  lowered->products = g_array_new (FALSE, FALSE, sizeof (Product));
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      Product product = { .layer = CLAMP (node->layer, -1, (int)lowered->n_layers),
                          .signature = eng_sketch_get_signature (sketch, i) };
      eng_sketch_get_cost (sketch, i, symbols,
                           MIN (sizes.position, MAX (eng_sketch_get_n_ctx (sketch), 1) - 1),
                           &product.cost);
      lowered->weight_bytes += product.cost.weight_bytes;
      if (node->op->matrix_inputs != 0)
        g_array_append_val (lowered->products, product);
    }
  return lowered;
}

static Lowered *
find (EngModel *model, EngRecipe *recipe)
{
  g_autofree char *json = eng_recipe_to_json (recipe);
  g_autofree char *key = g_strdup_printf ("%s %s", eng_model_get_path (model), json);

  for (GList *l = kept.head; l != NULL; l = l->next)
    if (strcmp (((Lowered *)l->data)->key, key) == 0)
      {
        g_queue_unlink (&kept, l);
        g_queue_push_head_link (&kept, l);
        return l->data;
      }
  Lowered *lowered = lower (model, recipe);
  if (lowered == NULL)
    return NULL;
  lowered->key = g_steal_pointer (&key);
  g_queue_push_head (&kept, lowered);
  if (kept.length > MAX_KEPT)
    lowered_free (g_queue_pop_tail (&kept));
  return lowered;
}

/* ---- Sums ---- */

static EngFigure
figure_of (double median_ns, double low_ns, double high_ns, guint n)
{
  EngFigure figure = eng_figure_exact (median_ns, "ns");

  figure.low = low_ns;
  figure.high = high_ns;
  figure.n = n;
  return figure;
}

/* As eng_figure_sum(), but without one of its parts there is no sum. */
static EngFigure
sum_of (GArray *figures)
{
  for (guint i = 0; i < figures->len; i++)
    if (!g_array_index (figures, EngFigure, i).available)
      return g_array_index (figures, EngFigure, i);
  return eng_figure_sum ((const EngFigure *)(void *)figures->data, figures->len, "ns");
}

static void
sum_layer (const Lowered *lowered, EngKernelTable *table, int layer, EngProductTime *sum)
{
  g_autoptr (GArray) figures = g_array_new (FALSE, FALSE, sizeof (EngFigure));
  gboolean is_cold
      = eng_kernel_is_cold (lowered->weight_bytes, eng_machine_get_cache_bytes (machine));

  *sum = (EngProductTime){ .is_exact = TRUE };
  for (guint i = 0; i < lowered->products->len; i++)
    {
      const Product *product = &g_array_index (lowered->products, Product, i);
      EngFigure figure = eng_figure_unavailable ("ns", "not measured");
      EngKernelTime time;
      gboolean is_exact;
      if (product->layer != layer)
        continue;
      if (eng_kernel_table_find (table, product->signature, &product->cost, is_cold, &time,
                                 &is_exact))
        figure = figure_of (time.median_ns, time.low_ns, time.high_ns, time.n);
      sum->is_exact &= is_exact;
      sum->weight_bytes += product->cost.weight_bytes;
      g_array_append_val (figures, figure);
    }
  sum->time = sum_of (figures);
}

gboolean
eng_product_time (EngModel *model, EngRecipe *recipe, int layer, EngKernelSource source,
                  EngProductTime *time)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL && time != NULL, FALSE);

  g_mutex_lock (&mutex);
  Lowered *lowered = open_times () ? find (model, recipe) : NULL;
  EngKernelTable *table = lowered != NULL ? get_table (lowered->n_threads, source) : NULL;
  if (table != NULL)
    sum_layer (lowered, table, CLAMP (layer, -1, (int)lowered->n_layers), time);
  g_mutex_unlock (&mutex);
  return table != NULL;
}

static gboolean
is_product (const char *signature)
{
  g_autofree char *name = g_strndup (signature, strcspn (signature, " "));
  const RtOp *op = rt_op_find (name);

  return op != NULL && op->matrix_inputs != 0;
}

gboolean
eng_product_time_of_run (EngRun *run, int layer, EngProductTime *time)
{
  g_return_val_if_fail (ENG_IS_RUN (run) && time != NULL, FALSE);

  EngProfile *profile = eng_run_get_profile (run);
  g_autoptr (GArray) figures = g_array_new (FALSE, FALSE, sizeof (EngFigure));

  *time = (EngProductTime){ .is_exact = TRUE };
  if (profile == NULL || eng_run_get_validity (run) != ENG_RUN_VALID)
    return FALSE;
  const EngPhaseProfile *decode = eng_profile_get_phase (profile, RT_PHASE_DECODE);
  if (decode->total.n == 0 || decode->n_tokens != 1)
    return FALSE;
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    {
      const char *signature = eng_profile_get_node_signature (profile, i);
      const EngLatency *node = &decode->nodes[i];
      if (eng_profile_get_node_layer (profile, i) != layer || node->n == 0)
        continue; /* not executed */
      if (signature == NULL)
        return FALSE;
      if (!is_product (signature))
        continue;
      EngFigure figure = figure_of (node->median_ns, node->low_ns, node->high_ns, node->n);
      time->weight_bytes += eng_profile_get_node_cost (profile, i, RT_PHASE_DECODE)->weight_bytes;
      g_array_append_val (figures, figure);
    }
  time->time = sum_of (figures);
  return time->time.available;
}

double
eng_break_even_share (const double *shares, const double *times, guint n, double other_ns)
{
  double from = 0, start;

  if (n < 2)
    return NAN;
  start = times[0] - shares[0] * (times[1] - times[0]) / (shares[1] - shares[0]);
  /* From the end down: the last stretch above the other time ends at the break-even. */
  if (!(times[n - 1] <= other_ns))
    return NAN;
  for (guint i = n; i-- > 0;)
    {
      double share = i > 0 ? shares[i - 1] : from, before = i > 0 ? times[i - 1] : start;
      if (before > other_ns)
        return shares[i] - (shares[i] - share) * (other_ns - times[i]) / (before - times[i]);
    }
  return from;
}
