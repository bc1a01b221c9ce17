/* Formats of network files: one row per format. Called by the model and by tools; knows no
 * window. */
#pragma once

#include <gio/gio.h>

#include "rt-graph.h"

G_BEGIN_DECLS

/* An input or output of a network, by the file's own name. */
typedef struct
{
  char *name;
  RtValueId value; /* in the graph; an output keeps its value name through all passes */
} EngPort;

/* Size that a dynamic dimension is given: by the file's name for it ("batch", "H"), or by
 * "input:axis". */
typedef struct
{
  const char *name;
  gint64 size;
} EngDimSize;

/* A network as imported. Immutable. */
typedef struct
{
  RtGraph *graph; /* the source graph */
  EngPort *inputs, *outputs;
  guint n_inputs, n_outputs;
  char **report;     /* what is not supported, a line each; NULL-terminated, may be empty */
  char *format;      /* "ONNX, opset 13", "TFLite v3" */
  char *name;        /* of the network, as the file says; NULL */
  char *producer;    /* program that wrote the file; NULL */
  char *description; /* NULL */
  char *licence;     /* NULL */
  char **labels;     /* class names that the file carries; NULL-terminated; NULL: none */
  char **dims;       /* names of dynamic dimensions that were given a size: "batch = 1";
                      * NULL-terminated */
  guint n_source_nodes;
  GBytes *backing; /* memory that constants point into; NULL */
} EngImported;

void eng_imported_free (EngImported *imported); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngImported, eng_imported_free)

typedef struct
{
  const char *id;              /* "onnx" */
  const char *title;           /* "ONNX" */
  const char *const *suffixes; /* "onnx", for file dialogs; NULL-terminated */
  /* By content, not by name: @n first bytes (all of a short file). */
  gboolean (*sniff) (const guint8 *head, gsize n);
  /* @dims (nullable) sizes for dynamic dimensions. Blocking. A file that is broken or of a version
   * that is not known fails; one with unsupported operators loads, with its report. */
  EngImported *(*load) (const char *path, const EngDimSize *dims, guint n_dims,
                        GCancellable *cancellable, GError **error);
} EngFormat;

const EngFormat *const *eng_format_list (guint *n);
/* The format of the file at @path, or NULL (with @error only when the file cannot be read). */
const EngFormat *eng_format_of_file (const char *path, GError **error);

G_END_DECLS
