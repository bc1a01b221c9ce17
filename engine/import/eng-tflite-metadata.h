/* What the author of a TFLite file wrote about its inputs and outputs: names, how pixels become
 * numbers, and the label lists packed beside the network. All of it is optional. */
#pragma once

#include "eng-tflite-file.h"

G_BEGIN_DECLS

typedef struct
{
  char *name, *description; /* "" when absent */
  guint n_means, n_stds;    /* input = (value - mean) / std, one or one per channel */
  float *means, *stds;
  char **labels; /* zero-terminated list, or NULL */
} EngTfliteTensorNote;

typedef struct
{
  char *name, *description, *author, *licence;
  guint n_inputs, n_outputs;
  EngTfliteTensorNote *inputs, *outputs; /* in the order of the main subgraph's */
} EngTfliteMetadata;

/* NULL without @error set when the file has no metadata. @data: the whole file. A label list that
 * cannot be read is left out; damaged metadata is ENG_ERROR_FORMAT. */
EngTfliteMetadata *eng_tflite_metadata_new (const EngTfliteFile *file, const void *data,
                                            gsize n_bytes, GError **error);
void eng_tflite_metadata_free (EngTfliteMetadata *metadata); /* accepts NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTfliteMetadata, eng_tflite_metadata_free)

G_END_DECLS
