/* A profile of what an estimate expects, so that a recipe that was never run has its place under
 * the roofs. */
#pragma once

#include "eng-estimate.h"

G_BEGIN_DECLS

/* Every time is the estimate's, one "sample" without an interval: to be shown as an estimate, never
 * as measured. NULL and @error where the recipe cannot be sketched. Milliseconds. */
EngProfile *eng_roofline_expected_profile (EngForecast *forecast, GError **error);

G_END_DECLS
