/* Calibration statistics: which values of a model are watched, what is known of them, and how a
 * measurement is found again in memory and on disk. Called by techniques, from a worker. Running is
 * in eng-activations-run.c, the text in -text.c, the files in -file.c, second moments in
 * -moments.c. */
#include "eng-activations.h"

#include <math.h>
#include <string.h>

#include "eng-activations-private.h"
#include "eng-error.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"

/* ---- the object ---- */

void
eng_site_free (gpointer data)
{
  EngSite *site = data;
  g_free (site->name);
  g_free (site->mean);
  g_free (site->all);
  g_free (site->one);
  g_free (site);
}

static EngSite *
site_new (const char *name, int layer, gsize n, gboolean is_multiplied)
{
  EngSite *site = g_new0 (EngSite, 1);
  site->name = g_strdup (name);
  site->layer = layer;
  site->n = n;
  site->is_multiplied = is_multiplied;
  site->mean = g_new0 (float, 3 * n);
  site->mean_square = site->mean + n;
  site->max_abs = site->mean + 2 * n;
  site->all = g_new0 (guint64, ENG_ALL_BINS);
  site->one = g_new0 (guint16, n * ENG_ONE_BINS);
  return site;
}

/* The values that products with a matrix of the model read, each once. */
static void
list_sites (EngActivations *self, const RtGraph *graph)
{
  g_autoptr (GHashTable) by_value = g_hash_table_new (NULL, NULL);

  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      if (node->op != &rt_op_matmul)
        continue;
      RtValueId x = node->inputs[RT_MATMUL_X];
      const RtValue *value = rt_graph_value (graph, x);
      const RtValue *weight = rt_graph_value (graph, node->inputs[RT_MATMUL_WEIGHT]);
      if (value->kind != RT_VALUE_ACTIVATION || value->type != RT_TYPE_F32
          || weight->kind != RT_VALUE_WEIGHT)
        continue;
      guint index = GPOINTER_TO_UINT (g_hash_table_lookup (by_value, GUINT_TO_POINTER (x + 1)));
      if (index == 0)
        {
          g_ptr_array_add (self->sites,
                           site_new (value->name, node->layer,
                                     (gsize)value->shape.dims[value->shape.n_dims - 1], TRUE));
          index = self->sites->len;
          g_hash_table_insert (by_value, GUINT_TO_POINTER (x + 1), GUINT_TO_POINTER (index));
        }
      g_hash_table_insert (self->by_tensor, g_strdup (weight->name), GUINT_TO_POINTER (index));
    }
}

/* What gates have become, by the name of the value ("blk.3.ffn_act"). */
static void
list_gates (EngActivations *self, const RtGraph *graph)
{
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      if (node->op != &rt_op_silu && node->op != &rt_op_gelu)
        continue;
      const RtValue *value = rt_graph_value (graph, node->outputs[0]);
      if (value->kind != RT_VALUE_ACTIVATION || value->type != RT_TYPE_F32
          || g_hash_table_contains (self->by_tensor, value->name))
        continue;
      g_ptr_array_add (
          self->sites,
          site_new (value->name, node->layer,
                    (gsize)value->shape.dims[value->shape.n_dims - 1], FALSE));
      g_hash_table_insert (self->by_tensor, g_strdup (value->name),
                           GUINT_TO_POINTER (self->sites->len));
    }
}

EngActivations *
eng_activations_new (EngModel *model, const char *key, const char *directory)
{
  EngActivations *self = g_new0 (EngActivations, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->key = g_strdup (key);
  self->directory = g_strdup (directory);
  self->sites = g_ptr_array_new_with_free_func (eng_site_free);
  self->by_tensor = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->n_layers = eng_model_get_n_layers (model);
  self->blocks = g_new0 (EngBlockEffect, MAX (1, self->n_layers));
  list_sites (self, eng_model_get_graph (model));
  list_gates (self, eng_model_get_graph (model));
  return self;
}

EngActivations *
eng_activations_ref (EngActivations *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_activations_unref (EngActivations *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_free (self->key);
  g_free (self->directory);
  g_free (self->source);
  g_ptr_array_unref (self->sites);
  g_hash_table_unref (self->by_tensor);
  g_free (self->blocks);
  g_free (self);
}

/* ---- finding and making ---- */

/* What a model keeps: measurements by key. Measuring holds the lock, so that two builds at a time
 * do not measure the same. */
typedef struct
{
  GMutex measuring;
  GMutex mutex;      /* guards known */
  GHashTable *known; /* key -> EngActivations */
} Known;

static void
known_free (gpointer data)
{
  Known *known = data;
  g_hash_table_unref (known->known);
  g_mutex_clear (&known->measuring);
  g_mutex_clear (&known->mutex);
  g_free (known);
}

static Known *
known_of (EngModel *model)
{
  static GMutex mutex;
  static GQuark quark;

  g_mutex_lock (&mutex);
  if (quark == 0)
    quark = g_quark_from_static_string ("eng-activations");
  Known *known = g_object_get_qdata (G_OBJECT (model), quark);
  if (known == NULL)
    {
      known = g_new0 (Known, 1);
      g_mutex_init (&known->measuring);
      g_mutex_init (&known->mutex);
      known->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                            (GDestroyNotify)eng_activations_unref);
      g_object_set_qdata_full (G_OBJECT (model), quark, known, known_free);
    }
  g_mutex_unlock (&mutex);
  return known;
}

static EngActivations *
find_known (Known *known, const char *key)
{
  g_mutex_lock (&known->mutex);
  EngActivations *found = g_hash_table_lookup (known->known, key);
  if (found != NULL)
    eng_activations_ref (found);
  g_mutex_unlock (&known->mutex);
  return found;
}

static gboolean
has_all (EngActivations *self, EngActivationsDepth depth)
{
  for (guint i = 0; depth == ENG_ACTIVATIONS_HESSIANS && i < self->sites->len; i++)
    if (!eng_activations_has_hessian (self, i))
      return FALSE;
  return TRUE;
}

/* Wait for another build's measurement, which may end with what is wanted here. */
static gboolean
lock_measuring (Known *known, EngJob *job, GError **error)
{
  while (!g_mutex_trylock (&known->measuring))
    {
      if (job != NULL
          && g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (job), error))
        return FALSE;
      if (job != NULL)
        eng_job_report (job, "Waiting for another calibration", -1);
      g_usleep (20000);
    }
  return TRUE;
}

/* With the lock: from memory, from disk, or by measuring what is missing. */
static EngActivations *
make (Known *known, EngModel *model, EngRecipe *recipe, const char *key, EngActivationsDepth depth,
      EngJob *job, GError **error)
{
  g_autofree char *directory = eng_activations_dup_directory (key);
  g_autoptr (EngActivations) self = find_known (known, key);
  gboolean channels = FALSE;

  if (self == NULL)
    {
      self = eng_activations_new (model, key, directory);
      channels = !eng_activations_read (self);
      if (channels) /* begin with a clean sheet: the file may have filled a part */
        {
          g_clear_pointer (&self, eng_activations_unref);
          self = eng_activations_new (model, key, directory);
        }
    }
  if ((channels || !has_all (self, depth))
      && !eng_activations_measure (self, model, recipe, channels, depth == ENG_ACTIVATIONS_HESSIANS,
                                   job, error))
    return NULL;
  g_mutex_lock (&known->mutex);
  g_hash_table_replace (known->known, g_strdup (key), eng_activations_ref (self));
  g_mutex_unlock (&known->mutex);
  return g_steal_pointer (&self);
}

EngActivations *
eng_activations_load (EngModel *model, EngRecipe *recipe, EngActivationsDepth depth, EngJob *job,
                      GError **error)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL, NULL);

  g_autofree char *key = eng_calibration_dup_key (model, recipe);
  Known *known = known_of (model);
  EngActivations *found = find_known (known, key);

  if (found != NULL && has_all (found, depth))
    return found;
  eng_activations_unref (found);
  if (!lock_measuring (known, job, error))
    return NULL;
  EngActivations *made = make (known, model, recipe, key, depth, job, error);
  g_mutex_unlock (&known->measuring);
  return made;
}

EngActivations *
eng_activations_peek (EngModel *model, EngRecipe *recipe, gboolean reads_disk)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL, NULL);

  g_autofree char *key = eng_calibration_dup_key (model, recipe);
  g_autofree char *directory = eng_activations_dup_directory (key);
  Known *known = known_of (model);
  EngActivations *found = find_known (known, key);

  if (found != NULL || !reads_disk || !g_mutex_trylock (&known->measuring))
    return found;
  found = eng_activations_new (model, key, directory);
  if (eng_activations_read (found))
    {
      g_mutex_lock (&known->mutex);
      g_hash_table_replace (known->known, g_strdup (key), eng_activations_ref (found));
      g_mutex_unlock (&known->mutex);
    }
  else
    g_clear_pointer (&found, eng_activations_unref);
  g_mutex_unlock (&known->measuring);
  return found;
}

EngActivations *
eng_lowering_get_activations (EngLowering *lowering, EngActivationsDepth depth, GError **error)
{
  g_return_val_if_fail (lowering != NULL && !lowering->is_sketch, NULL);
  return eng_activations_load (lowering->model, lowering->recipe, depth, lowering->job, error);
}

char *
eng_lowering_dup_calibration_key (EngLowering *lowering)
{
  g_autofree char *key = eng_calibration_dup_key (lowering->model, lowering->recipe);
  return g_strdup_printf ("calibration %.16s", key);
}

/* ---- asking ---- */

static const EngSite *
find_site (EngActivations *self, const char *tensor_name, guint *index)
{
  guint found = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_tensor, tensor_name));
  if (index != NULL)
    *index = found - 1;
  return found > 0 ? self->sites->pdata[found - 1] : NULL;
}

guint
eng_activations_get_n_tokens (EngActivations *self)
{
  return self->n_tokens;
}

const char *
eng_activations_get_source (EngActivations *self)
{
  return self->source;
}

gboolean
eng_activations_get_channels (EngActivations *self, const char *tensor_name, EngChannelStats *stats)
{
  const EngSite *site = find_site (self, tensor_name, NULL);

  if (site == NULL)
    return FALSE;
  *stats = (EngChannelStats){ .n_channels = site->n,
                              .n_tokens = self->n_tokens,
                              .mean = site->mean,
                              .mean_square = site->mean_square,
                              .max_abs = site->max_abs };
  return TRUE;
}

gboolean
eng_activations_get_block (EngActivations *self, int layer, double *cosine, double *relative_change)
{
  if (layer < 0 || layer >= (int)self->n_layers || isnan (self->blocks[layer].cosine))
    return FALSE;
  *cosine = self->blocks[layer].cosine;
  *relative_change = self->blocks[layer].relative_change;
  return TRUE;
}

/* ---- histograms ---- */

guint
eng_histogram_log_bin (float x, int bits, int low, guint n_bins)
{
  guint32 word;
  memcpy (&word, &x, sizeof word);
  gint64 bin = (gint64)(word >> (23 - bits)) - ((gint64)(127 + low) << bits);
  return (guint)CLAMP (bin, 0, (gint64)n_bins - 1);
}

/* Where bin @bin begins. */
static double
bin_edge (guint bin, int bits, int low)
{
  guint per_octave = 1u << bits;
  return bin == 0
             ? 0
             : ldexp (1 + (double)(bin % per_octave) / per_octave, (int)(bin / per_octave) + low);
}

typedef struct
{
  int bits, low;
  guint n_bins;
  const guint64 *all; /* or */
  const guint16 *one;
} Counts;

static guint64
count (const Counts *counts, guint bin)
{
  return counts->all != NULL ? counts->all[bin] : counts->one[bin];
}

static double
quantile (const Counts *counts, double share, double max)
{
  guint64 total = 0, below = 0;

  for (guint i = 0; i < counts->n_bins; i++)
    total += count (counts, i);
  double wanted = share * (double)total;
  for (guint i = 0; i < counts->n_bins; i++)
    {
      guint64 here = count (counts, i);
      if (here > 0 && (double)(below + here) >= wanted)
        {
          double from = bin_edge (i, counts->bits, counts->low);
          double to = i + 1 < counts->n_bins ? bin_edge (i + 1, counts->bits, counts->low) : max;
          to = MIN (to, max);
          return MIN (max, from + (to - from) * (wanted - (double)below) / (double)here);
        }
      below += here;
    }
  return max;
}

gboolean
eng_activations_get_quantile (EngActivations *self, const char *tensor_name, int channel,
                              double share, float *abs_value)
{
  g_return_val_if_fail (share >= 0 && share <= 1, FALSE);

  const EngSite *site = find_site (self, tensor_name, NULL);
  if (site == NULL || channel < -1 || channel >= (int)site->n)
    return FALSE;
  float max = 0;
  for (gsize c = 0; c < site->n; c++)
    max = MAX (max, site->max_abs[c]);
  Counts all = { ENG_ALL_BITS, ENG_ALL_LOW, ENG_ALL_BINS, .all = site->all };
  Counts one = { ENG_ONE_BITS, ENG_ONE_LOW, ENG_ONE_BINS,
                 .one = site->one + (gsize)MAX (0, channel) * ENG_ONE_BINS };
  *abs_value = (float)(channel < 0 ? quantile (&all, share, (double)max)
                                   : quantile (&one, share, (double)site->max_abs[channel]));
  return TRUE;
}

/* ---- second moments ---- */

float *
eng_activations_load_hessian (EngActivations *self, const char *tensor_name, gsize *n,
                              GError **error)
{
  guint index;
  const EngSite *site = find_site (self, tensor_name, &index);

  if (site == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                   "Calibration knows no inputs of %s: no product reads it", tensor_name);
      return NULL;
    }
  g_autofree float *triangle = eng_activations_read_hessian (self, index, error);
  if (triangle == NULL)
    return NULL;
  float *square = g_new (float, site->n * site->n);
  const float *from = triangle;
  for (gsize i = 0; i < site->n; i++)
    for (gsize j = 0; j <= i; j++)
      square[i * site->n + j] = square[j * site->n + i] = *from++;
  *n = site->n;
  return square;
}
