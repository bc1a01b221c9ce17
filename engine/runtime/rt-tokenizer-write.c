/* The tokenizer of a part of the vocabulary as GGUF metadata, with token numbers of its own. Called
 * when a build with a trimmed vocabulary is saved. What is written cuts every text into the tokens
 * that rt_tokenizer_new_subset() cuts it into, under their new numbers: tokens stay in order, so
 * that of two with the same bytes the same one counts. */
#include "rt-tokenizer-private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "tokenizer.ggml."

typedef struct
{
  const RtTokenizer *t; /* the whole one */
  const RtGguf *gguf;
  RtGgufWriter *writer;
  const bool *keep; /* [n_vocab] */
  int32_t *numbers; /* [n_vocab] the new ones; RT_NO_TOKEN: gone */
  uint32_t n_kept;
  RtError *error;
} Subset;

static bool
fail_memory (RtError *error)
{
  return rt_fail (error, RT_ERROR_MEMORY, "no memory to write the tokenizer");
}

static bool
starts_with (RtSlice key, const char *prefix)
{
  size_t n = strlen (prefix);
  return key.length >= n && memcmp (key.data, prefix, n) == 0;
}

static bool
ends_with (RtSlice key, const char *ending)
{
  size_t n = strlen (ending);
  return key.length >= n && memcmp (key.data + key.length - n, ending, n) == 0;
}

/* The key for the writer's functions, which want it terminated. */
static bool
copy_key (const Subset *s, const RtGgufMeta *meta, char *key, size_t n_bytes)
{
  char shown[64];

  if (meta->key.length >= n_bytes)
    return rt_fail (s->error, RT_ERROR_UNSUPPORTED, "The key %s is too long",
                    rt_slice_show (meta->key, shown, sizeof shown));
  memcpy (key, meta->key.data, meta->key.length);
  key[meta->key.length] = '\0';
  return true;
}

/* ---- lists ---- */

/* The strings of @meta of which @stays says so, by their place. */
static bool
write_strings (const Subset *s, const RtGgufMeta *meta, const bool *stays)
{
  char key[128];
  RtSlice item, *items = malloc ((meta->n_items + 1) * sizeof *items);
  uint64_t cursor = 0, n = 0;

  if (items == NULL)
    return fail_memory (s->error);
  for (uint64_t i = 0; rt_gguf_next_string (meta, &cursor, &item); i++)
    if (stays[i])
      items[n++] = item;
  bool ok = copy_key (s, meta, key, sizeof key)
            && rt_gguf_writer_add_strings (s->writer, key, items, n, s->error);
  free (items);
  return ok;
}

/* The numbers of @meta, one per token, of the tokens that stay. */
static bool
write_numbers (const Subset *s, const RtGgufMeta *meta)
{
  char key[128];
  size_t item_bytes = meta->n_items > 0 ? meta->bytes / meta->n_items : 0, n = 0;
  uint8_t *items = malloc (meta->bytes + 1);

  if (items == NULL)
    return fail_memory (s->error);
  for (uint32_t i = 0; i < s->t->n_vocab; i++)
    if (s->keep[i])
      memcpy (items + n++ * item_bytes, meta->data + i * item_bytes, item_bytes);
  bool ok = copy_key (s, meta, key, sizeof key)
            && rt_gguf_writer_add_array (s->writer, key, meta->item_type, items, n, s->error);
  free (items);
  return ok;
}

/* A merge stays when its two parts and what they make do. */
static bool
write_merges (const Subset *s, const RtGgufMeta *meta)
{
  const RtMergeTable *m = &s->t->merges;
  bool *stays = calloc (meta->n_items + 1, sizeof *stays);

  if (stays == NULL)
    return fail_memory (s->error);
  for (uint32_t rank = 0; rank < m->n; rank++)
    stays[rank] = s->keep[m->left[rank]] && s->keep[m->right[rank]] && s->keep[m->merged[rank]];
  bool ok = write_strings (s, meta, stays);
  free (stays);
  return ok;
}

/* A list of token numbers, without those that are gone. */
static bool
write_ids (const Subset *s, const RtGgufMeta *meta)
{
  char key[128];
  uint64_t n = 0;
  int32_t *items = malloc ((meta->n_items + 1) * sizeof *items);

  if (items == NULL)
    return fail_memory (s->error);
  for (uint64_t i = 0; i < meta->n_items; i++)
    {
      int64_t id;
      if (rt_gguf_item_i64 (meta, i, &id) && id >= 0 && id < s->t->n_vocab && s->keep[id])
        items[n++] = s->numbers[id];
    }
  bool ok = copy_key (s, meta, key, sizeof key)
            && rt_gguf_writer_add_array (s->writer, key, RT_GGUF_I32, items, n, s->error);
  free (items);
  return ok;
}

/* ---- single tokens ---- */

/* Left out when its token is: then the file names none. "None" itself, -1 or its like, stays. */
static bool
write_id (const Subset *s, const RtGgufMeta *meta)
{
  char key[128];
  int64_t id;

  if (!rt_gguf_item_i64 (meta, 0, &id) || id < 0 || id >= UINT32_MAX)
    return rt_gguf_writer_copy_meta (s->writer, meta, s->error);
  if (id >= s->t->n_vocab || !s->keep[id])
    return true;
  return copy_key (s, meta, key, sizeof key)
         && rt_gguf_writer_add_u32 (s->writer, key, (uint32_t)s->numbers[id], s->error);
}

/* Files that do not say which tokens begin and end a text mean the usual numbers, which may be
 * other tokens now: said aloud. */
static bool
write_usual (const Subset *s, const char *key, int32_t token)
{
  if (s->t->model != RT_MODEL_SPM || rt_gguf_find (s->gguf, key) != NULL)
    return true;
  return rt_gguf_writer_add_u32 (s->writer, key,
                                 token >= 0 ? (uint32_t)s->numbers[token] : UINT32_MAX, s->error);
}

/* ---- all of it ---- */

static bool
write_entry (const Subset *s, const RtGgufMeta *meta)
{
  bool is_array = meta->type == RT_GGUF_ARRAY;

  if (!starts_with (meta->key, "tokenizer."))
    return true;
  /* All of the tokenizer again, in another program's words and with the old numbers. */
  if (starts_with (meta->key, "tokenizer.huggingface"))
    return true;
  if (s->t->model == RT_MODEL_BPE && rt_slice_equals (meta->key, PREFIX "merges"))
    return write_merges (s, meta);
  if (is_array && starts_with (meta->key, PREFIX) && ends_with (meta->key, "token_ids")
      && meta->item_type != RT_GGUF_STRING && meta->item_type != RT_GGUF_ARRAY)
    return write_ids (s, meta);
  if (is_array && starts_with (meta->key, PREFIX) && meta->n_items == s->t->n_vocab
      && meta->item_type != RT_GGUF_ARRAY)
    return meta->item_type == RT_GGUF_STRING ? write_strings (s, meta, s->keep)
                                             : write_numbers (s, meta);
  if (!is_array && starts_with (meta->key, PREFIX) && ends_with (meta->key, "_token_id"))
    return write_id (s, meta);
  return rt_gguf_writer_copy_meta (s->writer, meta, s->error);
}

static bool
write_all (const Subset *s)
{
  for (uint64_t i = 0; i < rt_gguf_n_meta (s->gguf); i++)
    if (!write_entry (s, rt_gguf_meta (s->gguf, i)))
      return false;
  return write_usual (s, PREFIX "bos_token_id", s->t->bos)
         && write_usual (s, PREFIX "eos_token_id", s->t->eos)
         && write_usual (s, PREFIX "unknown_token_id", s->t->unknown);
}

bool
rt_tokenizer_write_subset (const RtGguf *gguf, const bool *keep, RtGgufWriter *writer,
                           RtError *error)
{
  RtTokenizer *t = rt_tokenizer_new (gguf, error);
  Subset s = { .t = t, .gguf = gguf, .writer = writer, .keep = keep, .error = error };

  if (t == NULL)
    return false;
  s.numbers = malloc (t->n_vocab * sizeof *s.numbers);
  for (uint32_t i = 0; s.numbers != NULL && i < t->n_vocab; i++)
    s.numbers[i] = keep[i] ? (int32_t)s.n_kept++ : RT_NO_TOKEN;
  bool ok = s.numbers != NULL ? write_all (&s) : fail_memory (error);
  free (s.numbers);
  rt_tokenizer_free (t);
  return ok;
}
