/* The plan of structured pruning: counts from the recipe and the blocks' importance, then the units
 * themselves from calibration. Called by the technique, for builds, sketches and words; changes
 * nothing. The arithmetic is in eng-prune-budget.c. */
#include "eng-prune.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-prune-budget.h"
#include "kn-quant.h"

#define ID "prune-structured"
#define MAX_SHARE 0.9 /* of a block: what is left must still be a block */

/* ---- what the recipe says ---- */

static double
share_of (EngRecipe *recipe, const char *param, const char *target)
{
  g_autoptr (GVariant) value = eng_recipe_get (recipe, ID, param, target);
  return g_variant_get_double (value) / 100;
}

/* Whether a rule names this block: then it has its own share, and no part in the common budget. */
static gboolean
has_rule (EngRecipe *recipe, const char *param, const char *target)
{
  for (guint i = 0; i < eng_recipe_n_rules (recipe, ID); i++)
    {
      EngRule rule = eng_recipe_get_rule (recipe, ID, i);
      if (strcmp (rule.param, param) == 0 && g_pattern_match_simple (rule.match, target))
        return TRUE;
    }
  return FALSE;
}

static char *
target_of (const char *param, guint block)
{
  return g_strdup_printf ("blk.%u.%s.weight", block,
                          strcmp (param, "heads") == 0 ? "attn_output" : "ffn_down");
}

gboolean
eng_prune_is_wanted (EngModel *model, EngRecipe *recipe)
{
  static const char *const names[] = { "channels", "heads" };

  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    for (guint i = 0; i < eng_model_get_n_layers (model); i++)
      {
        g_autofree char *target = target_of (names[k], i);
        if (share_of (recipe, names[k], target) > 0)
          return TRUE;
      }
  return FALSE;
}

static guint
unit_channels (EngRecipe *recipe)
{
  g_autofree char *text = eng_recipe_get_string (recipe, ID, "multiple", NULL);
  return (guint)g_ascii_strtoull (text, NULL, 10);
}

/* ---- counts ---- */

typedef struct
{
  EngModel *model;
  EngRecipe *recipe;
  EngActivations *activations;
  EngPrunePlan *plan;
  const char *param;
  guint n_units; /* of a block that has the part */
} Counting;

static gboolean
has_part (const EngPruneBlock *block, const char *param)
{
  return (strcmp (param, "heads") == 0 ? block->n_groups : block->n_channels) > 0;
}

/* Angular change of the stream; the mean of the others where it was not measured. */
static void
read_importance (Counting *c, const guint *members, guint n, double *importance)
{
  double sum = 0, change;
  guint n_known = 0;

  for (guint i = 0; i < n; i++)
    {
      double cosine;
      importance[i] = NAN;
      if (!eng_activations_get_block (c->activations, (int)members[i], &cosine, &change))
        continue;
      importance[i] = acos (CLAMP (cosine, -1, 1)) / G_PI;
      sum += importance[i];
      n_known++;
    }
  for (guint i = 0; i < n; i++)
    if (isnan (importance[i]))
      importance[i] = n_known > 0 ? sum / n_known : 0;
}

/* The common budget: units that go from every block without a rule of its own. */
static void
spread_common (Counting *c, const guint *members, guint n, guint *removed)
{
  g_autofree char *spread = eng_recipe_get_string (c->recipe, ID, "spread", NULL);
  g_autofree double *importance = g_new0 (double, n + 1), *shares = g_new (double, n + 1);
  double share = share_of (c->recipe, c->param, NULL);
  gboolean by_importance = strcmp (spread, "importance") == 0;

  if (by_importance && c->activations != NULL)
    read_importance (c, members, n, importance);
  else if (by_importance && share > 0)
    c->plan->is_even = TRUE;
  eng_prune_spread (by_importance ? importance : NULL, n, share, MAX_SHARE, shares);
  eng_prune_units (shares, n, c->n_units, 1, removed);
}

/* Units that go from every block: [n_blocks]. */
static guint *
count_removed (Counting *c)
{
  EngPrunePlan *plan = c->plan;
  guint *removed = g_new0 (guint, plan->n_blocks + 1);
  g_autofree guint *members = g_new (guint, plan->n_blocks + 1);
  g_autofree guint *common = g_new0 (guint, plan->n_blocks + 1);
  guint n = 0;

  for (guint i = 0; i < plan->n_blocks; i++)
    {
      g_autofree char *target = target_of (c->param, i);
      if (!has_part (&plan->blocks[i], c->param))
        continue;
      if (!has_rule (c->recipe, c->param, target))
        {
          members[n++] = i;
          continue;
        }
      double share = share_of (c->recipe, c->param, target);
      eng_prune_units (&share, 1, c->n_units, 1, &removed[i]);
    }
  spread_common (c, members, n, common);
  for (guint i = 0; i < n; i++)
    removed[members[i]] = common[i];
  return removed;
}

static void
find_parts (EngPrunePlan *plan, EngModel *model, const RtGraph *source)
{
  const RtArchParams *p = eng_model_get_params (model);

  for (guint i = 0; i < plan->n_blocks; i++)
    {
      g_autofree char *down = target_of ("channels", i), *output = target_of ("heads", i);
      EngPruneBlock *block = &plan->blocks[i];
      block->n_channels = rt_graph_find_value (source, down) != RT_NONE ? p->n_ff : 0;
      block->n_groups = rt_graph_find_value (source, output) != RT_NONE ? p->n_kv_heads : 0;
      block->n_channels_kept = block->n_channels;
      block->n_groups_kept = block->n_groups;
      block->channel_energy = block->group_energy = 1;
    }
}

EngPrunePlan *
eng_prune_plan_new (EngModel *model, EngRecipe *recipe, const RtGraph *source,
                    EngActivations *activations)
{
  const RtArchParams *p = eng_model_get_params (model);
  EngPrunePlan *plan = g_new0 (EngPrunePlan, 1);
  guint unit = unit_channels (recipe);
  Counting c = { model, recipe, activations, plan, .param = "channels" };

  plan->n_blocks = eng_model_get_n_layers (model);
  plan->blocks = g_new0 (EngPruneBlock, plan->n_blocks + 1);
  find_parts (plan, model, source);
  c.n_units = MAX (1, p->n_ff / unit);
  g_autofree guint *channels = count_removed (&c);
  c.param = "heads";
  c.n_units = p->n_kv_heads;
  g_autofree guint *groups = count_removed (&c);
  for (guint i = 0; i < plan->n_blocks; i++)
    {
      EngPruneBlock *block = &plan->blocks[i];
      /* What does not fill a unit goes with the first one. */
      if (channels[i] > 0)
        block->n_channels_kept = (p->n_ff / unit - channels[i]) * unit;
      block->n_groups_kept -= groups[i];
      plan->any |= channels[i] > 0 || groups[i] > 0;
    }
  return plan;
}

void
eng_prune_plan_free (EngPrunePlan *plan)
{
  if (plan == NULL)
    return;
  for (guint i = 0; i < plan->n_blocks; i++)
    {
      g_free (plan->blocks[i].channels);
      g_free (plan->blocks[i].groups);
    }
  g_free (plan->blocks);
  g_free (plan);
}

/* ---- which ---- */

guint
eng_prune_group_heads (EngModel *model)
{
  const RtArchParams *p = eng_model_get_params (model);
  return p->n_heads / p->n_kv_heads;
}

guint32 *
eng_prune_widen (const guint32 *groups, guint n, guint width)
{
  guint32 *wide = g_new (guint32, (gsize)n * width + 1);
  for (guint i = 0; i < n; i++)
    for (guint k = 0; k < width; k++)
      wide[(gsize)i * width + k] = groups[i] * width + k;
  return wide;
}

static const EngTensor *
find_tensor (EngModel *model, const char *name)
{
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    if (strcmp (eng_model_get_tensor (model, i)->name, name) == 0)
      return eng_model_get_tensor (model, i);
  return NULL;
}

/* E[x_c^2] |W_c|^2 of every column of the file's matrix: what it adds to the output, squared, if
 * columns did not belong together. Newly allocated [n_cols]; NULL and @error. */
static double *
column_energies (EngModel *model, EngActivations *activations, const char *name, GError **error)
{
  const EngTensor *tensor = find_tensor (model, name);
  EngChannelStats stats;

  if (tensor == NULL || !eng_activations_get_channels (activations, name, &stats))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                   "%s: the calibration knows nothing of it, so its columns cannot be ranked",
                   name);
      return NULL;
    }
  const RtValue *value = rt_graph_value (eng_model_get_graph (model), tensor->value);
  gsize row_bytes = kn_row_bytes ((KnDtype)tensor->dtype, tensor->n_cols);
  double *energies = g_new0 (double, tensor->n_cols + 1);
  g_autofree float *row = g_new (float, tensor->n_cols);

  for (guint64 r = 0; r < tensor->n_rows; r++)
    {
      kn_dequantize_row ((KnDtype)tensor->dtype, (const guint8 *)value->data + r * row_bytes, row,
                         tensor->n_cols);
      for (guint64 c = 0; c < tensor->n_cols; c++)
        energies[c] += (double)row[c] * (double)row[c];
    }
  for (guint64 c = 0; c < tensor->n_cols; c++)
    energies[c] *= (double)stats.mean_square[c];
  return energies;
}

/* The share of all @energies that units @kept of @width columns have. */
static double
kept_share (const double *energies, guint n, const guint32 *kept, guint n_kept)
{
  double sum = 0, all = 0;
  for (guint i = 0; i < n; i++)
    all += energies[i];
  for (guint i = 0; i < n_kept; i++)
    sum += energies[kept[i]];
  return all > 0 ? sum / all : 1;
}

/* Sums over runs of @width columns, in place. */
static void
sum_runs (double *energies, guint n_runs, guint width)
{
  for (guint g = 0; g < n_runs; g++)
    {
      double sum = 0;
      for (guint k = 0; k < width; k++)
        sum += energies[(gsize)g * width + k];
      energies[g] = sum;
    }
}

static gboolean
choose (EngModel *model, EngActivations *activations, const char *param, guint block, guint n,
        guint width, guint n_kept, guint32 **kept, double *energy, GError **error)
{
  g_autofree char *name = target_of (param, block);
  g_autofree double *energies = column_energies (model, activations, name, error);

  if (energies == NULL)
    return FALSE;
  if (width > 1)
    sum_runs (energies, n, width);
  g_free (*kept);
  *kept = g_new (guint32, n_kept + 1);
  eng_prune_choose (energies, n, n_kept, *kept);
  *energy = kept_share (energies, n, *kept, n_kept);
  return TRUE;
}

gboolean
eng_prune_plan_choose (EngPrunePlan *plan, EngModel *model, EngActivations *activations,
                       guint index, GError **error)
{
  EngPruneBlock *block = &plan->blocks[index];
  guint width = eng_prune_group_heads (model) * eng_model_get_params (model)->head_dim;

  return (block->n_channels_kept == block->n_channels
          || choose (model, activations, "channels", index, block->n_channels, 1,
                     block->n_channels_kept, &block->channels, &block->channel_energy, error))
         && (block->n_groups_kept == block->n_groups
             || choose (model, activations, "heads", index, block->n_groups, width,
                        block->n_groups_kept, &block->groups, &block->group_energy, error));
}
