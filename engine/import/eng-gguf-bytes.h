/* Metadata written as a GGUF file without tensors, in memory: the description of a language model
 * that the runtime's architecture builders and tokenizers read. Private to import/. */
#pragma once

#include <glib.h>

#include "rt-gguf.h"

G_BEGIN_DECLS

typedef struct EngGgufBytes EngGgufBytes;

EngGgufBytes *eng_gguf_bytes_new (void);
void eng_gguf_bytes_free (EngGgufBytes *self); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngGgufBytes, eng_gguf_bytes_free)

/* A key may be added once. @format: the key, as of printf. */
void eng_gguf_bytes_u32 (EngGgufBytes *self, guint32 value, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
void eng_gguf_bytes_f32 (EngGgufBytes *self, float value, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
void eng_gguf_bytes_bool (EngGgufBytes *self, gboolean value, const char *key);
void eng_gguf_bytes_string (EngGgufBytes *self, const char *value, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
void eng_gguf_bytes_strings (EngGgufBytes *self, const char *const *items, gsize n,
                             const char *key);
/* @items: 4 bytes each, of @type I32 or F32. */
void eng_gguf_bytes_numbers (EngGgufBytes *self, RtGgufType type, gconstpointer items, gsize n,
                             const char *key);

/* The whole; valid until the next call. */
gconstpointer eng_gguf_bytes_get (EngGgufBytes *self, gsize *n_bytes);

G_END_DECLS
