/* What the files of the TFLite importer share: the import in progress, an operator's tensors and
 * options as an emit function sees them, and the tables of emit functions. Private to
 * eng-tflite*.c. */
#pragma once

#include "eng-import.h"
#include "eng-tflite-file.h"

G_BEGIN_DECLS

/* A resource variable: memory from run to run. */
typedef struct
{
  char *name;      /* container and shared name */
  gint32 subgraph; /* with @tensor: what the init subgraph gives it; -1: nothing */
  gint32 tensor;
  RtValueId state;   /* RT_NONE until it is read before it is written */
  RtValueId current; /* what a reader sees now */
} EngTfliteVariable;

typedef struct
{
  EngImport *import;
  EngTfliteFile *file;
  guint32 subgraph;
  const EngTfliteSubgraph *graph; /* the subgraph being read */
  char **keys;         /* [n_tensors] names of its tensors in the import, all different */
  GArray *variables;   /* EngTfliteVariable */
  gint32 *handles;     /* [n_tensors] variable of a resource tensor, -1: none */
  gboolean is_resized; /* the user gave a size: declared shapes no longer hold */
} EngTflite;

/* Lower one operator: read its inputs, add nodes, eng_tflite_output(). FALSE: the reason is in the
 * import. */
typedef gboolean (*EngTfliteEmit) (EngTflite *self, const EngTfliteOp *op);

typedef struct
{
  gint32 code; /* BuiltinOperator, or ENG_TFLITE_CUSTOM */
  EngTfliteEmit emit;
  const char *custom; /* name of a custom operator */
} EngTfliteRow;

#define ENG_TFLITE_CUSTOM 32

/* One table per kind, each in its own file; a row with a NULL emit ends it. */
extern const EngTfliteRow eng_tflite_rows_conv[];
extern const EngTfliteRow eng_tflite_rows_index[];
extern const EngTfliteRow eng_tflite_rows_layers[];
extern const EngTfliteRow eng_tflite_rows_math[];
extern const EngTfliteRow eng_tflite_rows_move[];
extern const EngTfliteRow eng_tflite_rows_recurrent[];
extern const EngTfliteRow eng_tflite_rows_shape[];
extern const EngTfliteRow eng_tflite_rows_sound[];
extern const EngTfliteRow eng_tflite_rows_state[];

/* ---- Tensors (eng-tflite-tensor.c) ---- */

/* RtType of an element type, -1 for those that the engine does not have. */
int eng_tflite_rt_type (EngTfliteType type);
void eng_tflite_shape (const EngTfliteTensor *tensor, RtShape *shape);
/* Whether its integers stand for real numbers. */
gboolean eng_tflite_is_quantized (const EngTfliteTensor *tensor);
/* The same in 8 bits with one scale: what the engine computes with in integers. */
gboolean eng_tflite_is_byte (const EngTfliteTensor *tensor);
/* Give @value the quantization that the file declares for @tensor; nothing where it declares none.
 * Per-channel ones are moved to dimension @axis; -1: where the file has it. */
gboolean eng_tflite_set_quant (EngTflite *self, RtValueId value, const EngTfliteTensor *tensor,
                               int axis);

/* The value of tensor @index of the subgraph; constants are made when first asked for. RT_NONE with
 * a reason when nothing made it. */
RtValueId eng_tflite_tensor_value (EngTflite *self, gint32 index);
/* A constant with the elements of @value and another shape. */
RtValueId eng_tflite_constant_as (EngTflite *self, RtValueId value, const RtShape *shape);
/* Elements of a sparse tensor, unpacked, to be freed with g_free(); NULL with a reason. */
guint8 *eng_tflite_densify (EngTflite *self, const EngTfliteTensor *tensor, guint64 *n_bytes);

/* ---- An operator as emit functions see it (eng-tflite-emit.c) ---- */

/* NULL when absent. */
const EngTfliteTensor *eng_tflite_input_tensor (const EngTflite *self, const EngTfliteOp *op,
                                                guint index);
const EngTfliteTensor *eng_tflite_output_tensor (const EngTflite *self, const EngTfliteOp *op,
                                                 guint index);
/* RT_NONE with a reason when it is absent or unknown. half: constants that the file keeps as f16
 * stay so, else they are made f32. */
RtValueId eng_tflite_input (EngTflite *self, const EngTfliteOp *op, guint index);
RtValueId eng_tflite_half_input (EngTflite *self, const EngTfliteOp *op, guint index);
/* As input; RT_NONE without a reason when absent. *@ok becomes FALSE when it is there and
 * unknown. */
RtValueId eng_tflite_optional (EngTflite *self, const EngTfliteOp *op, guint index, gboolean *ok);
/* The elements of a constant input, to be freed; NULL with a reason. */
gint64 *eng_tflite_dup_ints (EngTflite *self, const EngTfliteOp *op, guint index, gsize *n);

/* Output @index of @op is @value: of the shape and type that the file declares, with the
 * quantization that it declares. FALSE for RT_NONE. */
gboolean eng_tflite_output (EngTflite *self, const EngTfliteOp *op, guint index, RtValueId value);

gint32 eng_tflite_i32 (EngTflite *self, const EngTfliteOp *op, guint slot, gint32 absent);
gint8 eng_tflite_i8 (EngTflite *self, const EngTfliteOp *op, guint slot, gint8 absent);
float eng_tflite_f32 (EngTflite *self, const EngTfliteOp *op, guint slot, float absent);
gboolean eng_tflite_bool (EngTflite *self, const EngTfliteOp *op, guint slot);

/* Nodes used by many. All pass RT_NONE on and return RT_NONE with a reason on failure. */
RtValueId eng_tflite_reshape (EngTflite *self, RtValueId value, const RtShape *shape);
/* A quantized value made real; others as they are. */
RtValueId eng_tflite_real (EngTflite *self, RtValueId value);
/* A real value in the type and quantization of @tensor; as it is when that is real. */
RtValueId eng_tflite_quantized (EngTflite *self, RtValueId value, const EngTfliteTensor *tensor);
/* A fused activation (ActivationFunctionType) as a node of its own. */
RtValueId eng_tflite_activate (EngTflite *self, RtValueId value, int activation);
/* A fused activation as limits; FALSE with a reason for those that are none. */
gboolean eng_tflite_limits (EngTflite *self, int activation, float *min, float *max);

G_END_DECLS
