/* `lathe price FILE`: what every layer costs in every precision, and the mixture that a budget
 * buys. */
#include "app-cli-private.h"

#include <math.h>

#include "eng-error.h"
#include "eng-history.h"
#include "eng-limit.h"
#include "eng-price.h"

static gboolean as_json, exact, dependence, only_known;
static char *recipe_text, *budget_text, *inputs, *output, *formats;
static int n_threads, n_windows;
static double bench_s = 20;

static const GOptionEntry entries[] = {
  { "formats", 'f', 0, G_OPTION_ARG_STRING, &formats,
    "Precisions to choose from, with commas (those that the model's rows fit)", "A,B,..." },
  { "budget", 'b', 0, G_OPTION_ARG_STRING, &budget_text,
    "At most so much: \"60 MB\" of weights, \"2 ms\" for a step, or a loss as a plain number of "
    "nat (networks: %). The rest is made small",
    "AMOUNT" },
  { "exact", 0, 0, G_OPTION_ARG_NONE, &exact,
    "The best mixture by dynamic programming, not best exchange first", NULL },
  { "dependence", 0, 0, G_OPTION_ARG_NONE, &dependence,
    "Measure also what taking one layer back gains while all others are changed; about a second "
    "for each layer and precision, not resumed after a stop",
    NULL },
  { "known", 0, 0, G_OPTION_ARG_NONE, &only_known, "Measure nothing: only what is known already",
    NULL },
  { "recipe", 0, 0, G_OPTION_ARG_STRING, &recipe_text,
    "Everything but the precisions: a recipe, a file or JSON", "FILE|JSON" },
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "Write the recipe that was bought",
    "FILE.json" },
  { "windows", 'w', 0, G_OPTION_ARG_INT, &n_windows, "Windows of text for the losses (16)", "N" },
  { "input", 'i', 0, G_OPTION_ARG_FILENAME, &inputs,
    "Of a network: a file, a folder or an archive (random without)", "FILE" },
  { "bench-seconds", 0, 0, G_OPTION_ARG_DOUBLE, &bench_s,
    "For timing kernels that were never timed here (20; 0: none)", "S" },
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "Threads, instead of the recipe's", "N" },
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

/* "60 MB" is a size, "2 ms" a time, a number alone a loss: the unit says which. */
static gboolean
parse_budget (EngBudgetKind *kind, double *amount, GError **error)
{
  char *end;
  double plain = g_ascii_strtod (budget_text, &end);

  if (end != budget_text && *end == '\0')
    {
      *kind = ENG_BUDGET_LOSS;
      *amount = plain;
    }
  else if (eng_figure_value_parse (budget_text, ENG_FIGURE_WEIGHTS, amount, NULL))
    *kind = ENG_BUDGET_SIZE;
  else if (eng_figure_value_parse (budget_text, ENG_FIGURE_STEP_CLEAN, amount, NULL))
    {
      *kind = ENG_BUDGET_LATENCY;
      *amount *= 1e6; /* ms */
    }
  else
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--budget %s is neither a size (60 MB), nor a time (2 ms), nor a loss (0.05)",
                   budget_text);
      return FALSE;
    }
  return TRUE;
}

/* ---- text ---- */

static char *
format_cell (const EngPrice *price)
{
  g_autofree char *time
      = isfinite (price->ns) ? eng_format_value (price->ns * 1e-9, "s") : g_strdup ("?");

  if (price->same)
    return g_strdup_printf ("0 %s", time);
  return price->loss.available ? g_strdup_printf ("%.2g %s", price->loss.value, time)
                               : g_strdup_printf ("? %s", time);
}

static void
print_text (EngPrices *prices, const EngPurchase *purchase)
{
  guint n_choices = eng_prices_get_n_choices (prices);

  g_print ("%-14s", eng_prices_get_loss_unit (prices));
  for (guint c = 0; c < n_choices; c++)
    g_print ("%-20s", eng_prices_get_choice_title (prices, c));
  g_print ("\n");
  for (guint r = 0; r < eng_prices_get_n_layers (prices); r++)
    {
      g_autofree char *name = eng_model_dup_layer_name (eng_prices_get_model (prices),
                                                        eng_prices_get_layer (prices, r));

      g_print ("%-14s", name);
      for (guint c = 0; c < n_choices; c++)
        {
          g_autofree char *cell = format_cell (eng_prices_get (prices, r, c));
          g_autofree char *marked
              = g_strdup_printf ("%s%s", purchase != NULL && purchase->choices[r] == c ? "*" : " ",
                                 cell);

          g_print ("%s%*s", marked, (int)MAX (1, 20 - g_utf8_strlen (marked, -1)), "");
        }
      g_print ("\n");
    }
  if (purchase == NULL)
    return;
  g_autofree char *bytes = eng_format_value (purchase->bytes, "B");
  g_autofree char *time = isfinite (purchase->ns) ? eng_format_value (purchase->ns * 1e-9, "s")
                                                  : g_strdup ("unavailable");
  g_print ("\n%s: %s of weights, ~%s a step%s, loss about %.3g %s (sum over layers%s)\n",
           purchase->is_feasible ? "Bought" : "The budget is below the cheapest mixture, which is",
           bytes, time,
           eng_prices_get_n_untimed (prices) > 0 ? " (without operators that were never timed)"
                                                 : "",
           purchase->loss, eng_prices_get_loss_unit (prices),
           eng_prices_has_dependence (prices) ? ", dependence included" : "");
  for (guint r = 0; r < eng_prices_get_n_layers (prices); r++)
    {
      g_autofree char *name = eng_model_dup_layer_name (eng_prices_get_model (prices),
                                                        eng_prices_get_layer (prices, r));
      g_autofree char *reason = eng_purchase_dup_reason (prices, purchase, r);

      g_print ("  %-12s %s\n", name, reason);
    }
}

/* ---- JSON ---- */

static void
add_json_cell (JsonBuilder *builder, EngPrices *prices, guint row, guint choice)
{
  const EngPrice *price = eng_prices_get (prices, row, choice);

  json_builder_begin_object (builder);
  app_cli_json_string (builder, "precision", eng_prices_get_choice (prices, choice));
  app_cli_json_figure (builder, "loss", &price->loss);
  app_cli_json_figure (builder, "restored", &price->restored);
  app_cli_json_number (builder, "time_ns", price->ns);
  app_cli_json_string (builder, "time_basis", eng_basis_name (price->basis));
  app_cli_json_number (builder, "weight_bytes", price->bytes);
  json_builder_end_object (builder);
}

static void
print_json (EngPrices *prices, const EngPurchase *purchase, EngRecipe *recipe)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  app_cli_json_string (builder, "loss_unit", eng_prices_get_loss_unit (prices));
  json_builder_set_member_name (builder, "layers");
  json_builder_begin_array (builder);
  for (guint r = 0; r < eng_prices_get_n_layers (prices); r++)
    {
      g_autofree char *name = eng_model_dup_layer_name (eng_prices_get_model (prices),
                                                        eng_prices_get_layer (prices, r));
      g_autofree char *reason
          = purchase != NULL ? eng_purchase_dup_reason (prices, purchase, r) : NULL;

      json_builder_begin_object (builder);
      app_cli_json_string (builder, "layer", name);
      app_cli_json_string (builder, "chosen",
                           purchase != NULL ? eng_prices_get_choice (prices, purchase->choices[r])
                                            : NULL);
      app_cli_json_string (builder, "reason", reason);
      json_builder_set_member_name (builder, "prices");
      json_builder_begin_array (builder);
      for (guint c = 0; c < eng_prices_get_n_choices (prices); c++)
        add_json_cell (builder, prices, r, c);
      json_builder_end_array (builder);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  if (purchase != NULL)
    {
      json_builder_set_member_name (builder, "within_budget");
      json_builder_add_boolean_value (builder, purchase->is_feasible);
      app_cli_json_number (builder, "weight_bytes", purchase->bytes);
      app_cli_json_number (builder, "step_ns_estimated", purchase->ns);
      app_cli_json_number (builder, "loss_sum_of_layers", purchase->loss);
      app_cli_json_recipe (builder, recipe);
    }
  json_builder_end_object (builder);
  app_cli_json_print (builder);
}

/* ---- running ---- */

static EngPrices *
gather (EngModel *model, EngRecipe *base, GError **error)
{
  g_auto (GStrv) choices = formats != NULL ? g_strsplit (formats, ",", -1) : NULL;
  EngPriceConfig config = { .choices = (const char *const *)choices,
                            .n_windows = (guint)MAX (n_windows, 0),
                            .inputs = inputs,
                            .dependence = dependence,
                            .bench_s = MAX (bench_s, 0) };
  g_autoptr (EngEstimator) estimator = app_cli_estimator (error);
  g_autoptr (EngHistory) history = estimator != NULL ? eng_history_open (NULL, error) : NULL;

  if (history == NULL)
    return NULL;
  if (only_known)
    return eng_prices_load (model, base, &config, estimator, history, error);
  g_autoptr (AppCliProgress) progress = app_cli_progress_new ("Price list");
  return eng_prices_measure (model, base, &config, estimator, history,
                             app_cli_progress_get_job (progress), NULL, NULL, error);
}

static gboolean
run (int argc, char **argv, GError **error)
{
  g_autoptr (EngPurchase) purchase = NULL;
  g_autoptr (EngRecipe) bought = NULL;
  EngBudgetKind kind = ENG_BUDGET_SIZE;
  double amount = 0;

  if (!app_cli_parse (&app_command_price, entries, &argc, &argv, 1, error)
      || (budget_text != NULL && !parse_budget (&kind, &amount, error)))
    return FALSE;
  if (output != NULL && budget_text == NULL)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "--output writes what a budget buys: give --budget, too");
      return FALSE;
    }
  g_autoptr (EngRecipe) recipe = app_cli_recipe (recipe_text, error);
  g_autoptr (EngRecipe) base
      = recipe != NULL ? app_cli_recipe_with_threads (recipe, n_threads, error) : NULL;
  g_autoptr (EngModel) model = base != NULL ? eng_model_load (argv[1], NULL, error) : NULL;
  g_autoptr (EngPrices) prices = model != NULL ? gather (model, base, error) : NULL;
  if (prices == NULL)
    return FALSE;
  if (budget_text != NULL)
    {
      purchase = eng_prices_buy (prices, kind, amount, exact, error);
      bought = purchase != NULL ? eng_purchase_make_recipe (prices, purchase, error) : NULL;
      if (bought == NULL)
        return FALSE;
    }
  if (as_json)
    print_json (prices, purchase, bought);
  else
    print_text (prices, purchase);
  if (output == NULL)
    return TRUE;
  g_autofree char *json = eng_recipe_to_json (bought);
  return g_file_set_contents (output, json, -1, error);
}

const AppCommand app_command_price = {
  "price",
  "FILE [--formats A,B,...] [--budget '60 MB'|'2 ms'|LOSS] [--exact] [-o RECIPE.json] [--json]",
  "What every layer costs in every precision (loss, time, bytes), and the mixture that a budget "
  "buys best",
  run
};
