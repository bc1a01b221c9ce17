/* The cost model: joules of arithmetic, of instructions and of moving bytes, from what a node
 * counts (RtCost) and where its bytes come from. Called by runs, the lanes and the command line. It
 * measures nothing and knows nothing of meters: its numbers are never shown without the word
 * "modelled".
 *
 * A node of F operations, F / 2 multiply-adds:
 *
 *   arithmetic    F / 2 x (multiply + add) of its numbers; 8-bit products in groups of 32: one
 *                 multiply and add of floats more per group
 *   instructions  F / 2 / lanes x the price of an instruction; one that multiplies 64 pairs costs
 *                 as much to fetch and decode as one that multiplies 1
 *   memory        each byte once, at the price of the level it comes from: weights from the nearest
 *                 level that holds everything one run of the graph reads (a weight is needed again
 *                 only in the next run), activations from the nearest that holds the node's own
 *
 * Left out, because nothing here can know it: leakage and the clock tree (static power), the rest
 * of the machine, losses of power supplies, bytes moved more than once, prefetching, speculation,
 * and that no two processors are alike. So it is a lower bound that is good for comparing builds,
 * and poor for sizing batteries. */
#include "eng-energy.h"

#include <math.h>
#include <stdlib.h>

#include "eng-build-private.h"
#include "eng-estimate.h"
#include "eng-profile-private.h"
#include "rt-exec.h"

/* Values that share one scale in the formats of language models (KN_Q8_GROUP). */
#define GROUP 32

#define PJ 1e-12

/* 45 nm: M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014,
 * figure 1.1.9 (45 nm, 0.9 V): arithmetic; caches of 8 KB, 32 KB and 1 MB for 64 bits: 10, 20, 100
 * pJ; main memory 1.3 to 2.6 nJ for 64 bits, of which the lower; 70 pJ of an instruction (figure
 * 1.1.10).
 *
 * 7 nm: N. Jouppi et al., "Ten lessons from three generations shaped Google's TPUv4i", ISCA 2021,
 * table 2, which sets both generations side by side: the same rows; 8.5 pJ for 64 bits from 32 KB,
 * 14 pJ from 1 MB, 1.3 nJ from DDR4. It has no row for an instruction: 45 nm's over the table's
 * geometric mean of 2.6.
 *
 * L1 is the row of 32 KB. L2 and L3 are both the row of 1 MB: a bank of L3 is of that size, and the
 * wires to a far bank are in neither paper. Prices of 64 bits over 8 are those of a byte. */
static const EngEnergyProcess processes[] = {
  {
      .name = "45 nm",
      .source = "Horowitz, ISSCC 2014",
      .f32_add_j = 0.9 * PJ,
      .f32_multiply_j = 3.7 * PJ,
      .int8_multiply_j = 0.2 * PJ,
      .int32_add_j = 0.1 * PJ,
      .instruction_j = 70 * PJ,
      .byte_j = { 20 * PJ / 8, 100 * PJ / 8, 100 * PJ / 8, 1300 * PJ / 8 },
  },
  {
      .name = "7 nm",
      .source = "Horowitz, ISSCC 2014, and Jouppi et al., ISCA 2021",
      .f32_add_j = 0.38 * PJ,
      .f32_multiply_j = 1.31 * PJ,
      .int8_multiply_j = 0.07 * PJ,
      .int32_add_j = 0.03 * PJ,
      .instruction_j = 70 / 2.6 * PJ,
      .byte_j = { 8.5 * PJ / 8, 14 * PJ / 8, 14 * PJ / 8, 1300 * PJ / 8 },
  },
};

/* Multiply-adds of one instruction, from the widths of the registers and of the products that the
 * kernels use. Without a product of bytes as one instruction (AVX2, NEON) two or more are needed:
 * their share. */
static const struct
{
  const char *isa;
  double f32, int8;
} lanes[] = {
  { "c", 1, 1 },        /* plain C: what the compiler makes of it is not counted on */
  { "avx2", 8, 16 },    /* 32 products take vpmaddubsw and vpmaddwd */
  { "avx512", 16, 64 }, /* vpdpbusd */
  { "neon", 4, 8 },     /* 16 products take smull, smull2 or smlal and their sum */
  { "dotprod", 4, 16 }, /* sdot */
};

const EngEnergyProcess *
eng_energy_process_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (processes); i++)
    if (g_strcmp0 (processes[i].name, name) == 0)
      return &processes[i];
  return NULL;
}

const char *
eng_memory_level_name (EngMemoryLevel level)
{
  static const char *const names[ENG_N_MEMORY_LEVELS] = { "l1", "l2", "l3", "main" };
  g_return_val_if_fail (level < ENG_N_MEMORY_LEVELS, NULL);
  return names[level];
}

void
eng_energy_model_init (EngEnergyModel *model, const char *isa, guint n_threads, EngMachine *machine)
{
  guint n;
  const EngCache *caches = eng_machine_get_caches (machine, &n);

  *model = (EngEnergyModel){ .process = eng_energy_process_find (ENG_ENERGY_PROCESS),
                             .f32_per_instruction = 1,
                             .int8_per_instruction = 1,
                             .caches_known = n > 0 };
  for (guint i = 0; i < G_N_ELEMENTS (lanes); i++)
    if (g_strcmp0 (lanes[i].isa, isa) == 0)
      {
        model->isa_known = TRUE;
        model->f32_per_instruction = lanes[i].f32;
        model->int8_per_instruction = lanes[i].int8;
      }
  for (guint i = 0; i < n; i++)
    if (caches[i].level >= 1 && caches[i].level <= 3)
      {
        /* Each thread has its own, unless it shares it. */
        guint sharing = MAX (caches[i].n_sharing, 1);
        guint n_caches = (MAX (n_threads, 1) + sharing - 1) / sharing;
        model->holds_bytes[caches[i].level - 1] = (double)caches[i].bytes * n_caches;
      }
}

char *
eng_energy_model_describe (const EngEnergyModel *model)
{
  if (!model->isa_known)
    return g_strdup ("Not modelled: the prices are those of computers' processors, and this is "
                     "none.");

  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (
      text,
      "Modelled, not measured: dynamic energy of arithmetic, instructions and data movement in %s "
      "logic (%s). ",
      model->process->name, model->process->source);
  if (model->caches_known)
    {
      g_string_append (text,
                       "Bytes come from the nearest level that holds what is read before they "
                       "are read again:");
      for (EngMemoryLevel level = 0; level < ENG_MEMORY_MAIN; level++)
        if (model->holds_bytes[level] > 0)
          {
            g_autofree char *bytes = eng_format_value (model->holds_bytes[level], "B");
            g_string_append_printf (text, " L%u %s,", level + 1, bytes);
          }
      g_string_append (text, " else main memory. ");
    }
  else
    g_string_append (text,
                     "The sizes of the caches are unknown here, so every byte counts as one of "
                     "main memory. ");
  g_string_append (text, "Left out: static power, the rest of the machine, losses of the power "
                         "supply, bytes that are moved more than once.");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

double
eng_energy_parts_sum (const EngEnergyParts *parts)
{
  double sum = parts->arithmetic_j + parts->instruction_j;
  for (EngMemoryLevel level = 0; level < ENG_N_MEMORY_LEVELS; level++)
    sum += parts->memory_j[level];
  return sum;
}

typedef struct
{
  const char *name;
  double joules;
} Part;

static int
compare_parts (const void *a, const void *b)
{
  const Part *x = a, *y = b;
  return (x->joules < y->joules) - (x->joules > y->joules);
}

char *
eng_energy_parts_describe (const EngEnergyParts *parts)
{
  Part all[] = {
    { "arithmetic", parts->arithmetic_j },    { "instructions", parts->instruction_j },
    { "L1", parts->memory_j[ENG_MEMORY_L1] }, { "L2", parts->memory_j[ENG_MEMORY_L2] },
    { "L3", parts->memory_j[ENG_MEMORY_L3] }, { "main memory", parts->memory_j[ENG_MEMORY_MAIN] }
  };
  double sum = eng_energy_parts_sum (parts);
  g_autoptr (GString) text = g_string_new (NULL);

  qsort (all, G_N_ELEMENTS (all), sizeof all[0], compare_parts);
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (sum > 0 && all[i].joules / sum >= 0.005)
      g_string_append_printf (text, "%s%s %.0f %%", i > 0 ? ", " : "", all[i].name,
                              100 * all[i].joules / sum);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The nearest level that holds @bytes. */
static EngMemoryLevel
level_of (const EngEnergyModel *model, double bytes)
{
  EngMemoryLevel level = ENG_MEMORY_L1;
  while (level < ENG_MEMORY_MAIN && !(bytes <= model->holds_bytes[level]))
    level++;
  return level;
}

void
eng_energy_model_node (const EngEnergyModel *model, const RtCost *cost, EngArithmetic arithmetic,
                       gboolean groups, double step_bytes, EngEnergyParts *parts)
{
  const EngEnergyProcess *p = model->process;
  double n = 0.5 * (double)cost->flops;
  double f32_j = p->f32_multiply_j + p->f32_add_j;
  double activations = (double)cost->read_bytes + (double)cost->write_bytes;
  EngMemoryLevel weights_level = level_of (model, step_bytes);
  EngMemoryLevel activations_level = level_of (model, activations);

  *parts = (EngEnergyParts){ 0 };
  if (arithmetic == ENG_ARITHMETIC_INT8)
    {
      double scales = groups ? n / GROUP : 0;
      parts->arithmetic_j = n * (p->int8_multiply_j + p->int32_add_j) + scales * f32_j;
      parts->instruction_j
          = p->instruction_j
            * (n / model->int8_per_instruction + scales / model->f32_per_instruction);
    }
  else
    {
      parts->arithmetic_j = n * f32_j;
      parts->instruction_j = p->instruction_j * n / model->f32_per_instruction;
    }
  parts->memory_j[weights_level] += (double)cost->weight_bytes * p->byte_j[weights_level];
  parts->memory_j[activations_level] += activations * p->byte_j[activations_level];
}

/* ---- A phase ---- */

static void
add_parts (EngEnergyParts *sum, const EngEnergyParts *parts, double scale)
{
  sum->arithmetic_j += scale * parts->arithmetic_j;
  sum->instruction_j += scale * parts->instruction_j;
  for (EngMemoryLevel level = 0; level < ENG_N_MEMORY_LEVELS; level++)
    sum->memory_j[level] += scale * parts->memory_j[level];
}

/* Everything that one run of the graph reads: weights, the most that is alive of activations, the
 * cache up to the position. */
static double
count_step_bytes (EngProfile *profile, RtPhase phase)
{
  double weights = 0, alive = 0, cache = 0;
  const EngPhaseProfile *data = eng_profile_get_phase (profile, phase);
  int n_layers = eng_profile_get_n_layers (profile);

  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    weights += (double)eng_profile_get_node_cost (profile, i, phase)->weight_bytes;
  for (int layer = -1; layer <= n_layers; layer++)
    alive = MAX (alive, (double)eng_profile_get_layer_memory (profile, layer)->activation_bytes);
  if (data->position > 0)
    for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
      if (eng_profile_get_node_memory (profile, i)->kv_bytes > 0)
        cache += (double)eng_profile_get_node_cost (profile, i, phase)->read_bytes;
  return weights + alive + cache;
}

/* Whether anything is known of the phase: a run of it was instrumented, or its costs were worked
 * out. */
static gboolean
has_costs (EngProfile *profile, RtPhase phase)
{
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    {
      const RtCost *cost = eng_profile_get_node_cost (profile, i, phase);
      if (cost->flops + cost->weight_bytes + cost->read_bytes + cost->write_bytes > 0)
        return TRUE;
    }
  return FALSE;
}

void
eng_energy_model_phase (const EngEnergyModel *model, EngProfile *profile, RtPhase phase,
                        EngEnergyModelled *modelled)
{
  guint n_nodes = eng_profile_get_n_nodes (profile);
  int n_layers = eng_profile_get_n_layers (profile);
  const EngPhaseProfile *data = eng_profile_get_phase (profile, phase);
  gboolean text = phase != RT_PHASE_INFERENCE;
  double scale = text && data->n_tokens > 0 ? 1.0 / data->n_tokens : 1;

  *modelled = (EngEnergyModelled){ 0 };
  if (!has_costs (profile, phase))
    {
      modelled->reason = "this phase was not run";
      return;
    }
  if (!model->isa_known)
    {
      modelled->reason = "the model knows no prices of this kind of processor";
      return;
    }
  double step_bytes = count_step_bytes (profile, phase);
  modelled->nodes_j = g_new (double, n_nodes + 1);
  modelled->layers_j = g_new0 (double, (gsize)n_layers + 2);
  for (guint i = 0; i < n_nodes; i++)
    {
      EngArithmetic arithmetic = eng_profile_get_node_arithmetic (profile, i);
      const RtCost *cost = eng_profile_get_node_cost (profile, i, phase);
      EngEnergyParts parts;
      if (arithmetic == ENG_ARITHMETIC_UNKNOWN && cost->flops > 0)
        {
          modelled->reason = "the run is of a version that did not keep the numbers it computed in";
          modelled->nodes_j[i] = NAN;
          continue;
        }
      eng_energy_model_node (model, cost, arithmetic, text, step_bytes, &parts);
      modelled->nodes_j[i] = scale * eng_energy_parts_sum (&parts);
      modelled->layers_j[CLAMP (eng_profile_get_node_layer (profile, i), -1, n_layers) + 1]
          += modelled->nodes_j[i];
      add_parts (&modelled->total, &parts, scale);
    }
  if (modelled->reason != NULL)
    eng_energy_modelled_clear (modelled);
}

void
eng_energy_modelled_clear (EngEnergyModelled *modelled)
{
  g_clear_pointer (&modelled->nodes_j, g_free);
  g_clear_pointer (&modelled->layers_j, g_free);
  modelled->total = (EngEnergyParts){ 0 };
}

/* ---- Before a run ---- */

static void
fill_costs (EngProfile *profile, EngBuild *build, RtPhase phase, guint n_tokens, guint position)
{
  EngPhaseProfile *data = &profile->phases[phase];

  data->n_tokens = n_tokens;
  data->position = position;
  for (guint i = 0; i < profile->info->n_nodes; i++)
    rt_exec_cost (eng_build_get_exec (build), i, n_tokens, position, &profile->costs[phase][i]);
}

/* Pictures and sounds have no size before a run: the one that estimates assume, not the largest
 * that the build could take. */
static void
fill_network_costs (EngProfile *profile, EngBuild *build)
{
  const RtGraph *graph = eng_build_get_graph (build);
  g_autofree int *dtypes = eng_build_dup_value_dtypes (build);
  int64_t symbols[RT_N_SYMBOLS];
  EngEstimateSizes sizes;

  eng_build_get_max_symbols (build, symbols);
  eng_estimate_sizes_init (&sizes, eng_build_get_model (build), NULL);
  for (guint i = 0; i < RT_N_SYMBOLS; i++)
    if (sizes.symbols[i] > 0)
      symbols[i] = MIN (symbols[i], sizes.symbols[i]);
  profile->phases[RT_PHASE_INFERENCE].n_tokens = 1;
  for (guint i = 0; i < profile->info->n_nodes; i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      node->op->cost (&(RtOpQuery){ .graph = graph,
                                    .node = node,
                                    .weight_dtypes = dtypes,
                                    .symbols = symbols,
                                    .kv_format = KN_F16,
                                    .n_threads = eng_build_get_n_threads (build) },
                      &profile->costs[RT_PHASE_INFERENCE][i]);
    }
}

EngProfile *
eng_energy_build_profile (EngBuild *build, guint n_prompt)
{
  g_return_val_if_fail (ENG_IS_BUILD (build), NULL);

  EngProfiler *profiler = eng_profiler_new (build, 1);
  EngProfile *profile = eng_profiler_snapshot (profiler);
  guint chunk = eng_build_get_max_tokens (build);

  eng_profiler_free (profiler);
  if (eng_model_get_kind (eng_build_get_model (build)) == ENG_MODEL_NETWORK)
    {
      fill_network_costs (profile, build);
      return profile;
    }
  n_prompt = n_prompt > 0 ? MIN (n_prompt, chunk) : chunk;
  fill_costs (profile, build, RT_PHASE_PREFILL, n_prompt, 0);
  fill_costs (profile, build, RT_PHASE_DECODE, 1, n_prompt);
  return profile;
}
