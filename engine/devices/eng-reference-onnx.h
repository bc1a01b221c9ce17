/* Writing a small network as a file of ONNX's protobuf, layer after layer along one stream of
 * values. Weights are random: times do not depend on them. For eng-reference-network.c alone. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Zero-initialize but for what is said. The network is at the value @at, which has @n_channels
 * and, of a picture, @size x @size places. */
typedef struct
{
  GByteArray *graph; /* g_byte_array_new() */
  char at[16];       /* the input's name */
  guint n_channels, size;
  guint32 random;    /* not 0 */
  gboolean is_int8;  /* the stream is one of 8-bit codes */
  gboolean is_named; /* the next layer is a reference */
  guint n_layers;    /* of it, internal */
} EngReferenceNet;

/* The names of layers that are references begin so. */
#define ENG_REFERENCE_PREFIX "reference"

/* The layer that comes next is a reference. */
void eng_reference_net_mark (EngReferenceNet *net);
void eng_reference_net_input (EngReferenceNet *net);
/* @kernel x @kernel over the picture, padded; @group = channels: depthwise. */
void eng_reference_net_conv (EngReferenceNet *net, guint n_out, guint kernel, guint stride,
                             guint group);
void eng_reference_net_max_pool (EngReferenceNet *net);
/* The mean of each channel; then there is no picture any more. */
void eng_reference_net_mean (EngReferenceNet *net);
void eng_reference_net_matrix (EngReferenceNet *net, guint n_out);
/* Of 8-bit codes only: with itself along the channels; the first @n_out channels; with itself. */
void eng_reference_net_concat (EngReferenceNet *net);
void eng_reference_net_slice (EngReferenceNet *net, guint n_out);
void eng_reference_net_add (EngReferenceNet *net);
/* Floats become codes, and back. */
void eng_reference_net_quantize (EngReferenceNet *net);
void eng_reference_net_dequantize (EngReferenceNet *net);
/* The end: the file. Frees the graph. */
gboolean eng_reference_net_write (EngReferenceNet *net, const char *path, GError **error);

G_END_DECLS
