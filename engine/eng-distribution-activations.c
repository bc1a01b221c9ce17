/* Distributions of activations: one layer of the unfused reference is watched while it runs a few
 * windows or inputs, twice, once for the extremes and once for the bins. Called from a worker. */
#include <math.h>

#include "eng-build-private.h"
#include "eng-distribution-private.h"
#include "eng-error.h"
#include "eng-sensitivity-private.h"

#define N_WINDOWS 4
#define N_INPUTS 8

typedef struct
{
  EngUnits *units;
  EngDistributing *counting; /* [n] */
  guint n;
  float *rounded;
  gsize n_rounded;
  EngJob *job;
} Watching;

static void
grid_of (const RtQuant *quant, int type, EngGrid *grid)
{
  double scale = (double)quant->scales[0];
  grid->step = scale;
  grid->offset = -scale * quant->zero_points[0];
  grid->low = type == RT_TYPE_U8 ? 0 : -128;
  grid->high = grid->low + 255;
}

/* On the changed build's grid: what is seen at this place once it is 8 bit. */
static void
count_rounded (Watching *self, guint index, const float *values, gsize n)
{
  int type;
  const RtQuant *quant = eng_layer_pair_get_watched_quant (self->units->pair, index, &type);
  EngGrid grid;

  if (quant == NULL || (type != RT_TYPE_I8 && type != RT_TYPE_U8))
    return;
  grid_of (quant, type, &grid);
  if (n > self->n_rounded)
    {
      g_free (self->rounded);
      self->rounded = g_new (float, n);
      self->n_rounded = n;
    }
  for (gsize i = 0; i < n; i++)
    {
      double code = rint (((double)values[i] - grid.offset) / grid.step);
      self->rounded[i] = (float)eng_grid_level (&grid, (int)CLAMP (code, grid.low, grid.high));
    }
  eng_distributing_round (&self->counting[index], values, self->rounded, n, &grid);
  if (self->counting[index].grids->len > 1) /* one grid, whatever the number of runs */
    g_array_set_size (self->counting[index].grids, 1);
}

static gboolean
run_step (Watching *self, guint step, gboolean count, GError **error)
{
  const EngUnitsClass *class = self->units->class;
  RtError rt_error = { 0 };

  if (self->job != NULL
      && g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (self->job), error))
    return FALSE;
  if (!class->feed (self->units, step, error)
      || !eng_layer_pair_begin_whole (self->units->pair, ENG_SIDE_REFERENCE, error))
    return FALSE;
  if (!class->run (self->units, ENG_SIDE_REFERENCE, &rt_error))
    return eng_error_take_rt (&rt_error, error);
  for (guint i = 0; i < self->n; i++)
    {
      const char *node;
      gsize n;
      const float *values = eng_layer_pair_get_watched (self->units->pair, i, &node, &n);
      if (!count)
        eng_distributing_look (&self->counting[i], values, n);
      else
        {
          eng_distributing_count (&self->counting[i], values, n);
          count_rounded (self, i, values, n);
        }
    }
  return TRUE;
}

static gboolean
run_units (Watching *self, GError **error)
{
  for (int pass = 0; pass < 2; pass++)
    {
      for (guint unit = 0; unit < self->units->n; unit++)
        {
          guint n_steps;
          if (!self->units->class->begin (self->units, unit, &n_steps, error))
            return FALSE;
          for (guint step = 0; step < n_steps; step++)
            if (!run_step (self, step, pass == 1, error))
              return FALSE;
          if (self->job != NULL)
            eng_job_report (self->job, "Watching activations",
                            (pass + (double)(unit + 1) / self->units->n) / 2);
        }
      for (guint i = 0; pass == 0 && i < self->n; i++)
        eng_distributing_end_look (&self->counting[i]);
    }
  return TRUE;
}

static void
begin_counting (Watching *self)
{
  self->n = eng_layer_pair_get_n_watched (self->units->pair);
  self->counting = g_new0 (EngDistributing, MAX (self->n, 1));
  for (guint i = 0; i < self->n; i++)
    {
      const char *node;
      gsize n;
      int type = RT_TYPE_F32;
      eng_layer_pair_get_watched (self->units->pair, i, &node, &n);
      eng_distributing_init (&self->counting[i], ENG_DISTRIBUTION_ACTIVATIONS, node);
      EngDistribution *d = self->counting[i].distribution;
      d->source = g_strdup (self->units->title);
      if (eng_layer_pair_get_watched_quant (self->units->pair, i, &type) != NULL)
        d->format = g_strdup (type == RT_TYPE_U8 ? "uint8" : "int8");
      else
        {
          d->format = g_strdup ("F32");
          d->grid_note = g_strdup ("kept as floats; formats of weights that want 8-bit inputs "
                                   "round every group of 32 anew when it is read");
        }
    }
}

static GPtrArray *
watch (EngUnits *units, EngJob *job, GError **error)
{
  Watching self = { .units = units, .job = job };
  GPtrArray *result = NULL;

  begin_counting (&self);
  gboolean ok = run_units (&self, error);
  if (ok)
    result = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_distribution_free);
  for (guint i = 0; i < self.n; i++)
    if (ok)
      g_ptr_array_add (result, eng_distributing_finish (&self.counting[i], 8, "tensors"));
    else
      eng_distributing_clear (&self.counting[i]);
  g_free (self.counting);
  g_free (self.rounded);
  return result;
}

GPtrArray *
eng_distribution_activations (EngBuild *build, int layer, const EngSensitivityConfig *config,
                              EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && config != NULL, NULL);

  EngModel *model = eng_build_get_model (build);
  g_autoptr (EngRecipe) recipe = eng_recipe_reference (eng_build_get_recipe (build));
  g_autoptr (EngRecipe) unfused
      = eng_recipe_with (recipe, "fusion", "enabled", NULL, g_variant_new_boolean (FALSE), error);
  g_autoptr (EngBuild) reference
      = unfused != NULL ? eng_build_new_within (model, unfused, build, job, error) : NULL;
  EngSensitivityConfig few = *config;
  RtError rt_error = { 0 };
  GPtrArray *result = NULL;

  if (reference == NULL)
    return NULL;
  RtPool *pool = rt_pool_new (eng_build_get_n_threads (build), &rt_error);
  if (pool == NULL)
    {
      eng_error_take_rt (&rt_error, error);
      return NULL;
    }
  few.n_windows = few.n_windows > 0 ? few.n_windows : N_WINDOWS;
  few.n_inputs = few.n_inputs > 0 ? few.n_inputs : N_INPUTS;
  EngUnits *units
      = eng_model_get_kind (model) == ENG_MODEL_LANGUAGE
            ? eng_text_units_new (model, &few, reference, build, layer, pool, error)
            : eng_input_units_new (model, &few, reference, build, layer, pool, job, error);
  if (units != NULL)
    {
      result = watch (units, job, error);
      units->class->free (units);
    }
  rt_pool_free (pool);
  return result;
}
