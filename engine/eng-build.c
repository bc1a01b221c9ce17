/* Lowering: the recipe's techniques decide, the graph is fused, weights are packed, memory is
 * planned. Called by the session (on a worker), the command line and tests; knows nothing of any
 * particular technique. Its parts: eng-build-graph.c, eng-build-pack.c, eng-build-hash.c; saving
 * lives in eng-build-save.c, what a layer takes in memory in eng-build-memory.c. */
#include "eng-build-private.h"

#include "eng-draft.h"
#include "eng-error.h"
#include "eng-model-private.h"
#include "kn-cpu.h"
#include "kn-attn.h"
#include "kn-matmul.h"

/* Rows of one executor run: enough to reuse each expanded weight panel many times, few enough that
 * activations stay in cache. */
#define MAX_TOKENS 128

/* The largest picture and the longest sound that a front end takes at once. They are borrowed, not
 * copied: only what depends on their size is planned for it. */
#define MAX_SIDE 16384
#define MAX_SAMPLES (1 << 26)

G_DEFINE_FINAL_TYPE (EngBuild, eng_build, G_TYPE_OBJECT)

static void
eng_build_finalize (GObject *object)
{
  EngBuild *self = ENG_BUILD (object);

  g_clear_object (&self->bare); /* runs on our threads */
  g_clear_object (&self->drafter);
  g_mutex_clear (&self->mutex);
  rt_exec_free (self->exec);
  if (self->owns_pool)
    rt_pool_free (self->pool);
  for (guint i = 0; self->weights != NULL && i < self->n_tensors; i++)
    rt_weight_unref (self->weights[i]);
  g_free (self->weights);
  g_free (self->dtypes);
  g_free (self->densities);
  for (guint i = 0; self->keys != NULL && i < self->n_tensors; i++)
    g_free (self->keys[i]);
  g_free (self->keys);
  g_clear_pointer (&self->graphs, g_ptr_array_unref);
  g_clear_pointer (&self->extra, g_ptr_array_unref);
  rt_tokenizer_free (self->tokenizer);
  g_strfreev (self->notes);
  g_free (self->hash);
  g_free (self->layer_memory);
  g_free (self->node_memory);
  g_clear_pointer (&self->recipe, eng_recipe_unref);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (eng_build_parent_class)->finalize (object);
}

static void
eng_build_class_init (EngBuildClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = eng_build_finalize;
}

static void
eng_build_init (EngBuild *self)
{
  g_mutex_init (&self->mutex);
  self->graphs = g_ptr_array_new_with_free_func ((GDestroyNotify)rt_graph_free);
}

/* ---- Making ---- */

static void
report (EngJob *job, const char *stage, double progress)
{
  if (job != NULL)
    eng_job_report (job, stage, progress);
}

static RtExec *
make_exec (EngBuild *self, const EngLowering *lowering, RtError *rt_error)
{
  guint32 n_values = rt_graph_n_values (self->graph);
  g_autofree RtWeight **by_value = g_new0 (RtWeight *, MAX (n_values, 1));

  for (guint i = 0; i < self->n_tensors; i++)
    if (self->weights[i] != NULL)
      by_value[rt_graph_find_value (self->graph, eng_model_get_tensor (self->model, i)->name)]
          = self->weights[i];

  if (!eng_build_pack_extra (self, by_value, rt_error))
    return NULL;
  self->n_outputs = MIN (lowering->n_outputs, self->max_tokens);
  RtExecConfig config
      = { .graph = self->graph,
          .weights = by_value,
          .pool = self->pool,
          .max_symbols = { self->max_tokens, self->n_outputs, MAX_SIDE, MAX_SIDE, MAX_SAMPLES },
          .kv_format = lowering->kv_format,
          .planner = lowering->planner,
          .kv_capacity = lowering->n_ctx };
  return rt_exec_new (&config, rt_error);
}

/* What the lowering leaves to the build besides decisions. */
static void
take_notes (EngBuild *self, EngLowering *lowering)
{
  self->tokenizer = g_steal_pointer (&lowering->tokenizer);
  g_ptr_array_add (lowering->notes, NULL);
  g_ptr_array_set_free_func (lowering->notes, NULL);
  self->notes = (char **)g_ptr_array_free (g_steal_pointer (&lowering->notes), FALSE);
}

/* All that is known before anything is packed. */
static gboolean
plan (EngBuild *self, EngLowering *lowering, GError **error)
{
  if (!eng_lowering_decide (lowering, eng_build_get_source_graph (self), error))
    return FALSE;
  self->n_tensors = eng_model_get_n_tensors (self->model);
  self->keys = g_new0 (char *, MAX (self->n_tensors, 1));
  for (guint i = 0; i < self->n_tensors; i++)
    self->keys[i] = eng_lowering_dup_key (lowering, i);
  self->dtypes = g_memdup2 (lowering->dtypes, MAX (self->n_tensors, 1) * sizeof *self->dtypes);
  self->densities
      = g_memdup2 (lowering->densities, MAX (self->n_tensors, 1) * sizeof *self->densities);
  self->weights = g_new0 (RtWeight *, MAX (self->n_tensors, 1));
  self->max_tokens = MIN (MAX_TOKENS, lowering->n_ctx);
  self->kv_format = lowering->kv_format;
  self->n_threads = lowering->n_threads;
  self->n_ctx = lowering->n_ctx;
  if (!eng_build_make_graph (self, lowering, error))
    return FALSE;
  self->planner = lowering->planner;
  return TRUE;
}

static EngBuild *build_new (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngBuild *of,
                            gboolean is_observed, gboolean is_sketch, EngJob *job, GError **error);

/* The drafter that techniques have asked for. Of the same model it shares what it does not
 * change. */
static gboolean
make_drafter (EngBuild *self, EngLowering *lowering, EngJob *job, GError **error)
{
  gboolean own = lowering->draft_model == NULL;

  if (lowering->draft_recipe == NULL)
    return TRUE;
  self->drafter = build_new (own ? self->model : lowering->draft_model, lowering->draft_recipe,
                             own ? self : NULL, self, FALSE, FALSE, job, error);
  if (self->drafter == NULL)
    {
      g_prefix_error (error, "The drafter of Speculation: ");
      return FALSE;
    }
  if (rt_exec_n_vocab (self->drafter->exec) >= rt_exec_n_vocab (self->exec))
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
               "Speculation: the drafter knows %u tokens and the model %u",
               rt_exec_n_vocab (self->drafter->exec), rt_exec_n_vocab (self->exec));
  return FALSE;
}

static gboolean
lower (EngBuild *self, EngLowering *lowering, EngBuild *reuse, EngJob *job, GError **error)
{
  RtError rt_error = { 0 };

  report (job, "Planning", -1);
  if (!plan (self, lowering, error))
    return FALSE;
  if (self->is_sketch)
    {
      take_notes (self, lowering);
      return TRUE;
    }
  if (self->pool == NULL)
    {
      self->pool = rt_pool_new (lowering->n_threads, &rt_error);
      self->owns_pool = TRUE;
    }
  if (self->pool == NULL)
    return eng_error_take_rt (&rt_error, error);
  if (!eng_build_pack (self, lowering, reuse, job, error))
    return FALSE;

  report (job, "Allocating", 1);
  self->exec = make_exec (self, lowering, &rt_error);
  if (self->exec == NULL)
    return eng_error_take_rt (&rt_error, error);
  if (!make_drafter (self, lowering, job, error))
    return FALSE;
  take_notes (self, lowering);
  eng_build_make_hash (self, lowering);
  const RtKv *kv = rt_exec_kv (self->exec);
  eng_build_measure_memory (self, rt_exec_plan (self->exec), kv != NULL ? rt_kv_bytes (kv) : 0);
  return TRUE;
}

/* What the importer could not lower cannot be built: all of it in one message, up to a
 * screenful. */
static gboolean
check_report (EngModel *model, GError **error)
{
  const char *const *report = eng_model_get_report (model);
  guint n = g_strv_length ((GStrv)report);
  g_autoptr (GString) text = g_string_new (NULL);

  if (n == 0)
    return TRUE;
  for (guint i = 0; i < MIN (n, 10); i++)
    g_string_append_printf (text, "\n  %s", report[i]);
  if (n > 10)
    g_string_append_printf (text, "\n  and %u more", n - 10);
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
               "%s can be looked at but not run; not supported:%s", eng_model_get_name (model),
               text->str);
  return FALSE;
}

/* @of (nullable): the build that this is the bare one or the drafter of, and runs on the threads
 * of. */
static EngBuild *
build_new (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngBuild *of, gboolean is_observed,
           gboolean is_sketch, EngJob *job, GError **error)
{
  if (!check_report (model, error))
    return NULL;
  g_autoptr (EngBuild) self = g_object_new (ENG_TYPE_BUILD, NULL);
  self->model = g_object_ref (model);
  self->recipe = eng_recipe_ref (recipe);
  self->is_observed = is_observed;
  self->is_sketch = is_sketch;
  if (of != NULL)
    {
      self->is_bare = eng_model_get_kind (model) == ENG_MODEL_NETWORK;
      self->pool = of->pool;
    }

  EngLowering lowering = { .model = model,
                           .recipe = recipe,
                           .is_bare = self->is_bare,
                           .is_observed = is_observed,
                           .is_sketch = is_sketch,
                           .n_outputs = of != NULL && !self->is_bare ? ENG_DRAFT_MAX_WIDTH : 1,
                           .job = job,
                           .graphs = self->graphs };
  gboolean ok = lower (self, &lowering, reuse, job, error);
  eng_lowering_clear (&lowering);
  return ok ? g_steal_pointer (&self) : NULL;
}

EngBuild *
eng_build_new (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL, NULL);
  EngBuild *self = build_new (model, recipe, reuse, NULL, FALSE, FALSE, job, error);
  if (job != NULL)
    eng_job_finish (job);
  return self;
}

EngBuild *
eng_build_new_within (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngJob *job,
                      GError **error)
{
  return build_new (model, recipe, reuse, NULL, FALSE, FALSE, job, error);
}

EngBuild *
eng_build_new_observed (EngModel *model, EngRecipe *recipe, EngJob *job, GError **error)
{
  return build_new (model, recipe, NULL, NULL, TRUE, FALSE, job, error);
}

EngBuild *
eng_build_new_sketch (EngModel *model, EngRecipe *recipe, GError **error)
{
  return build_new (model, recipe, NULL, NULL, FALSE, TRUE, NULL, error);
}

EngBuild *
eng_build_get_bare (EngBuild *self, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (self), NULL);

  if (eng_model_get_kind (self->model) != ENG_MODEL_NETWORK)
    return NULL;
  if (self->is_bare || eng_model_get_bare_graph (self->model) == eng_model_get_graph (self->model))
    return self;
  g_mutex_lock (&self->mutex);
  if (self->bare == NULL)
    self->bare
        = build_new (self->model, self->recipe, self, self, self->is_observed, FALSE, NULL, error);
  EngBuild *bare = self->bare;
  g_mutex_unlock (&self->mutex);
  return bare;
}

typedef struct
{
  EngModel *model;
  EngRecipe *recipe;
  EngBuild *reuse;
  EngJob *job;
} NewData;

static void
new_data_free (gpointer data)
{
  NewData *d = data;
  g_object_unref (d->model);
  eng_recipe_unref (d->recipe);
  g_clear_object (&d->reuse);
  g_clear_object (&d->job);
  g_free (d);
}

static void
new_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  NewData *d = data;
  GError *error = NULL;
  EngBuild *build = eng_build_new (d->model, d->recipe, d->reuse, d->job, &error);
  g_clear_object (&d->reuse); /* on this thread: the last reference frees megabytes */
  if (build != NULL)
    g_task_return_pointer (task, build, g_object_unref);
  else
    g_task_return_error (task, error);
}

void
eng_build_new_async (EngModel *model, EngRecipe *recipe, EngBuild *reuse, EngJob *job,
                     GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (ENG_IS_MODEL (model) && recipe != NULL);

  NewData *d = g_new0 (NewData, 1);
  d->model = g_object_ref (model);
  d->recipe = eng_recipe_ref (recipe);
  g_set_object (&d->reuse, reuse);
  g_set_object (&d->job, job);
  g_autoptr (GTask) task
      = g_task_new (NULL, job != NULL ? eng_job_get_cancellable (job) : NULL, callback, user_data);
  g_task_set_source_tag (task, eng_build_new_async);
  g_task_set_task_data (task, d, new_data_free);
  g_task_run_in_thread (task, new_thread);
}

EngBuild *
eng_build_new_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- Looking ---- */

EngModel *
eng_build_get_model (EngBuild *self)
{
  return self->model;
}

EngRecipe *
eng_build_get_recipe (EngBuild *self)
{
  return self->recipe;
}

const RtTokenizer *
eng_build_get_tokenizer (EngBuild *self)
{
  return self->tokenizer != NULL ? self->tokenizer : eng_model_get_tokenizer (self->model);
}

const char *
eng_build_get_hash (EngBuild *self)
{
  return self->hash;
}

const char *
eng_build_get_isa (EngBuild *self)
{
  return kn_level_name (kn_table ()->level);
}

guint
eng_build_get_n_threads (EngBuild *self)
{
  return rt_pool_n_threads (self->pool);
}

guint
eng_build_get_max_tokens (EngBuild *self)
{
  return self->max_tokens;
}

guint
eng_build_get_n_ctx (EngBuild *self)
{
  const RtKv *kv = rt_exec_kv (self->exec);
  return kv != NULL ? rt_kv_capacity (kv) : 0;
}

void
eng_build_get_max_symbols (EngBuild *self, int64_t *symbols)
{
  const int64_t maxima[RT_N_SYMBOLS] = { self->max_tokens, 1, MAX_SIDE, MAX_SIDE, MAX_SAMPLES };
  memcpy (symbols, maxima, sizeof maxima);
}

const RtGraph *
eng_build_get_graph (EngBuild *self)
{
  return self->graph;
}

EngBuild *
eng_build_get_drafter (EngBuild *self)
{
  return self->drafter;
}

RtExec *
eng_build_get_exec (EngBuild *self)
{
  return self->exec;
}

int
eng_build_get_dtype (EngBuild *self, const EngTensor *tensor)
{
  for (guint i = 0; i < self->n_tensors; i++)
    if (eng_model_get_tensor (self->model, i) == tensor)
      return self->dtypes[i];
  g_return_val_if_reached (-1);
}

const RtWeight *
eng_build_get_weight (EngBuild *self, const EngTensor *tensor)
{
  for (guint i = 0; i < self->n_tensors; i++)
    if (eng_model_get_tensor (self->model, i) == tensor)
      return self->weights[i];
  g_return_val_if_reached (NULL);
}

gboolean
eng_build_value_is_int8 (EngBuild *self, RtValueId weight)
{
  int index = eng_build_tensor_of_value (self, weight);
  return index >= 0 && kn_matmul_act ((KnDtype)self->dtypes[index]) != KN_ACT_F32;
}

const char *const *
eng_build_get_notes (EngBuild *self)
{
  return (const char *const *)self->notes;
}
