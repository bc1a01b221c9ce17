/* Hyperparameters of the known architectures. Called when a model is opened; rt-arch-build.c makes
 * the graph from the result.
 *
 * Every number comes from the file and is checked here, so that the builder can trust its ranges.
 */
#include "rt-arch.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof (array) / sizeof *(array))

/* Limits that no model reaches and that keep every product of two of them far from overflow. */
#define MAX_LAYERS 4096
#define MAX_WIDTH (1u << 20)
#define MAX_HEAD_DIM 1024
#define MAX_CONTEXT (1u << 28)

/* What differs between architectures and is not in their metadata. */
typedef struct
{
  const char *name;
  bool rope_half;
  bool gelu;
  bool scale_embeddings; /* by the square root of the width */
  bool head_norms, post_norms;
  uint32_t global_every; /* with a sliding window */
  float rope_base_local; /* 0: same */
} Arch;

static const Arch archs[] = {
  { .name = "llama" }, /* Llama 1 to 3, Mistral, SmolLM, TinyLlama */
  { .name = "deci" },  /* Llama with blocks of different sizes */
  { .name = "qwen2", .rope_half = true },
  { .name = "qwen3", .rope_half = true, .head_norms = true },
  { .name = "gemma", .rope_half = true, .gelu = true, .scale_embeddings = true },
  { .name = "gemma2",
    .rope_half = true,
    .gelu = true,
    .post_norms = true,
    .scale_embeddings = true,
    .global_every = 2 },
  { .name = "gemma3",
    .rope_half = true,
    .gelu = true,
    .head_norms = true,
    .post_norms = true,
    .scale_embeddings = true,
    .global_every = 6,
    .rope_base_local = 10000 },
};

static const char *const arch_names[]
    = { "llama", "deci", "qwen2", "qwen3", "gemma", "gemma2", "gemma3" };
_Static_assert(COUNT (archs) == COUNT (arch_names), "one name per architecture");

const char *const *
rt_arch_names (uint32_t *n_names)
{
  *n_names = COUNT (arch_names);
  return arch_names;
}

/* ---- metadata ---- */

typedef struct
{
  const RtGguf *gguf;
  const char *arch;
  RtError *error;
} Reader;

/* "<arch>.<name>" */
static void
full_key (const Reader *reader, const char *name, char *key, size_t n_bytes)
{
  snprintf (key, n_bytes, "%s.%s", reader->arch, name);
}

/* A number, or an array of equal numbers (some models list one per block). */
static bool
find_u64 (const Reader *reader, const char *key, uint64_t *value, bool *found)
{
  const RtGgufMeta *meta = rt_gguf_find (reader->gguf, key);
  int64_t first = 0, item;

  *found = meta != NULL;
  if (meta == NULL)
    return true;
  if (meta->type != RT_GGUF_ARRAY)
    return rt_gguf_get_u64 (reader->gguf, key, value)
           || rt_fail (reader->error, RT_ERROR_FORMAT, "%s: expected a whole number", key);

  for (uint64_t i = 0; i < meta->n_items; i++)
    {
      if (!rt_gguf_item_i64 (meta, i, &item) || item < 0)
        return rt_fail (reader->error, RT_ERROR_FORMAT, "%s: expected whole numbers", key);
      if (i == 0)
        first = item;
      if (item != first)
        return rt_fail (reader->error, RT_ERROR_UNSUPPORTED,
                        "%s differs between blocks (%" PRId64 " and %" PRId64
                        "): such models cannot be run yet",
                        key, first, item);
    }
  if (meta->n_items == 0)
    return rt_fail (reader->error, RT_ERROR_FORMAT, "%s: the list is empty", key);
  *value = (uint64_t)first;
  return true;
}

/* @name, at least 1 and at most @max. Absent: @fallback, or an error when that is 0. */
static bool
read_count (const Reader *reader, const char *name, uint32_t max, uint32_t fallback,
            uint32_t *result)
{
  char key[128];
  uint64_t value = fallback;
  bool found;

  full_key (reader, name, key, sizeof key);
  if (!find_u64 (reader, key, &value, &found))
    return false;
  if (!found && fallback == 0)
    return rt_fail (reader->error, RT_ERROR_FORMAT, "%s is missing from the metadata", key);
  if (value < 1 || value > max)
    return rt_fail (reader->error, RT_ERROR_FORMAT, "%s: expected 1 to %u, got %" PRIu64, key, max,
                    value);
  *result = (uint32_t)value;
  return true;
}

/* @name, finite and above 0. Absent: @fallback, or an error when that is 0. */
static bool
read_positive (const Reader *reader, const char *name, double fallback, float *result)
{
  char key[128];
  double value = fallback;

  full_key (reader, name, key, sizeof key);
  bool found = rt_gguf_get_f64 (reader->gguf, key, &value);
  if (!found && fallback == 0)
    return rt_fail (reader->error, RT_ERROR_FORMAT, "%s is missing from the metadata", key);
  if (!(value > 0) || !isfinite ((float)value))
    return rt_fail (reader->error, RT_ERROR_FORMAT, "%s: expected a number above 0, got %g", key,
                    value);
  *result = (float)value;
  return true;
}

/* ---- */

static const Arch *
find_arch (const RtGguf *gguf, RtError *error)
{
  char known[128] = "";
  RtSlice name;

  if (!rt_gguf_get_string (gguf, "general.architecture", &name))
    {
      rt_fail (error, RT_ERROR_FORMAT,
               "general.architecture is missing from the metadata: the file does not say what "
               "network it holds");
      return NULL;
    }
  for (size_t i = 0; i < COUNT (archs); i++)
    {
      if (strlen (archs[i].name) == name.length
          && memcmp (archs[i].name, name.data, name.length) == 0)
        return &archs[i];
      size_t n = strlen (known);
      snprintf (known + n, sizeof known - n, "%s%s", i > 0 ? ", " : "", archs[i].name);
    }
  int n_shown = name.length < 64 ? (int)name.length : 64;
  rt_fail (error, RT_ERROR_UNSUPPORTED, "Unknown architecture \"%.*s\"; known are %s", n_shown,
           name.data, known);
  return NULL;
}

/* ---- sizes of blocks ---- */

/* Block @layer's @name: one number for all, or its entry of a list with one per block, where 0 says
 * that the block has no such part. Absent: @fallback, or an error when that is 0. */
static bool
read_entry (const Reader *reader, const char *name, uint32_t n_layers, uint32_t layer,
            uint32_t fallback, uint32_t *result)
{
  char key[128];
  int64_t item;

  full_key (reader, name, key, sizeof key);
  const RtGgufMeta *meta = rt_gguf_find (reader->gguf, key);
  if (meta == NULL || meta->type != RT_GGUF_ARRAY)
    return read_count (reader, name, MAX_WIDTH, fallback, result);
  if (meta->n_items != n_layers)
    return rt_fail (reader->error, RT_ERROR_FORMAT,
                    "%s: expected one number or a list of %u, one per block; the list has %" PRIu64,
                    key, n_layers, meta->n_items);
  double huge;
  bool is_float = meta->item_type == RT_GGUF_F32 || meta->item_type == RT_GGUF_F64;
  bool is_whole = rt_gguf_item_i64 (meta, layer, &item);
  if (!is_whole && !is_float && rt_gguf_item_f64 (meta, layer, &huge))
    return rt_fail (reader->error, RT_ERROR_FORMAT, "%s: expected 0 to %u for block %u, got %.0f",
                    key, MAX_WIDTH, layer, huge);
  if (!is_whole)
    return rt_fail (reader->error, RT_ERROR_FORMAT, "%s: expected whole numbers, got a list of %s",
                    key, rt_gguf_type_name (meta->item_type));
  if (item < 0 || item > MAX_WIDTH)
    return rt_fail (reader->error, RT_ERROR_FORMAT,
                    "%s: expected 0 to %u for block %u, got %" PRId64, key, MAX_WIDTH, layer, item);
  *result = (uint32_t)item;
  return true;
}

static bool
has_list (const Reader *reader, const char *name)
{
  char key[128];

  full_key (reader, name, key, sizeof key);
  const RtGgufMeta *meta = rt_gguf_find (reader->gguf, key);
  return meta != NULL && meta->type == RT_GGUF_ARRAY;
}

static bool
read_block (const Reader *reader, uint32_t n_layers, uint32_t layer, RtArchBlock *block)
{
  static const char kv_name[] = "attention.head_count_kv";

  if (!read_entry (reader, "feed_forward_length", n_layers, layer, 0, &block->n_ff)
      || !read_entry (reader, "attention.head_count", n_layers, layer, 0, &block->n_heads))
    return false;
  block->n_kv_heads = 0;
  /* One number of key-value heads for all does not speak of blocks without attention. */
  if (block->n_heads == 0 && !has_list (reader, kv_name))
    return true;
  if (!read_entry (reader, kv_name, n_layers, layer, block->n_heads > 0 ? block->n_heads : 1,
                   &block->n_kv_heads))
    return false;
  if (block->n_heads > 0 && block->n_kv_heads == 0)
    return rt_fail (reader->error, RT_ERROR_UNSUPPORTED,
                    "%s.%s is 0 for block %u, which has %u query heads: attention without keys "
                    "cannot be run yet",
                    reader->arch, kv_name, layer, block->n_heads);
  if (block->n_kv_heads > 0 && block->n_heads % block->n_kv_heads != 0)
    return rt_fail (reader->error, RT_ERROR_FORMAT,
                    "%s.%s: the %u query heads of block %u cannot share %u key-value heads",
                    reader->arch, kv_name, block->n_heads, layer, block->n_kv_heads);
  if (block->n_heads == 0 && block->n_kv_heads > 0)
    return rt_fail (reader->error, RT_ERROR_FORMAT,
                    "%s.%s is %u for block %u, which has no query heads "
                    "(%s.attention.head_count is 0): expected 0",
                    reader->arch, kv_name, block->n_kv_heads, layer, reader->arch);
  return true;
}

/* The larger of two sizes; *@differ: neither is 0 and they are not the same. */
static uint32_t
larger (uint32_t a, uint32_t b, bool *differ)
{
  *differ |= a != 0 && b != 0 && a != b;
  return a > b ? a : b;
}

static bool
read_blocks (const Reader *reader, RtArchParams *p)
{
  RtArchBlock block = { 0 };

  for (uint32_t i = 0; i < p->n_layers; i++)
    {
      if (!read_block (reader, p->n_layers, i, &block))
        return false;
      p->n_ff = larger (p->n_ff, block.n_ff, &p->blocks_differ);
      p->n_heads = larger (p->n_heads, block.n_heads, &p->blocks_differ);
      p->n_kv_heads = larger (p->n_kv_heads, block.n_kv_heads, &p->blocks_differ);
    }
  if (p->n_heads == 0)
    return rt_fail (reader->error, RT_ERROR_FORMAT,
                    "%s.attention.head_count is 0 for all %u blocks: a model whose tokens see "
                    "nothing but themselves",
                    reader->arch, p->n_layers);
  return true;
}

RtArchBlock
rt_arch_block (const RtGguf *gguf, const RtArchParams *params, uint32_t layer)
{
  Reader reader = { .gguf = gguf, .arch = params->arch };
  RtArchBlock block = { 0 };

  read_block (&reader, params->n_layers, layer, &block);
  return block;
}

static bool
read_sizes (const Reader *reader, RtArchParams *p)
{
  uint32_t n_experts = 0;
  char key[128];
  uint64_t value = 0;

  full_key (reader, "expert_count", key, sizeof key);
  if (rt_gguf_get_u64 (reader->gguf, key, &value))
    n_experts = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
  if (n_experts > 0)
    return rt_fail (reader->error, RT_ERROR_UNSUPPORTED,
                    "%s is %u: mixtures of experts cannot be run yet", key, n_experts);

  if (!read_count (reader, "block_count", MAX_LAYERS, 0, &p->n_layers)
      || !read_count (reader, "embedding_length", MAX_WIDTH, 0, &p->n_embd)
      || !read_blocks (reader, p)
      || !read_count (reader, "context_length", MAX_CONTEXT, 2048, &p->n_ctx_train))
    return false;

  /* What the width gives per head counts as the head's size only where all blocks agree. */
  uint32_t default_dim = p->blocks_differ ? 0 : p->n_embd / p->n_heads, value_dim;
  if (!read_count (reader, "attention.key_length", MAX_HEAD_DIM, default_dim, &p->head_dim)
      || !read_count (reader, "attention.value_length", MAX_HEAD_DIM, p->head_dim, &value_dim)
      || !read_count (reader, "rope.dimension_count", MAX_HEAD_DIM, p->head_dim, &p->rope_dims))
    return false;

  if (p->head_dim % 2 != 0 || value_dim != p->head_dim)
    return rt_fail (reader->error, RT_ERROR_UNSUPPORTED,
                    "Heads of %u key and %u value dimensions: expected the same even number",
                    p->head_dim, value_dim);
  if (p->rope_dims % 2 != 0 || p->rope_dims > p->head_dim)
    return rt_fail (reader->error, RT_ERROR_FORMAT,
                    "%s.rope.dimension_count is %u, expected an even number up to the head's %u",
                    reader->arch, p->rope_dims, p->head_dim);
  return true;
}

static bool
read_rope (const Reader *reader, RtArchParams *p)
{
  char key[128];
  RtSlice type;
  float factor;

  if (!read_positive (reader, "rope.freq_base", 10000, &p->rope_base))
    return false;

  p->rope_scale = 1;
  full_key (reader, "rope.scaling.type", key, sizeof key);
  bool has_type = rt_gguf_get_string (reader->gguf, key, &type);
  if (has_type && type.length == 4 && memcmp (type.data, "none", 4) == 0)
    return true;
  if (has_type && !(type.length == 6 && memcmp (type.data, "linear", 6) == 0))
    return rt_fail (reader->error, RT_ERROR_UNSUPPORTED,
                    "%s: rotary scaling \"%.*s\" is not supported; none, linear and the frequency "
                    "factors of Llama 3 are",
                    key, type.length < 32 ? (int)type.length : 32, type.data);

  /* Files of 2023 have scale_linear instead of type and factor. */
  double old = 0;
  full_key (reader, "rope.scale_linear", key, sizeof key);
  if (!has_type && rt_gguf_get_f64 (reader->gguf, key, &old))
    {
      if (!(old > 0))
        return rt_fail (reader->error, RT_ERROR_FORMAT, "%s: expected a number above 0, got %g",
                        key, old);
      p->rope_scale = (float)(1 / old);
      return true;
    }
  if (!read_positive (reader, "rope.scaling.factor", 1, &factor))
    return false;
  if (has_type)
    p->rope_scale = 1 / factor;
  return true;
}

/* A cap of 0 or less means none. */
static float
read_cap (const Reader *reader, const char *name)
{
  char key[128];
  double value = 0;

  full_key (reader, name, key, sizeof key);
  if (!rt_gguf_get_f64 (reader->gguf, key, &value) || !(value > 0) || !isfinite ((float)value))
    return 0;
  return (float)value;
}

static bool
read_attention (const Reader *reader, const Arch *arch, RtArchParams *p)
{
  char key[128];
  uint64_t window = 0;
  bool found;
  double scale = 0;

  if (!read_positive (reader, "attention.layer_norm_rms_epsilon", 0, &p->norm_eps))
    return false;

  full_key (reader, "attention.sliding_window", key, sizeof key);
  if (!find_u64 (reader, key, &window, &found))
    return false;
  /* Llama and Qwen files carry a window that their models do not use; Gemma 1 has none. */
  if (window <= MAX_CONTEXT && arch->global_every > 0)
    p->sliding_window = (uint32_t)window;
  p->global_every = p->sliding_window > 0 ? arch->global_every : 0;
  p->rope_base_local = p->sliding_window > 0 ? arch->rope_base_local : 0;

  p->attention_softcap = read_cap (reader, "attn_logit_softcapping");
  p->logit_softcap = read_cap (reader, "final_logit_softcapping");

  p->attention_scale = 1 / sqrtf ((float)p->head_dim);
  full_key (reader, "attention.scale", key, sizeof key);
  if (rt_gguf_get_f64 (reader->gguf, key, &scale) && scale > 0)
    p->attention_scale = (float)scale;
  /* The 27 B models of Gemma 2 (46 blocks) and 3 (62) scale by the width per head, which is not
   * their head size. */
  else if (arch->global_every > 0 && (p->n_layers == 46 || p->n_layers == 62)
           && p->head_dim * p->n_heads != p->n_embd)
    p->attention_scale = 1 / sqrtf ((float)p->n_embd / (float)p->n_heads);
  return true;
}

static bool
read_vocabulary (const Reader *reader, RtArchParams *p)
{
  const RtGgufTensor *table = rt_gguf_find_tensor (reader->gguf, "token_embd.weight");

  if (table == NULL)
    return rt_fail (reader->error, RT_ERROR_FORMAT,
                    "The tensor token_embd.weight is missing: the file has no weights of a "
                    "language model (a vocabulary only?)");
  if (table->n_dims != 2 || table->ne[0] != p->n_embd || table->ne[1] < 1
      || table->ne[1] > INT32_MAX)
    return rt_fail (reader->error, RT_ERROR_FORMAT,
                    "token_embd.weight: expected rows of %u values, got %" PRIu64 " x %" PRIu64,
                    p->n_embd, table->ne[1], table->ne[0]);
  p->n_vocab = (uint32_t)table->ne[1];
  p->tied_embeddings = rt_gguf_find_tensor (reader->gguf, "output.weight") == NULL;
  return true;
}

bool
rt_arch_params (const RtGguf *gguf, RtArchParams *params, RtError *error)
{
  const Arch *arch = find_arch (gguf, error);
  if (arch == NULL)
    return false;

  Reader reader = { .gguf = gguf, .arch = arch->name, .error = error };
  memset (params, 0, sizeof *params);
  snprintf (params->arch, sizeof params->arch, "%s", arch->name);
  params->rope_half = arch->rope_half;
  params->gelu = arch->gelu;
  params->head_norms = arch->head_norms;
  params->post_norms = arch->post_norms;

  if (!read_sizes (&reader, params) || !read_rope (&reader, params)
      || !read_attention (&reader, arch, params) || !read_vocabulary (&reader, params))
    return false;
  params->embedding_scale = arch->scale_embeddings ? sqrtf ((float)params->n_embd) : 1;
  return true;
}
