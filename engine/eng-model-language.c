/* Reading a language model: a mapped GGUF file, or a folder of safetensors that looks like one; its
 * graph by its architecture, its tokenizer. */
#include <string.h>

#include "eng-error.h"
#include "eng-model-types.h"

static char *
slice_dup_utf8 (RtSlice slice)
{
  return g_utf8_make_valid (slice.data, (gssize)slice.length);
}

static char *
find_name (RtGguf *gguf, const char *path)
{
  RtSlice slice;
  if (rt_gguf_get_string (gguf, "general.name", &slice) && slice.length > 0)
    return slice_dup_utf8 (slice);
  g_autofree char *base = g_path_get_basename (path);
  char *dot = strrchr (base, '.');
  if (dot != NULL && dot != base)
    *dot = '\0';
  return g_filename_display_name (base);
}

static void
count_params (EngModel *self)
{
  for (guint64 i = 0; i < rt_gguf_n_tensors (self->gguf); i++)
    {
      const RtGgufTensor *tensor = rt_gguf_tensor (self->gguf, i);
      self->n_params += tensor->ne[0] * tensor->ne[1] * tensor->ne[2] * tensor->ne[3];
    }
}

/* What tells this model from another without reading all of it: every metadata entry, every
 * tensor's name, shape and format, and 256 bytes from the beginning, the middle and the end of each
 * tensor. The hash of the whole file is eng_model_dup_hash(). */
static void
make_identity (EngModel *self)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint64 i = 0; i < rt_gguf_n_meta (self->gguf); i++)
    {
      const RtGgufMeta *meta = rt_gguf_meta (self->gguf, i);
      g_checksum_update (sum, (const guchar *)meta->key.data, (gssize)meta->key.length);
      g_checksum_update (sum, meta->data, (gssize)meta->bytes);
    }
  for (guint64 i = 0; i < rt_gguf_n_tensors (self->gguf); i++)
    {
      const RtGgufTensor *tensor = rt_gguf_tensor (self->gguf, i);
      g_checksum_update (sum, (const guchar *)tensor->name.data, (gssize)tensor->name.length);
      g_checksum_update (sum, (const guchar *)&tensor->dtype, sizeof tensor->dtype);
      g_checksum_update (sum, (const guchar *)tensor->ne, sizeof tensor->ne);
      const guchar *bytes = tensor->data;
      gsize n = MIN (tensor->bytes, 256);
      if (bytes == NULL)
        continue;
      g_checksum_update (sum, bytes, (gssize)n);
      g_checksum_update (sum, bytes + (tensor->bytes - n) / 2, (gssize)n);
      g_checksum_update (sum, bytes + (tensor->bytes - n), (gssize)n);
    }
  self->identity = g_strdup (g_checksum_get_string (sum));
}

static gboolean
read_model (EngModel *self, RtError *rt_error)
{
  if (!rt_arch_params (self->gguf, &self->params, rt_error))
    return FALSE;
  self->graph = rt_arch_build (self->gguf, &self->params, rt_error);
  if (self->graph == NULL)
    return FALSE;

  /* A model without a usable tokenizer can still be looked at, converted and profiled on token
   * numbers. */
  RtError tokenizer_error = { 0 };
  self->tokenizer = rt_tokenizer_new (self->gguf, &tokenizer_error);
  if (self->tokenizer == NULL)
    self->tokenizer_error = g_utf8_make_valid (tokenizer_error.message, -1);
  return TRUE;
}

static void
finish (EngModel *self)
{
  self->n_layers = self->params.n_layers;
  count_params (self);
  make_identity (self);
}

gboolean
eng_model_load_safetensors (EngModel *self, GCancellable *cancellable, GError **error)
{
  RtError rt_error = { 0 };

  self->safetensors = eng_safetensors_load (self->path, cancellable, error);
  if (self->safetensors == NULL)
    return FALSE;
  self->gguf = eng_safetensors_get_gguf (self->safetensors);
  g_free (self->path);
  self->path = g_strdup (eng_safetensors_get_path (self->safetensors));
  if (!read_model (self, &rt_error))
    {
      eng_error_take_rt (&rt_error, error);
      g_prefix_error (error, "%s: ", self->path);
      return FALSE;
    }
  const char *why = eng_safetensors_get_tokenizer_error (self->safetensors);
  if (why != NULL)
    {
      g_free (self->tokenizer_error);
      self->tokenizer_error = g_utf8_make_valid (why, -1);
    }
  self->name = g_filename_display_name (eng_safetensors_get_name (self->safetensors));
  self->file_bytes = eng_safetensors_get_bytes (self->safetensors);
  finish (self);
  return TRUE;
}

gboolean
eng_model_load_language (EngModel *self, GError **error)
{
  RtError rt_error = { 0 };

  self->gguf = rt_gguf_open (self->path, &rt_error);
  if (self->gguf == NULL || !read_model (self, &rt_error))
    return eng_error_take_rt (&rt_error, error);
  self->name = find_name (self->gguf, self->path);
  self->file_bytes = rt_gguf_file_bytes (self->gguf);
  finish (self);
  return TRUE;
}
