/* The two executors and how their values correspond: what making a pair (eng-layer-pair.c) and
 * running its layers (eng-layer-pair-run.c) share. */
#pragma once

#include "eng-layer-pair.h"

G_BEGIN_DECLS

/* The same value in both graphs. */
typedef struct
{
  RtValueId reference, changed;
} EngPairTwin;

typedef struct
{
  char *reason; /* NULL: can be looked at alone */
  bool *nodes;  /* of the changed graph: this layer's */
  bool *rest;   /* of the reference graph: all after the layer's first that are not its own */
  gboolean has_nodes, has_rest;
  GArray *reads;  /* EngPairTwin: what the layer's nodes read from others */
  GArray *writes; /* EngPairTwin: what others, or the caller, read of it */
  GArray
      *rest_reads; /* RtValueId in the reference: what the rest reads that neither it nor the layer
                    * makes */
} EngPairLayer;

struct _EngLayerPair
{
  EngBuild *build[2];
  const RtGraph *source[2], *graph[2];
  RtExec *exec[2];
  bool *taps[2];
  GHashTable *by_source
      [2]; /* the file's name of a node -> the last of its nodes in the model's graph, + 1 */
  GHashTable *by_key; /* char * -> GArray of RtValueId in the reference */
  char **keys[2];     /* [n_values]; NULL: stands for no source value */
  int *layer_of[2];   /* [n_nodes] layer + 1, in the changed build's layers */
  int n_layers;
  gboolean has_state;
  EngPairLayer *layers; /* [n_layers + 2] */
  guint8 **saved;       /* [values of the reference]: of its taps, in the unit at hand */
  gsize *saved_bytes;
  GArray *watched;  /* RtValueId in the reference */
  float *floats[2]; /* scratch */
  gsize n_floats;
};

/* Whether value @id of @graph is data, not a table that depends on positions alone. */
gboolean eng_layer_pair_is_data (const RtGraph *graph, RtValueId id);

G_END_DECLS
