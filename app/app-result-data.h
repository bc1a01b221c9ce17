/* Results and inputs as what plots draw. */
#pragma once

#include "eng-result.h"
#include "plot-result.h"

G_BEGIN_DECLS

/* A picture as a surface of at most about 1600 pixels a side: what a window can show. New
 * reference. */
cairo_surface_t *app_result_make_surface (EngPicture *picture);

/* Draw @result into @plot; NULL: nothing. A TEXT result is no drawing: FALSE. */
gboolean app_result_show (PlotResult *plot, EngResult *result);
/* Draw @input: the picture, the wave; FALSE where there is nothing to draw. */
gboolean app_result_show_input (PlotResult *plot, EngInput *input);

G_END_DECLS
