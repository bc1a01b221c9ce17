/* Between the two files of the telemetry reader. */
#pragma once

#include "eng-telemetry.h"

G_BEGIN_DECLS

/* What a line's members point into. */
typedef struct
{
  GArray *records; /* RtTraceRecord; borrowed */
  guint8 *bytes;   /* of an output */
  EngBoard *board;
} EngTelemetryScratch;

void eng_telemetry_scratch_clear (EngTelemetryScratch *scratch);

/* @next: the number that a line without one has. FALSE: of a kind that is not known (its number is
 * set all the same), or @error. */
gboolean eng_telemetry_read_line (JsonObject *object, guint64 next, EngTelemetryLine *line,
                                  EngTelemetryScratch *scratch, GError **error);

G_END_DECLS
