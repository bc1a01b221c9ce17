/* See random-model.h. */
#include "random-model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kn-quant.h"
#include "rt-gguf.h"

typedef struct
{
  char name[80];
  int dtype;
  uint32_t n_dims;
  uint64_t ne[2]; /* columns, rows */
  float center, spread;
} Tensor;

#define MAX_TENSORS 2048

typedef struct
{
  const RandomModel *m;
  Tensor tensors[MAX_TENSORS];
  uint32_t n_tensors;
} Plan;

/* xorshift64*: Vigna 2016. */
static uint64_t
next_random (uint64_t *state)
{
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 2685821657736338717ull;
}

static float
next_uniform (uint64_t *state)
{
  return (float)((double)(next_random (state) >> 40) / (1 << 23) - 1.0);
}

static void
add (Plan *plan, uint64_t n_rows, uint64_t n_cols, float center, float spread, const char *name)
{
  const RandomModel *m = plan->m;
  const KnDtypeInfo *info = kn_dtype_info (m->dtype);
  Tensor *t = &plan->tensors[plan->n_tensors];

  if (m->leave_out != NULL && strcmp (m->leave_out, name) == 0)
    return;
  if (m->wrong_shape != NULL && strcmp (m->wrong_shape, name) == 0)
    n_rows = n_rows > 0 ? n_rows + 1 : 0, n_cols = n_rows > 0 ? n_cols : n_cols + 1;
  *t = (Tensor){ .dtype = n_rows > 0 && n_cols % info->block_len == 0 ? (int)m->dtype : KN_F32,
                 .n_dims = n_rows > 0 ? 2 : 1,
                 .ne = { n_cols, n_rows > 0 ? n_rows : 1 },
                 .center = center,
                 .spread = spread };
  snprintf (t->name, sizeof t->name, "%s", name);
  plan->n_tensors++;
}

static void
add_block (Plan *plan, uint32_t layer, uint64_t n_rows, uint64_t n_cols, const char *name)
{
  char full[80];
  snprintf (full, sizeof full, "blk.%u.%s", layer, name);
  if (n_rows > 0)
    add (plan, n_rows, n_cols, 0, 1.7f / sqrtf ((float)n_cols), full);
  else if (strstr (name, "bias") != NULL)
    add (plan, 0, n_cols, 0, 0.3f, full);
  else
    add (plan, 0, n_cols, 1, 0.3f, full);
}

static uint32_t
size_of (const uint32_t *list, uint32_t layer, uint32_t otherwise)
{
  return list != NULL ? list[layer] : otherwise;
}

static void
plan_attention (Plan *plan, uint32_t i)
{
  const RandomModel *m = plan->m;
  uint64_t q = (uint64_t)size_of (m->heads_list, i, m->n_heads) * m->head_dim;
  uint64_t kv = (uint64_t)size_of (m->kv_list, i, m->n_kv_heads) * m->head_dim;

  if (q == 0)
    return;
  add_block (plan, i, 0, m->n_embd, "attn_norm.weight");
  add_block (plan, i, q, m->n_embd, "attn_q.weight");
  add_block (plan, i, kv, m->n_embd, "attn_k.weight");
  add_block (plan, i, kv, m->n_embd, "attn_v.weight");
  if (m->qkv_bias)
    {
      add_block (plan, i, 0, q, "attn_q.bias");
      add_block (plan, i, 0, kv, "attn_k.bias");
      add_block (plan, i, 0, kv, "attn_v.bias");
    }
  if (m->head_norms)
    {
      add_block (plan, i, 0, m->head_dim, "attn_q_norm.weight");
      add_block (plan, i, 0, m->head_dim, "attn_k_norm.weight");
    }
  add_block (plan, i, m->n_embd, q, "attn_output.weight");
  if (m->post_norms)
    add_block (plan, i, 0, m->n_embd, "post_attention_norm.weight");
}

static void
plan_feed_forward (Plan *plan, uint32_t i)
{
  const RandomModel *m = plan->m;
  uint64_t n_ff = size_of (m->ff_list, i, m->n_ff);

  if (n_ff == 0)
    return;
  add_block (plan, i, 0, m->n_embd, "ffn_norm.weight");
  add_block (plan, i, n_ff, m->n_embd, "ffn_gate.weight");
  add_block (plan, i, n_ff, m->n_embd, "ffn_up.weight");
  add_block (plan, i, m->n_embd, n_ff, "ffn_down.weight");
  if (m->post_norms)
    add_block (plan, i, 0, m->n_embd, "post_ffw_norm.weight");
}

static void
plan_tensors (Plan *plan)
{
  const RandomModel *m = plan->m;

  add (plan, m->n_vocab, m->n_embd, 0, 1, "token_embd.weight");
  if (m->rope_factors)
    add (plan, 0, m->head_dim / 2, 3, 2, "rope_freqs.weight");
  for (uint32_t i = 0; i < m->n_layers; i++)
    {
      plan_attention (plan, i);
      plan_feed_forward (plan, i);
    }
  add (plan, 0, m->n_embd, 1, 0.3f, "output_norm.weight");
  if (!m->tied)
    add (plan, m->n_vocab, m->n_embd, 0, 1.7f / sqrtf ((float)m->n_embd), "output.weight");
  if (m->extra != NULL)
    add (plan, 0, 8, 0, 1, m->extra);
}

static bool
add_u32 (RtGgufWriter *w, const char *arch, const char *name, uint32_t value, RtError *error)
{
  char key[96];
  snprintf (key, sizeof key, "%s.%s", arch, name);
  return rt_gguf_writer_add_u32 (w, key, value, error);
}

/* One number for all blocks, or a list. */
static bool
add_sizes (RtGgufWriter *w, const RandomModel *m, const char *arch, const char *name,
           const uint32_t *list, uint32_t value, RtError *error)
{
  uint32_t n = m->list_items > 0 ? m->list_items : m->n_layers;
  char key[96];
  float floats[64];

  if (list == NULL)
    return add_u32 (w, arch, name, value, error);
  snprintf (key, sizeof key, "%s.%s", arch, name);
  for (uint32_t i = 0; m->float_lists && i < n; i++)
    floats[i] = (float)list[i];
  return rt_gguf_writer_add_array (w, key, m->float_lists ? RT_GGUF_F32 : RT_GGUF_I32,
                                   m->float_lists ? (const void *)floats : list, n, error);
}

static bool
add_f32 (RtGgufWriter *w, const char *arch, const char *name, float value, RtError *error)
{
  char key[96];
  snprintf (key, sizeof key, "%s.%s", arch, name);
  return value == 0 || rt_gguf_writer_add_f32 (w, key, value, error);
}

static bool
add_metadata (RtGgufWriter *w, const RandomModel *m, const char *arch, RtError *error)
{
  char key[96];
  snprintf (key, sizeof key, "%s.rope.scaling.type", arch);

  return rt_gguf_writer_add_string (w, "general.architecture", arch, error)
         && add_u32 (w, arch, "context_length", 512, error)
         && add_u32 (w, arch, "embedding_length", m->n_embd, error)
         && add_u32 (w, arch, "block_count", m->n_layers, error)
         && add_sizes (w, m, arch, "feed_forward_length",
                       m->ff_said != NULL ? m->ff_said : m->ff_list, m->n_ff, error)
         && add_sizes (w, m, arch, "attention.head_count", m->heads_list, m->n_heads, error)
         && add_sizes (w, m, arch, "attention.head_count_kv", m->kv_list, m->n_kv_heads, error)
         && (m->no_head_size
             || (add_u32 (w, arch, "attention.key_length", m->head_dim, error)
                 && add_u32 (w, arch, "attention.value_length", m->head_dim, error)))
         && (m->window == 0 || add_u32 (w, arch, "attention.sliding_window", m->window, error))
         && add_f32 (w, arch, "attention.layer_norm_rms_epsilon", 1e-5f, error)
         && add_f32 (w, arch, "attn_logit_softcapping", m->attention_softcap, error)
         && add_f32 (w, arch, "final_logit_softcapping", m->logit_softcap, error)
         && (m->scaling_type == NULL
             || (rt_gguf_writer_add_string (w, key, m->scaling_type, error)
                 && add_f32 (w, arch, "rope.scaling.factor", 4, error)));
}

static bool
write_tensor (RtGgufWriter *w, const Tensor *t, uint64_t *state, RtError *error)
{
  size_t n = t->ne[0], row_bytes = kn_row_bytes (t->dtype, n);
  float *values = malloc (n * sizeof *values);
  void *row = malloc (row_bytes);
  bool ok = values != NULL && row != NULL;

  for (uint64_t i = 0; i < t->ne[1] && ok; i++)
    {
      for (size_t k = 0; k < n; k++)
        values[k] = t->center + t->spread * next_uniform (state);
      kn_quantize_row (t->dtype, values, row, n);
      ok = rt_gguf_writer_write (w, row, row_bytes, error);
    }
  free (row);
  free (values);
  return ok;
}

static bool
write_all (RtGgufWriter *w, const Plan *plan, const char *arch, const char *path, uint64_t seed,
           RtError *error)
{
  uint64_t state = seed * 2 + 88172645463325252ull;

  if (!add_metadata (w, plan->m, arch, error))
    return false;
  for (uint32_t i = 0; i < plan->n_tensors; i++)
    if (!rt_gguf_writer_add_tensor (w, plan->tensors[i].name, plan->tensors[i].dtype,
                                    plan->tensors[i].n_dims, plan->tensors[i].ne, error))
      return false;
  if (!rt_gguf_writer_begin (w, path, error))
    return false;
  for (uint32_t i = 0; i < plan->n_tensors; i++)
    if (!write_tensor (w, &plan->tensors[i], &state, error))
      return false;
  return rt_gguf_writer_end (w, error);
}

char *
random_model_write (const RandomModel *model, uint64_t seed, RtError *error)
{
  Plan *plan = calloc (1, sizeof *plan);
  const char *folder = getenv ("TMPDIR");
  char *path = malloc (4096);
  RtGgufWriter *w = rt_gguf_writer_new (error);

  snprintf (path, 4096, "%s/lathe-test-XXXXXX", folder != NULL ? folder : "/tmp");
  int fd = mkstemp (path);
  if (fd >= 0)
    close (fd);
  plan->m = model;
  plan_tensors (plan);
  bool ok = fd >= 0 && w != NULL
            && write_all (w, plan, model->arch != NULL ? model->arch : "llama", path, seed, error);
  rt_gguf_writer_free (w);
  free (plan);
  if (ok)
    return path;
  if (fd >= 0)
    unlink (path);
  free (path);
  return NULL;
}
