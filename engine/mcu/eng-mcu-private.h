/* What the files of this folder share: a build as calls of the target's kernels, before they have
 * places in memory. */
#pragma once

#include "eng-mcu.h"
#include "mc.h"
#include "rt-plan.h"

G_BEGIN_DECLS

/* ---- operators: one file per family behind one table ---- */

/* A node for a target. */
typedef struct
{
  const RtGraph *graph;
  const RtNode *node;
  RtNodeId id;
  McIsa isa;
} EngMcuNode;

typedef struct _EngMcuSource EngMcuSource;

/* Where one call reads and writes. Of a whole layer all parts are whole pictures; in a patch an
 * operand holds some part of its picture, and @out is what is to be computed. */
typedef struct
{
  const McPart *in;        /* [n_inputs] held; NULL: whole pictures */
  const McPart *out;       /* NULL: all */
  gboolean into_whole;     /* y is the whole picture, else a dense one of @out */
  const guint64 *x_offset; /* [n_inputs] in the arena; G_MAXUINT64: a constant, or none */
  guint64 y_offset, scratch_offset;
} EngMcuCall;

typedef struct
{
  const RtOp *op;
  gboolean is_view;   /* y has the bytes of x: nothing is called where they share memory */
  gboolean is_window; /* window() says which inputs an output reads */
  gboolean is_pixel;  /* an output pixel reads the same pixel of its inputs: it can be in patches */
  guint in_place;     /* bit per input that y may be written over */

  /* NULL: it can be done; else why not, newly allocated. NULL function: always. */
  char *(*refuse) (const EngMcuNode *node);
  void (*window) (const EngMcuNode *node, McWindow *window);
  /* For @window in place of the node's own (NULL: that). NULL function: none. */
  guint64 (*scratch) (const EngMcuNode *node, const McWindow *window);
  guint64 (*macs) (const EngMcuNode *node, const McWindow *window); /* NULL: 0 */
  /* Constants that all calls of the node share, and their bytes in flash. NULL: none. */
  void (*constants) (EngMcuSource *source, const EngMcuNode *node);
  guint64 (*constant_bytes) (const EngMcuNode *node);
  /* The statements of one call; structs that differ from call to call are written on the way. */
  void (*call) (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call);
} EngMcuOp;

extern const EngMcuOp eng_mcu_op_conv, eng_mcu_op_depthwise, eng_mcu_op_max_pool,
    eng_mcu_op_average_pool;
extern const EngMcuOp eng_mcu_op_fully_connected, eng_mcu_op_softmax, eng_mcu_op_mean;
extern const EngMcuOp eng_mcu_op_add, eng_mcu_op_sub, eng_mcu_op_mul, eng_mcu_op_unary,
    eng_mcu_op_requantize, eng_mcu_op_quantize, eng_mcu_op_dequantize;
extern const EngMcuOp eng_mcu_op_reshape, eng_mcu_op_concat, eng_mcu_op_pad, eng_mcu_op_slice,
    eng_mcu_op_transpose;

/* NULL: the target has no kernel. */
const EngMcuOp *eng_mcu_op_find (const RtOp *op);

/* ---- looking at nodes ---- */

EngMcuNode eng_mcu_node (const RtGraph *graph, RtNodeId id, McIsa isa);
const RtValue *eng_mcu_input (const EngMcuNode *node, guint input); /* NULL: absent */
const RtValue *eng_mcu_output (const EngMcuNode *node);
gboolean eng_mcu_is_constant (const RtValue *value);
/* Zero point and scale among signed codes: those of unsigned ones move by 128. */
float eng_mcu_scale (const RtValue *value);
gint32 eng_mcu_zero (const RtValue *value);
/* Bounds and zero point of the output, within the real numbers @min and @max. */
McRequant eng_mcu_requant (const RtValue *y, float min, float max);
/* The operator's own prepare() of @n_bytes, on this computer: tables. Newly allocated. */
void *eng_mcu_prepare (const EngMcuNode *node, gsize n_bytes);
/* A value without symbols as a picture: one of [N, H, W, C], [N, W, C], else a row of channels. */
McPart eng_mcu_whole (const RtValue *value);
guint64 eng_mcu_value_bytes (const RtValue *value);
/* Converters join the names of what they fused: the first one, which is enough to find the place.
 * Newly allocated. */
char *eng_mcu_short_name (const char *name);
/* Bytes of its weights, biases, scales and tables. */
guint64 eng_mcu_constant_bytes (const EngMcuNode *node);

/* ---- the program ---- */

typedef struct
{
  char *id, *title, *cpu, *machine; /* "mps2-an386", "...", "Cortex-M4", "cortex-m4" */
  McIsa isa;
  GStrv cpu_flags;                /* what the compiler needs to know of the processor */
  GStrv emulator;                 /* QEMU's arguments; NULL: it has no such board */
  guint64 flash_bytes, ram_bytes; /* where code and constants, where all else goes */
  guint64 stack_bytes;            /* reserved */
  double clock_hz;                /* of the real board */
} EngMcuBoard;

EngMcuBoard *eng_mcu_board_load (const char *id, GError **error);
void eng_mcu_board_free (EngMcuBoard *board);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngMcuBoard, eng_mcu_board_free)

/* Which nodes run in patches: [first, last], @rows x @columns of the last one's output. */
typedef struct
{
  RtNodeId first, last;
  guint rows, columns;
} EngMcuTiling;

/* What a patch holds and computes: [n_values of the graph]; h = 0: nothing. */
typedef struct
{
  McPart *parts;
} EngMcuPatch;

typedef struct
{
  EngBuild *bare;
  const RtGraph *graph;
  EngMcuBoard *board;
  GArray *nodes;     /* EngMcuNode: all of the graph, in order */
  gboolean is_tiled; /* else tiling means nothing */
  EngMcuTiling tiling;
  EngMcuPatch *patches; /* [rows * columns] */
  guint64 arena_bytes, activation_bytes, scratch_bytes;
  guint64 *offsets;      /* [n_values] in the arena; G_MAXUINT64: not there */
  guint64 *scratches;    /* [n_nodes] offsets; G_MAXUINT64: none */
  guint64 *live_bytes;   /* [n_nodes] */
  guint64 *scratch_each; /* [n_nodes] */
  guint64 *macs;         /* [n_nodes] */
} EngMcuProgram;

/* Check @bare for @board; without places. */
EngMcuProgram *eng_mcu_program_new (EngBuild *bare, const char *board, GError **error);
void eng_mcu_program_free (EngMcuProgram *program);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngMcuProgram, eng_mcu_program_free)

/* Give everything its place, with @tiling (NULL: no patches). May be called again. */
gboolean eng_mcu_program_place (EngMcuProgram *program, const EngMcuTiling *tiling,
                                RtPlanner planner, GError **error);
/* Choose patches and place; fills report->patches. */
gboolean eng_mcu_program_choose (EngMcuProgram *program, const EngMcuOptions *options,
                                 EngMcuReport *report, GError **error);
void eng_mcu_program_clear_places (EngMcuProgram *program);
guint64 eng_mcu_program_macs (const EngMcuProgram *program);
/* Until an image is linked: what board support and the record of a pass take in RAM. */
guint64 eng_mcu_program_static_bytes (const EngMcuProgram *program);

/* ---- the text ---- */

/* network.c and network.h; newly allocated. */
void eng_mcu_source_make (const EngMcuProgram *program, const EngMcuReport *report, char **c_text,
                          char **h_text);

/* For operators. Constants go in front, statements into the layer's function. */
void eng_mcu_source_constant (EngMcuSource *source, const char *format, ...) G_GNUC_PRINTF (2, 3);
void eng_mcu_source_line (EngMcuSource *source, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* static const int8_t NAME_ID[] and its like; rows of @n_cols are followed by zeros up to
 * @row_bytes. @from: the source's name, for the comment; NULL: none. */
void eng_mcu_source_i8 (EngMcuSource *source, const char *name, RtNodeId id, const gint8 *codes,
                        gsize n_rows, gsize n_cols, gsize row_bytes, const char *from);
void eng_mcu_source_i32 (EngMcuSource *source, const char *name, RtNodeId id, const gint32 *numbers,
                         gsize n, const char *from);
void eng_mcu_source_f32 (EngMcuSource *source, const char *name, RtNodeId id, const float *numbers,
                         gsize n, const char *from);
/* A struct of @type with these initializers: the name of one that has them, which is written
 * unless it is there already. Borrowed. */
const char *eng_mcu_source_struct (EngMcuSource *source, const char *type, const char *name,
                                   RtNodeId id, const char *initializers);
/* "AT (490)" */
char *eng_mcu_at (guint64 offset);
/* An f32 as C reads it back, to the last bit; initializers of McWindow and McRequant. */
char *eng_mcu_f32 (float x);
char *eng_mcu_window_text (const McWindow *window);
char *eng_mcu_requant_text (const McRequant *requant);

G_END_DECLS
