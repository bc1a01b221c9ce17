/* Needs of a build against what is available. Called by a run while it prepares. Cache and plan are
 * asked of the same functions that the executor asks. */
#include "rn-memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rn-machine.h"

/* Of the program itself: code, threads' stacks, trace rings, the telemetry's buffer. */
#define OWN_BYTES (16ull << 20)

static double
mb (uint64_t bytes)
{
  return (double)bytes * 1e-6;
}

static bool
check (uint64_t needed, const char *what, RtError *error)
{
  uint64_t available = rn_available_bytes ();

  if (available == 0 || needed <= available)
    return true;
  return rt_fail (
      error, RT_ERROR_MEMORY,
      "%s needs %.1f MB, and this board has %.1f MB available. End other programs there, "
      "or make the build smaller: a weight format of fewer bits, a shorter context.",
      what, mb (needed), mb (available));
}

bool
rn_memory_check_file (const char *path, RtError *error)
{
  struct stat info;

  if (stat (path, &info) != 0 || info.st_size < 0)
    return true; /* opening it will say why */
  return check ((uint64_t)info.st_size + OWN_BYTES, "The build's weights", error);
}

static uint64_t
cache_bytes (const RtBuildFile *build)
{
  RtKvShape all = { 0 };

  for (RtNodeId n = 0; n < rt_graph_n_nodes (build->graph); n++)
    {
      const RtNode *node = rt_graph_node (build->graph, n);
      RtKvShape shape = { 0 };
      if (node->op->cache == NULL)
        continue;
      node->op->cache (node, &shape);
      all.n_layers = shape.n_layers > all.n_layers ? shape.n_layers : all.n_layers;
      all.n_heads = shape.n_heads > all.n_heads ? shape.n_heads : all.n_heads;
      all.head_dim = shape.head_dim;
    }
  return all.n_layers == 0 ? 0
                           : rt_kv_plan_bytes (build->config.kv_format, all.n_layers, all.n_heads,
                                               all.head_dim, build->config.kv_capacity);
}

bool
rn_memory_check_build (const RtBuildFile *build, uint32_t n_threads, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (build->graph);
  int *dtypes = malloc ((n_values + 1) * sizeof *dtypes);
  RtPlanConfig config = { .weight_dtypes = dtypes,
                          .n_threads = n_threads,
                          .kv_format = build->config.kv_format,
                          .kv_capacity = build->config.kv_capacity,
                          .planner = build->config.planner };

  if (dtypes == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "No memory to plan the build's");
  memcpy (config.max_symbols, build->config.max_symbols, sizeof config.max_symbols);
  for (uint32_t i = 0; i < n_values; i++)
    dtypes[i] = build->weights[i] != NULL ? (int)rt_weight_dtype (build->weights[i]) : -1;
  RtPlan *plan = rt_plan_new (build->graph, &config, error);
  free (dtypes);
  if (plan == NULL)
    return false;
  uint64_t needed = plan->arena_bytes + plan->shared_scratch_bytes
                    + n_threads * plan->thread_scratch_bytes + cache_bytes (build) + OWN_BYTES;
  rt_plan_free (plan);
  return check (needed, "The build's activations and cache, beside its weights,", error);
}
