/* From a calibration to a build's time on the board. Called by the command line and by the window's
 * workers; the regression is eng-board-calibration.c's. */
#include "eng-board-expect.h"

#include <string.h>

#include "eng-roofline-forecast.h"
#include "mcu/eng-mcu-expect.h"

void
eng_board_forecast_free (EngBoardForecast *self)
{
  if (self == NULL)
    return;
  for (guint phase = 0; phase < G_N_ELEMENTS (self->phases); phase++)
    g_free (self->phases[phase].layers);
  g_free (self);
}

static EngBoardForecast *
forecast_new (int n_layers)
{
  EngBoardForecast *self = g_new0 (EngBoardForecast, 1);

  self->n_layers = n_layers;
  return self;
}

/* @layers [n] of the layer axis @axis [n]. */
static void
take_phase (EngBoardForecast *self, EngBoardCalibration *calibration, RtPhase phase,
            const EngBoardLayer *layers, const int *axis, guint n)
{
  g_autofree EngBoardLayer *some = g_new (EngBoardLayer, n + 1);
  g_autofree EngBoardExpected *each = g_new (EngBoardExpected, n + 1);
  EngBoardPhase *to = &self->phases[phase];
  double factor = eng_board_calibration_get_step_factor (calibration);

  to->is_there = TRUE;
  to->layers = g_new0 (EngBoardExpected, (gsize)self->n_layers + 2);
  for (int layer = -1; layer <= self->n_layers; layer++)
    {
      guint n_some = 0;
      for (guint i = 0; i < n; i++)
        if (axis[i] == layer)
          some[n_some++] = layers[i];
      eng_board_calibration_predict (calibration, some, n_some, each, &to->layers[layer + 1]);
    }
  eng_board_calibration_predict (calibration, layers, n, each, &to->step);
  to->step.ns *= factor;
  to->step.low_ns *= factor;
  to->step.high_ns *= factor;
}

/* ---- Linux boards ---- */

/* Nodes of front ends and tasks come from no node of the network itself. */
static GHashTable *
list_sources (EngModel *model)
{
  const RtGraph *graph = eng_model_get_bare_graph (model);
  GHashTable *names = g_hash_table_new (g_str_hash, g_str_equal);

  for (RtNodeId n = 0; graph != NULL && n < rt_graph_n_nodes (graph); n++)
    g_hash_table_add (names, (gpointer)rt_graph_node (graph, n)->name);
  return names;
}

static gboolean
runs_there (GHashTable *sources, EngProfile *profile, guint node)
{
  const char *const *from = eng_profile_get_node_sources (profile, node);

  if (g_hash_table_contains (sources, eng_profile_get_node_name (profile, node)))
    return TRUE;
  for (guint i = 0; from != NULL && from[i] != NULL; i++)
    if (g_hash_table_contains (sources, from[i]))
      return TRUE;
  return FALSE;
}

static EngBoardForecast *
forecast_linux (EngBoardCalibration *calibration, EngEstimator *estimator, EngModel *model,
                EngRecipe *recipe, GError **error)
{
  gboolean network = eng_model_get_kind (model) == ENG_MODEL_NETWORK;
  EngEstimateSizes sizes;

  eng_estimate_sizes_init (&sizes, model, NULL);
  g_autoptr (EngForecast) here = eng_estimator_forecast (estimator, model, recipe, &sizes, error);
  g_autoptr (EngProfile) profile
      = here != NULL ? eng_roofline_expected_profile (here, error) : NULL;
  if (profile == NULL)
    return NULL;
  g_autoptr (GHashTable) sources = list_sources (model);
  guint n_nodes = eng_profile_get_n_nodes (profile);
  g_autofree EngBoardLayer *layers = g_new (EngBoardLayer, n_nodes + 1);
  g_autofree int *axis = g_new (int, n_nodes + 1);
  EngBoardForecast *self = forecast_new (eng_profile_get_n_layers (profile));
  for (int phase = RT_PHASE_PREFILL; phase <= RT_PHASE_INFERENCE; phase++)
    {
      guint n = 0;
      if (!eng_forecast_has_phase (here, (RtPhase)phase))
        continue;
      for (guint i = 0; i < n_nodes; i++)
        {
          if (network && !runs_there (sources, profile, i))
            continue;
          axis[n] = eng_profile_get_node_layer (profile, i);
          eng_board_layer_init (&layers[n++], profile, (RtPhase)phase, i);
        }
      take_phase (self, calibration, (RtPhase)phase, layers, axis, n);
    }
  self->n_prompt = eng_profile_get_phase (profile, RT_PHASE_PREFILL)->n_tokens;
  return self;
}

/* ---- microcontrollers ---- */

static EngBoardForecast *
forecast_chip (EngBoardCalibration *calibration, EngDevice *device, EngModel *model,
               EngRecipe *recipe, EngBuild *build, EngJob *job, GError **error)
{
  const char *name = eng_device_get_setting (device, "board");
  const char *board = eng_mcu_board_find (name != NULL ? name : "", error);
  const EngMcuOptions options = { .ram_limit = eng_mcu_device_ram_limit (device), .quick = TRUE };
  g_autoptr (EngBuild) made = NULL;

  if (board == NULL)
    return NULL;
  if (build == NULL)
    build = made = eng_build_new (model, recipe, NULL, job, error);
  /* A language model has no bare build: the plan says why it does not run there. */
  g_autoptr (GError) local = NULL;
  EngBuild *bare = build != NULL ? eng_build_get_bare (build, &local) : NULL;
  if (build == NULL || local != NULL)
    {
      if (local != NULL)
        g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  g_autoptr (GArray) works = eng_mcu_work (bare, board, &options, error);
  if (works == NULL)
    return NULL;
  g_autofree EngBoardLayer *layers = g_new (EngBoardLayer, works->len + 1);
  g_autofree int *axis = g_new (int, works->len + 1);
  for (guint i = 0; i < works->len; i++)
    {
      layers[i] = g_array_index (works, EngMcuWork, i).work;
      axis[i] = g_array_index (works, EngMcuWork, i).layer;
    }
  EngBoardForecast *self = forecast_new (rt_graph_n_layers (eng_build_get_graph (bare)));
  take_phase (self, calibration, RT_PHASE_INFERENCE, layers, axis, works->len);
  return self;
}

EngBoardForecast *
eng_board_forecast (EngBoardCalibration *calibration, EngDevice *device, EngEstimator *estimator,
                    EngModel *model, EngRecipe *recipe, EngBuild *build, EngJob *job,
                    GError **error)
{
  g_return_val_if_fail (calibration != NULL && ENG_IS_DEVICE (device), NULL);

  if (eng_board_calibration_get_basis (calibration) == ENG_BOARD_BASIS_INSTRUCTIONS)
    return forecast_chip (calibration, device, model, recipe, build, job, error);
  return forecast_linux (calibration, estimator, model, recipe, error);
}
