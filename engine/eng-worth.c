/* Two recipes' products held against each other, and the words for it. Called by techniques'
 * verdict(); knows none of them. */
#include "eng-worth.h"

#include <math.h>

static gboolean
compare (EngWorth *worth, const EngProductTime *now, const EngProductTime *before,
         EngKernelSource source, gboolean of_run)
{
  EngChange change = eng_change (&before->time, &now->time, TRUE);

  if (change.verdict == ENG_CHANGE_NONE)
    return FALSE;
  worth->change = change;
  worth->source = source;
  worth->is_exact = now->is_exact && before->is_exact;
  worth->of_run = of_run;
  return TRUE;
}

EngWorth
eng_worth (EngModel *model, EngRecipe *recipe, EngRecipe *other, EngRun *run, int layer,
           EngWorthSources sources)
{
  EngWorth worth = { .change = { ENG_CHANGE_NONE, NAN, NAN, NAN, FALSE, "not measured" } };
  EngProductTime now = { 0 }, before = { 0 };

  worth.sources = sources;
  g_return_val_if_fail (ENG_IS_MODEL (model) && recipe != NULL && other != NULL, worth);

  if (sources == ENG_WORTH_ANY)
    {
      worth.has_recipe
          = eng_product_time (model, recipe, layer, ENG_KERNEL_BENCH, &now) && now.time.available;
      worth.has_other = eng_product_time (model, other, layer, ENG_KERNEL_BENCH, &before)
                        && before.time.available;
      if (worth.has_recipe && worth.has_other
          && compare (&worth, &now, &before, ENG_KERNEL_BENCH, FALSE))
        return worth;
    }
  if (eng_product_time (model, other, layer, ENG_KERNEL_RUN, &before) && before.time.available
      && (run != NULL ? eng_product_time_of_run (run, layer, &now)
                      : eng_product_time (model, recipe, layer, ENG_KERNEL_RUN, &now))
      && now.time.available)
    compare (&worth, &now, &before, ENG_KERNEL_RUN, run != NULL);
  return worth;
}

/* ---- Words ---- */

static const char *
source_words (const EngWorth *worth)
{
  if (worth->source == ENG_KERNEL_BENCH)
    return worth->is_exact ? "products timed by themselves"
                           : "between products timed by themselves";
  return worth->of_run ? "this run's products against those of earlier runs"
                       : "products of earlier runs";
}

static char *
dup_why_not (const EngWorth *worth, const char *than)
{
  if (worth->sources == ENG_WORTH_RUNS)
    return g_strdup_printf ("what it is worth here is not known yet: it takes a run of this recipe "
                            "and one of %s, both undisturbed",
                            than);
  if (worth->has_recipe)
    return g_strdup_printf ("what it is worth here is not known yet: the products of %s were not "
                            "timed in the same way (the window does while it is idle, lathe "
                            "estimate --measure at once)",
                            than);
  if (worth->has_other)
    return g_strdup (
        "what it is worth here is not known yet: its products were not timed by "
        "themselves (the window does while it is idle, lathe estimate --measure at once)");
  return g_strdup_printf ("what it is worth here is not known yet: neither its products nor those "
                          "of %s were timed in the same way (the window does while it is idle, "
                          "lathe estimate --measure at once)",
                          than);
}

/* "10 to 14", "−0.4 to 1.2": one decimal where small ones matter. */
static void
add_range (GString *text, double low, double high, const char *unit)
{
  int digits = fabs (low) < 10 || fabs (high) < 10 ? 1 : 0;

  if (!isfinite (low) || !isfinite (high))
    g_string_append (text, " (too few samples for an interval)");
  else
    g_string_append_printf (text, " (%s%.*f to %s%.*f%s)", low < 0 ? "−" : "", digits, fabs (low),
                            high < 0 ? "−" : "", digits, fabs (high), unit);
}

char *
eng_worth_dup_change (const EngWorth *worth, const char *than)
{
  const EngChange *change = &worth->change;
  g_autoptr (GString) text = g_string_new (NULL);

  if (change->verdict == ENG_CHANGE_NONE)
    return dup_why_not (worth, than);
  /* 25 % faster: three quarters of the time, as everywhere in the window. */
  gboolean slower = change->frac > 0;
  double percent = 100 * fabs (change->frac), sign = slower ? 100 : -100;
  g_string_append_printf (text, "%.*f %% %s here than %s%s", percent < 10 ? 1 : 0, percent,
                          slower ? "slower" : "faster", than,
                          change->verdict == ENG_CHANGE_SAME ? ", within the noise" : "");
  add_range (text, MIN (sign * change->low, sign * change->high),
             MAX (sign * change->low, sign * change->high), " %");
  g_string_append_printf (text, ", %s", source_words (worth));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

char *
eng_worth_dup_speedup (const EngWorth *worth, const char *than)
{
  const EngChange *change = &worth->change;
  g_autoptr (GString) text = g_string_new (NULL);

  if (change->verdict == ENG_CHANGE_NONE)
    return dup_why_not (worth, than);
  g_string_append_printf (text, "%.2f× here", 1 / (1 + change->frac));
  if (isfinite (change->low) && isfinite (change->high))
    g_string_append_printf (text, " (%.2f to %.2f)", 1 / (1 + change->high), 1 / (1 + change->low));
  else
    g_string_append (text, " (too few samples for an interval)");
  g_string_append_printf (text, " the speed of %s, %s", than, source_words (worth));
  return g_string_free (g_steal_pointer (&text), FALSE);
}
