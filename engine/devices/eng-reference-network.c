/* The reference networks. Few layers, one for each thing that boards are differently good at; those
 * between them only lead there. Which ones tell most was found on recorded times of sixteen models
 * on five boards (tests/devices/record-layers.c): without an 8-bit convolution, or without a
 * product of one token, one whole in five more falls out of its band; more float layers add
 * nothing. */
#include "eng-reference-network.h"

#include "eng-reference-onnx.h"

#define PICTURE 64
#define CHIP_PICTURE 24

gboolean
eng_reference_network_write (const char *path, GError **error)
{
  EngReferenceNet net = {
    .graph = g_byte_array_new (), .at = "picture", .n_channels = 3, .size = PICTURE, .random = 1
  };

  eng_reference_net_input (&net);
  eng_reference_net_conv (&net, 16, 3, 1, 1);
  eng_reference_net_mark (&net); /* much to write for what it computes */
  eng_reference_net_conv (&net, 96, 1, 1, 1);
  eng_reference_net_mark (&net); /* waits for memory */
  eng_reference_net_conv (&net, 96, 3, 2, 96);
  eng_reference_net_conv (&net, 32, 1, 1, 1);
  eng_reference_net_mark (&net); /* computes all the time */
  eng_reference_net_conv (&net, 64, 3, 1, 1);
  eng_reference_net_mark (&net); /* neither computes nor waits for far memory */
  eng_reference_net_max_pool (&net);
  eng_reference_net_quantize (&net);
  eng_reference_net_mark (&net);
  eng_reference_net_conv (&net, 64, 3, 1, 1);
  eng_reference_net_mark (&net);
  eng_reference_net_conv (&net, 64, 3, 1, 64);
  eng_reference_net_dequantize (&net);
  eng_reference_net_mean (&net);
  eng_reference_net_matrix (&net, 2048);
  eng_reference_net_mark (&net); /* 8 MB of weights, each read once */
  eng_reference_net_matrix (&net, 1000);
  return eng_reference_net_write (&net, path, error);
}

gboolean
eng_reference_network_write_chip (const char *path, GError **error)
{
  EngReferenceNet net = { .graph = g_byte_array_new (),
                          .at = "picture",
                          .n_channels = 3,
                          .size = CHIP_PICTURE,
                          .random = 1 };

  eng_reference_net_input (&net);
  eng_reference_net_quantize (&net);
  eng_reference_net_mark (&net); /* few channels: windows are gathered byte by byte */
  eng_reference_net_conv (&net, 8, 3, 1, 1);
  eng_reference_net_mark (&net);
  eng_reference_net_conv (&net, 8, 3, 1, 8);
  eng_reference_net_mark (&net); /* much to write for what it computes */
  eng_reference_net_conv (&net, 16, 1, 1, 1);
  eng_reference_net_mark (&net);
  eng_reference_net_conv (&net, 16, 3, 2, 1);
  eng_reference_net_mark (&net);
  eng_reference_net_conv (&net, 64, 1, 1, 1);
  eng_reference_net_mark (&net);
  eng_reference_net_conv (&net, 64, 3, 2, 64);
  eng_reference_net_mark (&net);
  eng_reference_net_add (&net);
  eng_reference_net_mark (&net);
  eng_reference_net_mean (&net);
  eng_reference_net_mark (&net);
  eng_reference_net_concat (&net);
  eng_reference_net_mark (&net);
  eng_reference_net_matrix (&net, 128);
  eng_reference_net_mark (&net);
  eng_reference_net_slice (&net, 64);
  eng_reference_net_mark (&net);
  eng_reference_net_matrix (&net, 12);
  eng_reference_net_dequantize (&net);
  return eng_reference_net_write (&net, path, error);
}
