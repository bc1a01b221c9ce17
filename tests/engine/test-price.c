/* The price list: what a budget buys against all mixtures tried one by one; best exchange first on
 * a list made by hand; a list of the default model, its sums, sentences and recipe. */
#include <math.h>
#include <string.h>

#include "eng-price-private.h"
#include "eng-test.h"

#define N_ROWS 6
#define N_CHOICES 3

/* ---- the arithmetic ---- */

static double
sum (const EngPriceOption *options, const guint *choices, gboolean of_spend)
{
  double total = 0;
  for (guint r = 0; r < N_ROWS; r++)
    {
      const EngPriceOption *option = &options[r * N_CHOICES + choices[r]];
      total += of_spend ? option->spend : option->value;
    }
  return total;
}

/* Every mixture there is. */
static double
try_all (const EngPriceOption *options, double budget)
{
  double best = INFINITY;
  guint choices[N_ROWS];

  for (guint code = 0; code < 729; code++) /* 3^6 */
    {
      gboolean possible = TRUE;
      guint rest = code;
      for (guint r = 0; r < N_ROWS; r++, rest /= N_CHOICES)
        {
          choices[r] = rest % N_CHOICES;
          possible &= options[r * N_CHOICES + choices[r]].available;
        }
      if (possible && sum (options, choices, TRUE) <= budget)
        best = MIN (best, sum (options, choices, FALSE));
    }
  return best;
}

static void
test_exact (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);

  for (guint round = 0; round < 200; round++)
    {
      EngPriceOption options[N_ROWS * N_CHOICES];
      guint choices[N_ROWS], exchanged[N_ROWS];
      double least = 0, most = 0;

      for (guint r = 0; r < N_ROWS; r++)
        {
          double low = INFINITY, high = 0;
          for (guint c = 0; c < N_CHOICES; c++)
            {
              EngPriceOption *option = &options[r * N_CHOICES + c];
              *option = (EngPriceOption){ g_rand_double_range (rand, 1, 10),
                                          g_rand_double_range (rand, -1, 5),
                                          c == 0 || g_rand_int_range (rand, 0, 5) > 0 };
              if (!option->available)
                continue;
              low = MIN (low, option->spend);
              high = MAX (high, option->spend);
            }
          least += low;
          most += high;
        }
      double budget = g_rand_double_range (rand, least * 0.9, most);
      double best = try_all (options, budget);
      gboolean found = eng_price_solve (options, N_ROWS, N_CHOICES, budget, choices);

      g_assert_cmpint (found, ==, isfinite (best));
      g_assert_cmpint (eng_price_exchange (options, N_ROWS, N_CHOICES, budget, exchanged, NULL), ==,
                       found);
      if (!found)
        {
          g_assert_cmpfloat_with_epsilon (sum (options, choices, TRUE), least, 1e-9);
          continue;
        }
      g_assert_cmpfloat (sum (options, choices, TRUE), <=, budget * (1 + 1e-12));
      g_assert_cmpfloat_with_epsilon (sum (options, choices, FALSE), best, 1e-9);
      g_assert_cmpfloat (sum (options, exchanged, TRUE), <=, budget);
      g_assert_cmpfloat (sum (options, exchanged, FALSE), >=, best - 1e-9);
    }
}

/* Two layers, three precisions. From the widest (8 + 8): layer 1 spares 4 for 0.1, the best
 * exchange; then layer 0 spares 4 for 1. */
static void
test_exchange (void)
{
  const EngPriceOption options[] = {
    { 8, 0, TRUE }, { 4, 1.0, TRUE }, { 2, 9, TRUE }, /* layer 0 */
    { 8, 0, TRUE }, { 4, 0.1, TRUE }, { 2, 3, TRUE }, /* layer 1 */
  };
  g_autoptr (GArray) steps = g_array_new (FALSE, FALSE, sizeof (EngPriceStep));
  guint choices[2];

  g_assert_true (eng_price_exchange (options, 2, 3, 9, choices, steps));
  g_assert_cmpuint (choices[0], ==, 1);
  g_assert_cmpuint (choices[1], ==, 1);
  g_assert_cmpuint (steps->len, ==, 2);
  const EngPriceStep *first = &g_array_index (steps, EngPriceStep, 0);
  g_assert_cmpuint (first->row, ==, 1);
  g_assert_cmpfloat (first->spared, ==, 4);
  g_assert_cmpfloat (first->added, ==, 0.1);
  g_assert_false (eng_price_exchange (options, 2, 3, 3, choices, NULL));
  g_assert_cmpuint (choices[0], ==, 2);
  g_assert_cmpuint (choices[1], ==, 2);
}

/* ---- a list of a model ---- */

static void
test_model (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) base = eng_recipe_new ();
  const char *const choices[] = { "source", "q8_0", "q4_0", NULL };
  EngPriceConfig config = { .choices = choices, .n_windows = 2 };
  g_autoptr (EngKernelTable) table = eng_kernel_table_new (NULL, 0, NULL, 0);
  g_autoptr (EngEstimator) estimator = eng_estimator_new_for_table (table);
  char *directory = eng_test_directory ();
  g_autofree char *file = g_build_filename (directory, "history.db", NULL);
  double least, most;

  {
    g_autoptr (EngHistory) history = eng_history_open (file, &error);
    g_assert_no_error (error);
    g_autoptr (EngPrices) unknown
        = eng_prices_load (model, base, &config, estimator, history, &error);
    g_assert_no_error (error);
    g_assert_false (eng_prices_get (unknown, 0, 1)->loss.available);
    g_assert_true (eng_prices_get (unknown, 0, 0)->same);

    g_autoptr (EngPrices) prices
        = eng_prices_measure (model, base, &config, estimator, history, NULL, NULL, NULL, &error);
    g_assert_no_error (error);
    guint n = eng_prices_get_n_layers (prices);
    g_assert_cmpuint (n, >=, eng_model_get_n_layers (model));
    for (guint r = 0; r < n; r++)
      {
        const EngPrice *wide = eng_prices_get (prices, r, 0),
                       *eight = eng_prices_get (prices, r, 1),
                       *four = eng_prices_get (prices, r, 2);
        g_assert_true (eight->loss.available && four->loss.available);
        g_assert_cmpfloat (four->loss.value, >, eight->loss.value);
        g_assert_cmpfloat (four->bytes, <, eight->bytes);
        g_assert_cmpfloat (eight->bytes, <, wide->bytes);
        g_assert_true (isnan (four->ns)); /* nothing was timed, and there are no roofs */
      }

    /* Half of the bytes between the least and the most. */
    eng_prices_get_range (prices, ENG_BUDGET_SIZE, &least, &most);
    double budget = (least + most) / 2;
    g_autoptr (EngPurchase) greedy
        = eng_prices_buy (prices, ENG_BUDGET_SIZE, budget, FALSE, &error);
    g_autoptr (EngPurchase) best = eng_prices_buy (prices, ENG_BUDGET_SIZE, budget, TRUE, &error);
    g_assert_no_error (error);
    g_assert_true (greedy->is_feasible && best->is_feasible);
    g_assert_cmpfloat (greedy->bytes, <=, budget);
    g_assert_cmpfloat (best->bytes, <=, budget * (1 + 1e-12));
    g_assert_cmpfloat (best->loss, <=, greedy->loss + 1e-12);
    for (guint r = 0; r < n; r++)
      {
        g_autofree char *why = eng_purchase_dup_reason (prices, greedy, r);
        g_autofree char *why_best = eng_purchase_dup_reason (prices, best, r);
        const char *title = eng_prices_get_choice_title (prices, greedy->choices[r]);
        g_assert_true (g_str_has_prefix (why, title));
        g_assert_cmpuint (strlen (why_best), >, 20);
      }

    /* As a recipe: the build has just these bytes. */
    g_autoptr (EngRecipe) recipe = eng_purchase_make_recipe (prices, best, &error);
    g_assert_no_error (error);
    g_autoptr (EngBuild) build = eng_build_new (model, recipe, NULL, NULL, &error);
    g_assert_no_error (error);
    double bytes = 0;
    for (int layer = -1; layer <= (int)eng_model_get_n_layers (model); layer++)
      {
        EngLayerMemory memory;
        eng_build_get_layer_memory (build, layer, &memory);
        bytes += (double)memory.weight_bytes;
      }
    g_assert_cmpfloat_with_epsilon (bytes, best->bytes, 0.5);

    /* Times are unknown: no budget of time can be kept, and that is said. */
    g_assert_null (eng_prices_buy (prices, ENG_BUDGET_LATENCY, 1e6, FALSE, &error));
    g_assert_nonnull (strstr (error->message, "not measured yet"));
    g_clear_error (&error);

    /* Again from the history, to the last bit. */
    g_autoptr (EngPrices) again
        = eng_prices_load (model, base, &config, estimator, history, &error);
    g_assert_no_error (error);
    for (guint r = 0; r < n; r++)
      g_assert_cmpfloat (eng_prices_get (again, r, 2)->loss.value, ==,
                         eng_prices_get (prices, r, 2)->loss.value);
  }
  eng_test_remove (directory);
}

static void
test_errors (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) base = eng_recipe_new ();
  g_autoptr (EngKernelTable) table = eng_kernel_table_new (NULL, 0, NULL, 0);
  g_autoptr (EngEstimator) estimator = eng_estimator_new_for_table (table);
  const char *const wrong[] = { "q8_0", "q99", NULL }, *const one[] = { "q8_0", NULL };

  g_assert_null (eng_prices_load (model, base, &(EngPriceConfig){ .choices = wrong }, estimator,
                                  NULL, &error));
  g_assert_nonnull (strstr (error->message, "q99"));
  g_clear_error (&error);
  g_assert_null (
      eng_prices_load (model, base, &(EngPriceConfig){ .choices = one }, estimator, NULL, &error));
  g_assert_nonnull (strstr (error->message, "two"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/price/exact", test_exact);
  g_test_add_func ("/price/exchange", test_exchange);
  g_test_add_func ("/price/model", test_model);
  g_test_add_func ("/price/errors", test_errors);
  return g_test_run ();
}
