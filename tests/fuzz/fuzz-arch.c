/* Fuzz target: any bytes as a language model. What is accepted is packed in the formats of its file
 * and runs: two tokens, then one more, whatever numbers the blocks hold. */
#include "fuzz.h"

#include <string.h>

#include "rt-model.h"

#ifdef LATHE_LIBFUZZER
bool fuzz_accepted;
#endif

/* Sizes of blocks are what the largest are made of, and the graph has what they say. */
static void
check_blocks (const RtModel *model)
{
  const RtArchParams *p = &model->params;
  uint32_t n_ff = 0, n_heads = 0, n_kv_heads = 0;

  for (uint32_t i = 0; i < p->n_layers; i++)
    {
      RtArchBlock block = rt_arch_block (model->gguf, p, i);
      char name[64];

      FUZZ_CHECK ((block.n_heads == 0) == (block.n_kv_heads == 0));
      FUZZ_CHECK (block.n_heads == 0 || block.n_heads % block.n_kv_heads == 0);
      snprintf (name, sizeof name, "blk.%u.attn", i);
      FUZZ_CHECK ((rt_graph_find_node (model->source, name) != RT_NONE) == (block.n_heads > 0));
      snprintf (name, sizeof name, "blk.%u.ffn_add", i);
      FUZZ_CHECK ((rt_graph_find_node (model->source, name) != RT_NONE) == (block.n_ff > 0));
      n_ff = block.n_ff > n_ff ? block.n_ff : n_ff;
      n_heads = block.n_heads > n_heads ? block.n_heads : n_heads;
      n_kv_heads = block.n_kv_heads > n_kv_heads ? block.n_kv_heads : n_kv_heads;
    }
  FUZZ_CHECK (n_ff == p->n_ff && n_heads == p->n_heads && n_kv_heads == p->n_kv_heads);
}

static void
run_model (const RtModel *model)
{
  int32_t tokens[2] = { 0, (int32_t)model->params.n_vocab - 1 };
  RtError error = { 0 };

  FUZZ_CHECK (rt_exec_run (model->exec, tokens, 2, 1, RT_PHASE_PREFILL, &error));
  FUZZ_CHECK (rt_exec_run (model->exec, tokens, 1, 1, RT_PHASE_DECODE, &error));
  FUZZ_CHECK (rt_exec_n_vocab (model->exec) == model->params.n_vocab);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  /* Aligned, and with nothing behind it. */
  uint8_t *file = malloc (n ? n : 1);
  RtError error = { 0 };
  RtModel model;

  memcpy (file, data, n);
  RtModelConfig config = { .bytes = file,
                           .n_bytes = n,
                           .format = -1,
                           .fusions = n % 2 == 0 ? RT_FUSE_ALL : 0,
                           .max_tokens = 2,
                           .kv_format = KN_F16,
                           .kv_capacity = 3 };
  bool opened = rt_model_open (&model, &config, &error);
  FUZZ_CHECK (opened == (error.status == RT_OK));
  FUZZ_CHECK (opened || error.message[0] != '\0');
  if (model.source != NULL)
    check_blocks (&model);
  if (opened)
    run_model (&model);
  fuzz_accepted = opened;
  rt_model_close (&model);
  free (file);
  return 0;
}
