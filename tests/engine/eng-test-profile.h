/* Profiles of invented nodes on an invented machine, for tests that compute by hand. */
#pragma once

#include "eng-profile-private.h"
#include "eng-machine.h"

typedef struct
{
  int layer;
  EngArithmetic arithmetic;
  RtCost cost;
  double median_ns;   /* 0: not executed */
  const char *name;   /* NULL: "node.N" */
  const char *op;     /* NULL: "Matrix product" */
  const char *source; /* NULL: none */
} EngTestNode;

/* A machine of round numbers: L2 of 1 MB at 100 GB/s, main memory at 20 GB/s, 200 GFLOP/s, 800
 * Gop/s. */
static inline EngRoof
eng_test_round_roof (void)
{
  EngRoof roof = {
    .n_threads = 2, .read_bytes_per_s = 20e9, .f32_flops = 200e9, .int8_ops = 800e9, .n_levels = 2
  };

  roof.levels[0] = (EngRoofLevel){ "L2", 1 << 20, 1 << 20, { 100e9, 99e9, 101e9 } };
  roof.levels[1] = (EngRoofLevel){ "DRAM", 0, 1 << 28, { 20e9, 19e9, 21e9 } };
  return roof;
}

static inline void
eng_test_add_latency (EngLatency *sum, double ns)
{
  if (sum->n == 0)
    *sum = (EngLatency){ 9, 0, 0, 0, 0, 0, 0 };
  sum->median_ns += ns;
  sum->p5_ns += ns;
  sum->p95_ns += ns;
  sum->last_ns += ns;
  sum->low_ns += ns * 0.8;
  sum->high_ns += ns * 1.25;
}

/* Intervals of 0.8 to 1.25 times each median. */
static inline EngProfile *
eng_test_profile (const EngTestNode *nodes, guint n, int n_layers, RtPhase phase)
{
  g_autoptr (EngProfileInfo) info = eng_profile_info_new (n, n_layers);
  EngProfile *profile;
  EngPhaseProfile *data;

  for (guint i = 0; i < n; i++)
    {
      const char *sources[] = { nodes[i].source, NULL };

      info->names[i]
          = nodes[i].name != NULL ? g_strdup (nodes[i].name) : g_strdup_printf ("node.%u", i);
      info->ops[i] = g_strdup (nodes[i].op != NULL ? nodes[i].op : "Matrix product");
      info->layers[i] = nodes[i].layer;
      info->sources[i] = g_strdupv ((GStrv)sources);
      info->arithmetics[i] = nodes[i].arithmetic;
    }
  profile = eng_profile_new (info);
  data = &profile->phases[phase];
  data->n_tokens = 1;
  for (guint i = 0; i < n; i++)
    {
      profile->costs[phase][i] = nodes[i].cost;
      if (nodes[i].median_ns == 0)
        continue;
      eng_test_add_latency (&data->nodes[i], nodes[i].median_ns);
      eng_test_add_latency (&data->layers[nodes[i].layer + 1], nodes[i].median_ns);
      eng_test_add_latency (&data->total, nodes[i].median_ns);
    }
  return profile;
}
