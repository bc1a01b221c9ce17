/* TFLite files from memory; by path they are loaded through the table of formats. */
#pragma once

#include "eng-format.h"

G_BEGIN_DECLS

/* @bytes: the file, referenced by the result. @dims (nullable): sizes of dimensions that the file
 * lets vary, by "input:axis". Errors: ENG_ERROR_FORMAT. Operators that are not supported are lines
 * of the report. */
EngImported *eng_tflite_import (GBytes *bytes, const EngDimSize *dims, guint n_dims,
                                GCancellable *cancellable, GError **error);

G_END_DECLS
