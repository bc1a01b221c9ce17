/* See eng-safetensors-names.h. */
#include "eng-safetensors-names.h"

#include <string.h>

typedef struct
{
  const char *theirs, *ours;
  EngSafetensorsUse use; /* where the configuration asks for it */
} Row;

static const Row whole[] = {
  { "model.embed_tokens.weight", "token_embd.weight", ENG_SAFETENSORS_MAP },
  { "model.norm.weight", "output_norm.weight", ENG_SAFETENSORS_NORM },
  { "lm_head.weight", "output.weight", ENG_SAFETENSORS_MAP },
  { "lm_head.bias", "output.bias", ENG_SAFETENSORS_MAP },
};

/* Of a layer. */
static const Row parts[] = {
  { "input_layernorm.weight", "attn_norm.weight", ENG_SAFETENSORS_NORM },
  { "self_attn.q_proj.weight", "attn_q.weight", ENG_SAFETENSORS_QUERIES },
  { "self_attn.q_proj.bias", "attn_q.bias", ENG_SAFETENSORS_QUERIES },
  { "self_attn.k_proj.weight", "attn_k.weight", ENG_SAFETENSORS_KEYS },
  { "self_attn.k_proj.bias", "attn_k.bias", ENG_SAFETENSORS_KEYS },
  { "self_attn.v_proj.weight", "attn_v.weight", ENG_SAFETENSORS_MAP },
  { "self_attn.v_proj.bias", "attn_v.bias", ENG_SAFETENSORS_MAP },
  { "self_attn.o_proj.weight", "attn_output.weight", ENG_SAFETENSORS_MAP },
  { "self_attn.o_proj.bias", "attn_output.bias", ENG_SAFETENSORS_MAP },
  { "self_attn.q_norm.weight", "attn_q_norm.weight", ENG_SAFETENSORS_NORM },
  { "self_attn.k_norm.weight", "attn_k_norm.weight", ENG_SAFETENSORS_NORM },
  { "self_attn.rotary_emb.inv_freq", "", ENG_SAFETENSORS_SKIP },
  { "mlp.gate_proj.weight", "ffn_gate.weight", ENG_SAFETENSORS_MAP },
  { "mlp.gate_proj.bias", "ffn_gate.bias", ENG_SAFETENSORS_MAP },
  { "mlp.up_proj.weight", "ffn_up.weight", ENG_SAFETENSORS_MAP },
  { "mlp.up_proj.bias", "ffn_up.bias", ENG_SAFETENSORS_MAP },
  { "mlp.down_proj.weight", "ffn_down.weight", ENG_SAFETENSORS_MAP },
  { "mlp.down_proj.bias", "ffn_down.bias", ENG_SAFETENSORS_MAP },
};

/* Norms around the feed-forward part: before it, or (with norms after each part) after
 * attention. */
static const Row plain_norms[] = {
  { "post_attention_layernorm.weight", "ffn_norm.weight", ENG_SAFETENSORS_NORM },
};
static const Row post_norms[] = {
  { "post_attention_layernorm.weight", "post_attention_norm.weight", ENG_SAFETENSORS_NORM },
  { "pre_feedforward_layernorm.weight", "ffn_norm.weight", ENG_SAFETENSORS_NORM },
  { "post_feedforward_layernorm.weight", "post_ffw_norm.weight", ENG_SAFETENSORS_NORM },
};

static const Row *
find (const Row *rows, guint n, const char *name)
{
  for (guint i = 0; i < n; i++)
    if (strcmp (rows[i].theirs, name) == 0)
      return &rows[i];
  return NULL;
}

static EngSafetensorsUse
use_of (const Row *row, const EngSafetensorsConfig *config)
{
  gboolean rows = row->use == ENG_SAFETENSORS_QUERIES || row->use == ENG_SAFETENSORS_KEYS;

  if ((rows && !config->interleaves)
      || (row->use == ENG_SAFETENSORS_NORM && !config->norms_from_one))
    return ENG_SAFETENSORS_MAP;
  return row->use;
}

char *
eng_safetensors_dup_name (const char *name, const EngSafetensorsConfig *config,
                          EngSafetensorsUse *use)
{
  static const char prefix[] = "model.layers.";
  const Row *row = find (whole, G_N_ELEMENTS (whole), name);
  guint64 layer;
  char *end;

  *use = ENG_SAFETENSORS_MAP;
  if (row != NULL)
    {
      *use = config->is_tied && g_str_has_prefix (name, "lm_head.weight") ? ENG_SAFETENSORS_SKIP
                                                                          : use_of (row, config);
      return g_strdup (row->ours);
    }
  if (!g_str_has_prefix (name, prefix) || !g_ascii_isdigit (name[strlen (prefix)]))
    return g_strdup (name);
  layer = g_ascii_strtoull (name + strlen (prefix), &end, 10);
  if (*end != '.')
    return g_strdup (name);
  row = find (parts, G_N_ELEMENTS (parts), end + 1);
  if (row == NULL)
    row = config->post_norms ? find (post_norms, G_N_ELEMENTS (post_norms), end + 1)
                             : find (plain_norms, G_N_ELEMENTS (plain_norms), end + 1);
  if (row == NULL)
    return g_strdup (name);
  *use = use_of (row, config);
  return g_strdup_printf ("blk.%" G_GUINT64_FORMAT ".%s", layer, row->ours);
}
