/* `lathe distribution FILE`: how the weights and activations of one layer are spread, on the grids
 * of their formats. */

#include <math.h>

#include "app-cli-private.h"
#include "eng-distribution.h"
#include "eng-error.h"
#include "eng-json.h"

static gboolean as_json, activations;
static char *recipe_text, *matrix, *text_path, *inputs;
static int layer = 0;

static const GOptionEntry entries[] = {
  { "layer", 'l', 0, G_OPTION_ARG_INT, &layer,
    "Layer of the layer axis: -1 what stands before the blocks, 0 the first block (0)", "N" },
  { "matrix", 'm', 0, G_OPTION_ARG_STRING, &matrix, "Only this matrix, whatever its layer",
    "NAME" },
  { "activations", 'a', 0, G_OPTION_ARG_NONE, &activations,
    "What the layer's operators give, not its weights", NULL },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text, "A recipe: a file or JSON", "FILE|JSON" },
  { "text", 0, 0, G_OPTION_ARG_FILENAME, &text_path,
    "With --activations, of a language model: what it reads (bundled texts without)", "FILE" },
  { "input", 'i', 0, G_OPTION_ARG_FILENAME, &inputs,
    "With --activations, of a network: a file, a folder or an archive (random without)", "FILE" },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object, histograms included", NULL },
  { NULL },
};

static gboolean
add_weights (GPtrArray *all, EngBuild *build, GError **error)
{
  g_auto (GStrv) names = matrix == NULL ? eng_distribution_list_weights (build, layer) : NULL;
  const char *const one[] = { matrix, NULL };

  for (const char *const *name = matrix != NULL ? one : (const char *const *)names; *name != NULL;
       name++)
    {
      EngDistribution *d = eng_distribution_weights (build, *name, NULL, error);

      if (d == NULL)
        return FALSE;
      g_ptr_array_add (all, d);
    }
  return TRUE;
}

static GPtrArray *
count (EngBuild *build, GError **error)
{
  g_autoptr (GPtrArray) all
      = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_distribution_free);
  g_autofree char *text = NULL, *name = NULL;

  if (!activations)
    return add_weights (all, build, error) ? g_steal_pointer (&all) : NULL;
  if (eng_model_get_kind (eng_build_get_model (build)) == ENG_MODEL_LANGUAGE
      && (text_path != NULL ? !g_file_get_contents (text_path, &text, NULL, error)
                            : (text = eng_sensitivity_dup_default_text (&name, error)) == NULL))
    return NULL;
  return eng_distribution_activations (build, layer,
                                       &(EngSensitivityConfig){
                                           .text = text,
                                           .text_name = text_path != NULL ? text_path : name,
                                           .inputs = inputs },
                                       NULL, error);
}

/* ---- text ---- */

/* 64 columns of eighths of a line, the highest bin full; logarithmic from one number up. */
static void
print_bars (const EngDistribution *d)
{
  static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
  guint64 most = 1;

  for (guint i = 0; i < ENG_DISTRIBUTION_BINS; i += 2)
    most = MAX (most, d->counts[i] + d->counts[i + 1]);
  g_print ("  ");
  for (guint i = 0; i < ENG_DISTRIBUTION_BINS; i += 2)
    {
      guint64 n = d->counts[i] + d->counts[i + 1];

      g_print ("%s",
               blocks[n == 0
                          ? 0
                          : 1 + (guint)floor (7 * log1p ((double)(n - 1)) / log1p ((double)most))]);
    }
  g_print ("  %.4g to %.4g, logarithmic counts\n", d->bin_low,
           d->bin_low + ENG_DISTRIBUTION_BINS * d->bin_width);
}

static void
print_one (const EngDistribution *d)
{
  g_print ("%s: %s, %s\n", d->name, d->format, d->source);
  print_bars (d);
  g_print ("  %.4g to %.4g, mean %.3g, standard deviation %.4g, %.2g %% beyond %d of them\n",
           d->min, d->max, d->mean, d->sd, 100 * (double)d->n_outliers / (double)MAX (1, d->n),
           ENG_OUTLIER_SD);
  if (d->n_not_finite > 0)
    g_print ("  %" G_GUINT64_FORMAT " are not finite\n", d->n_not_finite);
  if (d->has_grid)
    g_print ("  step %.4g (5 to 95 %%: %.4g to %.4g), %s\n", d->step_median, d->step_p5,
             d->step_p95, d->grid_note);
  else
    g_print ("  no grid: %s\n", d->grid_note);
  if (isinf (d->sqnr_db))
    g_print ("  nothing is rounded");
  else if (isfinite (d->sqnr_db))
    g_print ("  rounding: SQNR %.1f dB", d->sqnr_db);
  else
    g_print ("  rounding: not known");
  if (isfinite (d->clipped_frac))
    g_print (", %.3g %% beyond the grid", 100 * d->clipped_frac);
  if (isfinite (d->entropy_bits))
    g_print (", the codes hold %.2f of %u bits", d->entropy_bits, d->code_bits);
  g_print ("\n\n");
}

/* ---- JSON ---- */

static void
add_counts (JsonBuilder *builder, const char *name, const guint64 *counts)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < ENG_DISTRIBUTION_BINS; i++)
    json_builder_add_int_value (builder, (gint64)counts[i]);
  json_builder_end_array (builder);
}

static void
add_grid (JsonBuilder *builder, const EngDistribution *d)
{
  json_builder_set_member_name (builder, "grid");
  json_builder_begin_object (builder);
  eng_json_add_double (builder, "step", d->grid.step);
  eng_json_add_double (builder, "offset", d->grid.offset);
  eng_json_add_int (builder, "code_low", d->grid.low);
  eng_json_add_int (builder, "code_high", d->grid.high);
  eng_json_add_int (builder, "grids", (gint64)d->n_grids);
  eng_json_add_double (builder, "step_p5", d->step_p5);
  eng_json_add_double (builder, "step_median", d->step_median);
  eng_json_add_double (builder, "step_p95", d->step_p95);
  eng_json_add_double (builder, "clipped_percent", 100 * d->clipped_frac);
  eng_json_add_double (builder, "entropy_bits", d->entropy_bits);
  eng_json_add_int (builder, "code_bits", d->code_bits);
  json_builder_end_object (builder);
}

static void
add_one (JsonBuilder *builder, const EngDistribution *d)
{
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "name", d->name);
  eng_json_add_string (builder, "kind",
                       d->kind == ENG_DISTRIBUTION_WEIGHTS ? "weights" : "activations");
  eng_json_add_string (builder, "format", d->format);
  eng_json_add_string (builder, "source", d->source);
  eng_json_add_int (builder, "n", (gint64)d->n);
  eng_json_add_int (builder, "n_not_finite", (gint64)d->n_not_finite);
  eng_json_add_int (builder, "n_outliers", (gint64)d->n_outliers);
  eng_json_add_double (builder, "min", d->min);
  eng_json_add_double (builder, "max", d->max);
  eng_json_add_double (builder, "mean", d->mean);
  eng_json_add_double (builder, "sd", d->sd);
  eng_json_add_bool (builder, "exact", isinf (d->sqnr_db));
  eng_json_add_double (builder, "rounding_sqnr_db", d->sqnr_db);
  eng_json_add_double (builder, "bin_low", d->bin_low);
  eng_json_add_double (builder, "bin_width", d->bin_width);
  add_counts (builder, "counts", d->counts);
  if (d->has_rounded)
    add_counts (builder, "rounded_counts", d->rounded_counts);
  if (d->has_grid)
    add_grid (builder, d);
  else
    eng_json_add_string (builder, "no_grid", d->grid_note);
  json_builder_end_object (builder);
}

static void
print_json (EngModel *model, EngRecipe *recipe, GPtrArray *all)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  app_cli_json_string (builder, "model", eng_model_get_name (model));
  app_cli_json_string (builder, "path", eng_model_get_path (model));
  app_cli_json_recipe (builder, recipe);
  json_builder_set_member_name (builder, "distributions");
  json_builder_begin_array (builder);
  for (guint i = 0; i < all->len; i++)
    add_one (builder, all->pdata[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  app_cli_json_print (builder);
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (EngModel) model = NULL;
  g_autoptr (EngRecipe) recipe = NULL;
  g_autoptr (EngBuild) build = NULL;
  g_autoptr (GPtrArray) all = NULL;

  if (!app_cli_parse (&app_command_distribution, entries, &argc, &argv, 1, error))
    return FALSE;
  recipe = app_cli_recipe (recipe_text, error);
  model = recipe != NULL ? eng_model_load (argv[1], NULL, error) : NULL;
  if (model == NULL)
    return FALSE;
  if (layer < -1 || layer > (int)eng_model_get_n_layers (model))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "--layer is %d, expected -1 to %u.", layer,
                   eng_model_get_n_layers (model));
      return FALSE;
    }
  build = app_cli_build (model, recipe, error);
  all = build != NULL ? count (build, error) : NULL;
  if (all == NULL)
    return FALSE;
  if (all->len == 0)
    {
      g_autofree char *name = eng_model_dup_layer_name (model, layer);

      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "%s has no %s that can be looked at.",
                   name, activations ? "floating-point activations" : "weight matrices");
      return FALSE;
    }
  if (as_json)
    print_json (model, recipe, all);
  else
    for (guint i = 0; i < all->len; i++)
      print_one (all->pdata[i]);
  return TRUE;
}

const AppCommand app_command_distribution
    = { "distribution", "FILE [--layer N | --matrix NAME] [--activations] [--recipe R] [--json]",
        "Histograms of a layer's weights or activations on the grids of their formats: steps, "
        "clipping, outliers, entropy.",
        run };
