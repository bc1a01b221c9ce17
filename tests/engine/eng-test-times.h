/* Kernel times and runs that never were, for tests that compute by hand what follows from them. */
#pragma once

#include <string.h>

#include "eng-kernel-times.h"
#include "eng-profile-private.h"
#include "eng-run-private.h"
#include "eng-sketch.h"

/* The true median may be 2 % less or 3 % more. */
#define ENG_TEST_LOW 0.98
#define ENG_TEST_HIGH 1.03

/* All matrix products of @recipe when one token is decoded take @ns_per_byte: into the user's
 * table. */
static inline void
eng_test_add_times (EngKernelTimes *times, EngModel *model, EngRecipe *recipe, double ns_per_byte,
                    EngKernelSource source)
{
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, NULL);
  g_autofree char *device = eng_kernel_times_device (machine, eng_machine_get_isa (machine),
                                                     eng_sketch_get_n_threads (sketch));
  const RtGraph *graph = eng_sketch_get_graph (sketch);
  int64_t symbols[RT_N_SYMBOLS] = { 1, 1, 1, 1, 1 };
  guint64 all = 0;

  for (guint pass = 0; pass < 2; pass++)
    for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
      {
        EngKernelTime time = { .signature = eng_sketch_get_signature (sketch, i), .n = 9 };
        eng_sketch_get_cost (sketch, i, symbols, 0, &time.cost);
        all += pass == 0 ? time.cost.weight_bytes : 0;
        if (pass == 0 || rt_graph_node (graph, i)->op->matrix_inputs == 0)
          continue;
        time.is_cold = eng_kernel_is_cold (all, eng_machine_get_cache_bytes (machine));
        time.median_ns = (double)time.cost.weight_bytes * ns_per_byte;
        time.low_ns = time.median_ns * ENG_TEST_LOW;
        time.high_ns = time.median_ns * ENG_TEST_HIGH;
        time.time = 1;
        time.source = source;
        g_assert_true (eng_kernel_times_add (times, device, &time, 1, NULL));
      }
}

/* A valid run of @recipe that never was: products of decoding take @ns_per_byte. */
static inline EngRun *
eng_test_make_run (EngModel *model, EngRecipe *recipe, double ns_per_byte)
{
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, NULL);
  const RtGraph *graph = eng_sketch_get_graph (sketch);
  guint n = rt_graph_n_nodes (graph);
  g_autoptr (EngProfileInfo) info = eng_profile_info_new (n, (int)eng_model_get_n_layers (model));
  int64_t symbols[RT_N_SYMBOLS] = { 1, 1, 1, 1, 1 };

  for (guint i = 0; i < n; i++)
    {
      const char *no_sources[] = { NULL };
      info->names[i] = g_strdup (rt_graph_node (graph, i)->name);
      info->ops[i] = g_strdup ("operator");
      info->layers[i] = rt_graph_node (graph, i)->layer;
      info->sources[i] = g_strdupv ((GStrv)no_sources);
      info->signatures[i] = eng_sketch_get_signature (sketch, i);
    }
  EngRun *run = g_object_new (ENG_TYPE_RUN, NULL);
  run->profile = eng_profile_new (info);
  run->recipe = eng_recipe_ref (recipe);
  run->validity = ENG_RUN_VALID;
  EngPhaseProfile *decode = &run->profile->phases[RT_PHASE_DECODE];
  decode->n_tokens = 1;
  decode->total.n = 9;
  for (guint i = 0; i < n; i++)
    {
      RtCost *cost = &run->profile->costs[RT_PHASE_DECODE][i];
      eng_sketch_get_cost (sketch, i, symbols, 0, cost);
      double ns = (double)cost->weight_bytes * ns_per_byte + 1;
      decode->nodes[i] = (EngLatency){ 9, ns, ns, ns, ns, ns * ENG_TEST_LOW, ns * ENG_TEST_HIGH };
    }
  return run;
}

/* The number that stands behind @what in @text. */
static inline double
eng_test_number_after (const char *text, const char *what)
{
  const char *at = strstr (text, what);
  if (at == NULL)
    g_error ("“%s” is not in “%s”", what, text);
  return g_ascii_strtod (at + strlen (what), NULL);
}
