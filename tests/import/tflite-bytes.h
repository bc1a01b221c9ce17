/* Small TFLite files, made in memory, field by field. For tests only: every field takes 8 bytes. */
#pragma once

#include <glib.h>

typedef struct TflBytes TflBytes;

typedef struct
{
  guint slot;
  char kind; /* 'b' 1 byte, 'i' 32 bits, 'f' float */
  double value;
} TflField;

typedef struct
{
  const char *name;
  int type; /* TensorType */
  guint n_dims;
  const gint32 *dims;
  const void *data; /* constants */
  gsize data_bytes;
  guint n_scales; /* 0: none */
  const float *scales;
  const gint64 *zero_points;
  int quant_axis;
  gboolean is_variable;
} TflTensor;

TflBytes *tfl_bytes_new (void);
void tfl_bytes_free (TflBytes *bytes);

/* Tensors and operators belong to the subgraph begun last. */
void tfl_bytes_begin_subgraph (TflBytes *bytes);
int tfl_bytes_add_tensor (TflBytes *bytes, const TflTensor *tensor);
/* @custom: NULL for a builtin operator. @options_type: BuiltinOptions, 0 for none. */
void tfl_bytes_add_op (TflBytes *bytes, int code, const char *custom, const int *inputs,
                       guint n_inputs, const int *outputs, guint n_outputs, int options_type,
                       const TflField *fields, guint n_fields);
void tfl_bytes_set_custom_options (TflBytes *bytes, const void *data, gsize n); /* of the last op */
void tfl_bytes_set_text_option (TflBytes *bytes, guint slot, const char *text); /* of the last op */
void tfl_bytes_set_io (TflBytes *bytes, const int *inputs, guint n_inputs, const int *outputs,
                       guint n_outputs);

/* The file. Free with g_free(). */
guint8 *tfl_bytes_finish (TflBytes *bytes, gsize *n_bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TflBytes, tfl_bytes_free)
