/* A network with what surrounds it: a copy of the imported graph with blocks as layers, its states,
 * and the nodes that a front end puts before it and a task behind it. Made once, when the file is
 * opened. */
#pragma once

#include "eng-blocks.h"
#include "eng-card.h"
#include "rt-op.h"

G_BEGIN_DECLS

/* The finished graph. */
typedef struct
{
  RtGraph *graph;
  /* names of the values that are fed and read, in the order of the file's inputs (those that are
   * states left out) and outputs; a front end's own input stands at the first place that it
   * replaced; a task may read others */
  GStrv inputs, outputs;
} EngNetwork;

void eng_network_free (EngNetwork *network); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngNetwork, eng_network_free)

/* @bare: without front end and task nodes, for inputs that are tensors already. */
EngNetwork *eng_network_new (const EngImported *imported, EngCard *card, const EngBlocks *blocks,
                             gboolean bare, GError **error);

/* ---- for front ends and tasks, while the graph is made ---- */

typedef struct
{
  const EngImported *imported; /* borrowed, as everything here */
  EngCard *card;
  RtGraph *graph; /* the new one */
  int n_layers;
  RtValueId *map;     /* [values of the imported graph] -> of the new one; RT_NONE: not there yet */
  GPtrArray *inputs;  /* names, owned */
  RtValueId *outputs; /* [n_outputs], after the copy: those of the file; owned */
  guint n_outputs;
} EngSurround;

/* The value of the imported graph that input or output @index is. */
const RtValue *eng_surround_input (const EngSurround *surround, guint index);
const RtValue *eng_surround_output (const EngSurround *surround, guint index);

/* An input of the new graph that the front end feeds. RT_NONE and @error on failure; so everything
 * that returns a value. */
RtValueId eng_surround_add_input (EngSurround *surround, const char *name, int type,
                                  const RtShape *shape, GError **error);
/* The number of the file's output that @name names; G_MAXUINT: none. */
guint eng_surround_find_output (const EngSurround *surround, const char *name);

/* A node before (@after FALSE) or behind the network; the operator by its name. Returns its first
 * output. An input of RT_NONE is that of a node that failed: RT_NONE is returned and @error stays,
 * so that a chain needs one look at its end; so with an @error that is set already. Names must
 * differ. */
RtValueId eng_surround_add (EngSurround *surround, gboolean after, const char *name, const char *op,
                            const RtValueId *inputs, guint n_inputs, gconstpointer attrs,
                            GError **error);
/* Output @index of the node that made @value; RT_NONE when @value is. */
RtValueId eng_surround_sibling (const EngSurround *surround, RtValueId value, guint index);
RtValueId eng_surround_add_constant (EngSurround *surround, const char *name, const RtShape *shape,
                                     const float *values, GError **error);
/* Input @index of the network is @value, which has its type and shape. */
gboolean eng_surround_replace_input (EngSurround *surround, guint index, RtValueId value,
                                     GError **error);
/* What the task reads instead of the file's outputs. FALSE (with @error from before) when one is
 * RT_NONE. */
gboolean eng_surround_set_outputs (EngSurround *surround, const RtValueId *outputs, guint n);

G_END_DECLS
