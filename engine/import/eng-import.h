/* Building a graph from a file's own nodes. Every importer (ONNX, TFLite) walks its nodes and calls
 * this; it keeps the file's tensor names, computes what depends on constants alone, remembers which
 * source node every lowered node stands for, and collects what is not supported. Private to
 * import/.
 *
 *     begin_node ("conv1", "Conv", 12)        the file's node
 *     x = find ("input"); w = find ("w")      the file's tensor names -> values
 *     node (&rt_op_conv, &attrs, {x, w}, 2, y)
 *     bind ("conv1_out", y[0])
 *
 * A call that fails returns RT_NONE or FALSE and leaves the reason in the import: the importer then
 * calls eng_import_unsupported() for the node and goes on, so that one report names everything. */
#pragma once

#include <glib.h>

#include "eng-format.h"
#include "rt-op.h"

G_BEGIN_DECLS

typedef struct _EngImport EngImport;

EngImport *eng_import_new (void);
void eng_import_free (EngImport *import); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngImport, eng_import_free)

/* ---- tensors ---- */

/* All bind @name, when it is not NULL or empty. Constants: @copy FALSE borrows @data, which must
 * then outlive the graph (EngImported.backing). */
RtValueId eng_import_input (EngImport *import, const char *name, int type, const RtShape *shape);
RtValueId eng_import_constant (EngImport *import, const char *name, int type, const RtShape *shape,
                               gconstpointer data, guint64 n_bytes, gboolean copy);
RtValueId eng_import_state (EngImport *import, const char *name, int type, const RtShape *shape,
                            gconstpointer data);
gboolean eng_import_set_next (EngImport *import, RtValueId state, RtValueId value);
gboolean eng_import_set_quant (EngImport *import, RtValueId value, const RtQuant *quant);

/* The file's tensor @name is @value from now on. */
void eng_import_bind (EngImport *import, const char *name, RtValueId value);
/* RT_NONE when there is no such tensor (yet) or the node that makes it is not supported. */
RtValueId eng_import_find (EngImport *import, const char *name);
/* Whether a node that is not supported makes @name, in a shape that the file does not tell. */
gboolean eng_import_is_lost (EngImport *import, const char *name);

const RtGraph *eng_import_graph (EngImport *import);
const RtValue *eng_import_value (EngImport *import, RtValueId value);
gboolean eng_import_is_constant (EngImport *import, RtValueId value); /* FALSE for RT_NONE */
/* Elements of a constant as whole numbers (any integer type or bool; floats must be whole). NULL:
 * not a constant, or not numbers of that kind; *@n elements, to be freed with g_free(). */
gint64 *eng_import_dup_ints (EngImport *import, RtValueId value, gsize *n);
/* As floats, quantized ones made real. */
float *eng_import_dup_floats (EngImport *import, RtValueId value, gsize *n);

/* ---- nodes ---- */

/* From here on lowered nodes stand for this node of the file: its name (may be empty: one is made
 * of operator and place), operator as the file calls it, place in the file's order. */
void eng_import_begin_node (EngImport *import, const char *name, const char *op, guint place);

/* Add a node, or compute it now when all its inputs are constants. Outputs (op->n_outputs of them)
 * to @outputs. FALSE: the operator refuses, see eng_import_reason(). Inputs may be RT_NONE where
 * the operator takes fewer; an input that the operator must have and that is RT_NONE is refused. */
gboolean eng_import_node (EngImport *import, const RtOp *op, gconstpointer attrs,
                          const RtValueId *inputs, guint n_inputs, RtValueId *outputs);
/* The same for one output; RT_NONE on failure. */
RtValueId eng_import_node1 (EngImport *import, const RtOp *op, gconstpointer attrs,
                            const RtValueId *inputs, guint n_inputs);

/* Set the reason for FALSE or RT_NONE that an emit function returns. Both return what their name
 * says, to be returned. */
gboolean eng_import_refuse (EngImport *import, const char *format, ...) G_GNUC_PRINTF (2, 3);
const char *eng_import_reason (EngImport *import);

/* The node begun last cannot be lowered, for eng_import_reason(): one line in the report, and one
 * `unsupported` node per output of the file's node in the graph, so that what follows still has its
 * place. @shapes [n_outputs]: what the file declares, NULL where it says nothing (what reads such
 * an output is then reported as reading something unknown). Types @types [n_outputs] are RtType.
 * Inputs that are known are kept as edges. */
void eng_import_unsupported (EngImport *import, const RtValueId *inputs, guint n_inputs,
                             const char *const *output_names, const RtShape *const *shapes,
                             const int *types, guint n_outputs);
/* The same without a line: the reason is in the report already. */
void eng_import_placeholder (EngImport *import, const RtValueId *inputs, guint n_inputs,
                             const char *const *output_names, const RtShape *const *shapes,
                             const int *types, guint n_outputs);
/* One more line of the report about the file as a whole. */
void eng_import_report (EngImport *import, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* ---- the end ---- */

/* An output of the file. FALSE: no such tensor. */
gboolean eng_import_output (EngImport *import, const char *name);

/* The finished model: what no output and no state needs is left out; folded constants that nothing
 * reads are dropped. @backing (nullable, taken): memory that borrowed constants point into. Frees
 * nothing of @import. */
EngImported *eng_import_finish (EngImport *import, GBytes *backing, GError **error);

G_END_DECLS
