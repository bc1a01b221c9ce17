/* Comparability in the user's language; what it is, eng-comparable.c says. */
#include "app-compare.h"

#include "app-config.h"

#include <glib/gi18n.h>

static const char *
intern (const char *reason)
{
  return reason != NULL ? g_intern_string (_ (reason)) : NULL;
}

AppComparable
app_compare_check (EngRun *a, EngRun *b)
{
  EngComparable comparable;
  AppComparable result;

  eng_comparable_check (&comparable, a, b);
  result.layers = intern (comparable.withheld[ENG_ASPECT_LAYERS]);
  result.times = intern (comparable.withheld[ENG_ASPECT_TIMES]);
  result.caveat = intern (comparable.caveats[0]);
  eng_comparable_clear (&comparable);
  return result;
}
