/* The GGUF writer: version 3, everything declared first, tensors streamed in order.
 *
 * Called by `convert` and by the importers of builds. The file appears under its name only when it
 * is complete and on the disk: temporary file in the same folder, fsync, rename. Must not know what
 * the keys mean, except "general.alignment". */
#include "rt-gguf-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct
{
  uint8_t *bytes;
  size_t n, capacity;
} Buffer;

typedef struct
{
  char *name;
  int dtype;
  uint32_t n_dims;
  uint64_t ne[RT_GGUF_MAX_DIMS];
  uint64_t bytes;
} Entry;

struct RtGgufWriter
{
  Buffer meta; /* encoded entries */
  uint64_t n_meta;
  char **keys; /* [n_meta] */
  Entry *tensors;
  uint64_t n_tensors;
  uint64_t alignment;

  int fd; /* -1: not begun, or ended */
  char *path;
  char *temporary;
  uint64_t n_written; /* bytes in the file */
  uint64_t current;   /* the tensor being written */
  uint64_t n_current; /* its bytes written so far */
};

/* ---- Memory ---- */

static bool
fail_memory (RtError *error)
{
  return rt_fail (error, RT_ERROR_MEMORY, "no memory to write a GGUF file");
}

static bool
append (Buffer *b, const void *bytes, size_t n, RtError *error)
{
  size_t needed;

  if (__builtin_add_overflow (b->n, n, &needed))
    return fail_memory (error);
  if (needed > b->capacity)
    {
      size_t capacity = b->capacity ? b->capacity : 4096;
      while (capacity < needed)
        if (__builtin_mul_overflow (capacity, (size_t)2, &capacity))
          return fail_memory (error);
      uint8_t *grown = realloc (b->bytes, capacity);
      if (!grown)
        return fail_memory (error);
      b->bytes = grown;
      b->capacity = capacity;
    }
  if (n)
    memcpy (b->bytes + b->n, bytes, n);
  b->n = needed;
  return true;
}

static bool
append_u32 (Buffer *b, uint32_t value, RtError *error)
{
  return append (b, &value, sizeof value, error);
}

static bool
append_u64 (Buffer *b, uint64_t value, RtError *error)
{
  return append (b, &value, sizeof value, error);
}

static bool
append_string (Buffer *b, RtSlice s, RtError *error)
{
  return append_u64 (b, s.length, error) && append (b, s.data, s.length, error);
}

/* Room for one more item in an array of @n; grows at powers of two. */
static bool
grow (void **items, uint64_t n, size_t item_bytes, RtError *error)
{
  if (n != 0 && (n & (n - 1)) != 0)
    return true;
  void *grown = reallocarray (*items, n ? n * 2 : 1, item_bytes);
  if (!grown)
    return fail_memory (error);
  *items = grown;
  return true;
}

RtGgufWriter *
rt_gguf_writer_new (RtError *error)
{
  RtGgufWriter *w = calloc (1, sizeof *w);

  if (!w)
    {
      fail_memory (error);
      return NULL;
    }
  w->fd = -1;
  w->alignment = RT_GGUF_DEFAULT_ALIGNMENT;
  return w;
}

void
rt_gguf_writer_free (RtGgufWriter *w)
{
  if (!w)
    return;
  if (w->fd >= 0)
    {
      close (w->fd);
      unlink (w->temporary);
    }
  for (uint64_t i = 0; i < w->n_meta; i++)
    free (w->keys[i]);
  for (uint64_t i = 0; i < w->n_tensors; i++)
    free (w->tensors[i].name);
  free (w->keys);
  free (w->tensors);
  free (w->meta.bytes);
  free (w->path);
  free (w->temporary);
  free (w);
}

/* ---- Metadata ---- */

/* Write the key and the type; the value must follow. Takes the entry back when that fails:
 * *@undo_bytes is where it started. */
static bool
begin_meta (RtGgufWriter *w, RtSlice key, RtGgufType type, size_t *undo_bytes, RtError *error)
{
  char shown[80];

  for (uint64_t i = 0; i < w->n_meta; i++)
    if (rt_slice_equals (key, w->keys[i]))
      return rt_fail (error, RT_ERROR_FORMAT, "key '%s' is already written",
                      rt_slice_show (key, shown, sizeof shown));
  *undo_bytes = w->meta.n;
  return append_string (&w->meta, key, error) && append_u32 (&w->meta, type, error);
}

static bool
end_meta (RtGgufWriter *w, RtSlice key, bool ok, size_t undo_bytes, RtError *error)
{
  if (ok && grow ((void **)&w->keys, w->n_meta, sizeof *w->keys, error))
    {
      w->keys[w->n_meta] = rt_slice_dup (key);
      if (w->keys[w->n_meta])
        {
          w->n_meta++;
          return true;
        }
      fail_memory (error);
    }
  w->meta.n = undo_bytes;
  return false;
}

static RtSlice
slice_of (const char *text)
{
  return (RtSlice){ text, strlen (text) };
}

static bool
add_value (RtGgufWriter *w, const char *key, RtGgufType type, const void *value, size_t n_bytes,
           RtError *error)
{
  size_t undo;

  if (!begin_meta (w, slice_of (key), type, &undo, error))
    return false;
  return end_meta (w, slice_of (key), append (&w->meta, value, n_bytes, error), undo, error);
}

bool
rt_gguf_writer_add_u32 (RtGgufWriter *w, const char *key, uint32_t value, RtError *error)
{
  if (strcmp (key, "general.alignment") == 0)
    {
      if (!rt_gguf_alignment_valid (value))
        return rt_fail (error, RT_ERROR_RANGE,
                        "general.alignment is %u; it must be a power of two of at least 8", value);
      w->alignment = value;
    }
  return add_value (w, key, RT_GGUF_U32, &value, sizeof value, error);
}

bool
rt_gguf_writer_add_u64 (RtGgufWriter *w, const char *key, uint64_t value, RtError *error)
{
  return add_value (w, key, RT_GGUF_U64, &value, sizeof value, error);
}

bool
rt_gguf_writer_add_f32 (RtGgufWriter *w, const char *key, float value, RtError *error)
{
  return add_value (w, key, RT_GGUF_F32, &value, sizeof value, error);
}

bool
rt_gguf_writer_add_bool (RtGgufWriter *w, const char *key, bool value, RtError *error)
{
  uint8_t byte = value ? 1 : 0;

  return add_value (w, key, RT_GGUF_BOOL, &byte, 1, error);
}

bool
rt_gguf_writer_add_string (RtGgufWriter *w, const char *key, const char *value, RtError *error)
{
  size_t undo;

  if (!begin_meta (w, slice_of (key), RT_GGUF_STRING, &undo, error))
    return false;
  return end_meta (w, slice_of (key), append_string (&w->meta, slice_of (value), error), undo,
                   error);
}

bool
rt_gguf_writer_add_array (RtGgufWriter *w, const char *key, RtGgufType item_type, const void *items,
                          uint64_t n_items, RtError *error)
{
  size_t undo, n_bytes;
  uint32_t item_bytes = rt_gguf_type_bytes (item_type);

  if (item_bytes == 0)
    return rt_fail (error, RT_ERROR_RANGE, "an array of %s for '%s' is not one of numbers",
                    rt_gguf_type_name (item_type), key);
  if (__builtin_mul_overflow (n_items, (uint64_t)item_bytes, &n_bytes))
    return fail_memory (error);
  if (!begin_meta (w, slice_of (key), RT_GGUF_ARRAY, &undo, error))
    return false;
  bool ok = append_u32 (&w->meta, item_type, error) && append_u64 (&w->meta, n_items, error)
            && append (&w->meta, items, n_bytes, error);
  return end_meta (w, slice_of (key), ok, undo, error);
}

bool
rt_gguf_writer_add_strings (RtGgufWriter *w, const char *key, const RtSlice *items,
                            uint64_t n_items, RtError *error)
{
  size_t undo;

  if (!begin_meta (w, slice_of (key), RT_GGUF_ARRAY, &undo, error))
    return false;
  bool ok = append_u32 (&w->meta, RT_GGUF_STRING, error) && append_u64 (&w->meta, n_items, error);
  for (uint64_t i = 0; ok && i < n_items; i++)
    ok = append_string (&w->meta, items[i], error);
  return end_meta (w, slice_of (key), ok, undo, error);
}

bool
rt_gguf_writer_copy_meta (RtGgufWriter *w, const RtGgufMeta *meta, RtError *error)
{
  size_t undo;

  if (rt_slice_equals (meta->key, "general.alignment"))
    {
      /* The reader lets only a valid u32 through. */
      uint64_t value = rt_gguf_load_u32 (meta->data);
      return rt_gguf_writer_add_u32 (w, "general.alignment", (uint32_t)value, error);
    }
  if (!begin_meta (w, meta->key, meta->type, &undo, error))
    return false;
  bool ok = true;
  if (meta->type == RT_GGUF_ARRAY)
    ok = append_u32 (&w->meta, meta->item_type, error)
         && append_u64 (&w->meta, meta->n_items, error);
  ok = ok && append (&w->meta, meta->data, meta->bytes, error);
  return end_meta (w, meta->key, ok, undo, error);
}

/* ---- Tensors ---- */

static bool
check_tensor (const RtGgufWriter *w, const char *name, int dtype, uint32_t n_dims,
              const uint64_t *ne, uint64_t *bytes, RtError *error)
{
  uint32_t block_len = rt_gguf_dtype_block_len (dtype);
  uint64_t n_values = 1;

  for (uint64_t i = 0; i < w->n_tensors; i++)
    if (strcmp (name, w->tensors[i].name) == 0)
      return rt_fail (error, RT_ERROR_FORMAT, "tensor '%s' is already declared", name);
  if (block_len == 0)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "tensor '%s' is of %s, whose size is unknown",
                    name, rt_gguf_dtype_name (dtype));
  if (n_dims > RT_GGUF_MAX_DIMS)
    return rt_fail (error, RT_ERROR_RANGE, "tensor '%s' has %u dimensions; the format allows %d",
                    name, n_dims, RT_GGUF_MAX_DIMS);
  for (uint32_t d = 0; d < n_dims; d++)
    if (ne[d] == 0 || __builtin_mul_overflow (n_values, ne[d], &n_values))
      return rt_fail (error, RT_ERROR_RANGE, "tensor '%s' has an impossible dimension %u: %llu",
                      name, d, (unsigned long long)ne[d]);
  if ((n_dims ? ne[0] : 1) % block_len != 0)
    return rt_fail (error, RT_ERROR_RANGE,
                    "tensor '%s' has rows of %llu values; %s needs a multiple of %u", name,
                    (unsigned long long)(n_dims ? ne[0] : 1), rt_gguf_dtype_name (dtype),
                    block_len);
  *bytes = rt_gguf_dtype_bytes (dtype, n_values);
  if (*bytes == 0 || *bytes > INT64_MAX / 2)
    return rt_fail (error, RT_ERROR_RANGE, "tensor '%s' is too big: %llu values", name,
                    (unsigned long long)n_values);
  return true;
}

bool
rt_gguf_writer_add_tensor (RtGgufWriter *w, const char *name, int dtype, uint32_t n_dims,
                           const uint64_t *ne, RtError *error)
{
  Entry entry = { .dtype = dtype, .n_dims = n_dims };

  if (!check_tensor (w, name, dtype, n_dims, ne, &entry.bytes, error)
      || !grow ((void **)&w->tensors, w->n_tensors, sizeof *w->tensors, error))
    return false;
  for (uint32_t d = 0; d < n_dims; d++)
    entry.ne[d] = ne[d];
  entry.name = strdup (name);
  if (!entry.name)
    return fail_memory (error);
  w->tensors[w->n_tensors++] = entry;
  return true;
}

/* ---- The file ---- */

static uint64_t
align_up (uint64_t n, uint64_t alignment)
{
  return (n + alignment - 1) / alignment * alignment;
}

static uint64_t
header_bytes (const RtGgufWriter *w)
{
  uint64_t n = 4 + 4 + 8 + 8 + w->meta.n;

  for (uint64_t i = 0; i < w->n_tensors; i++)
    n += 8 + strlen (w->tensors[i].name) + 4 + 8 * w->tensors[i].n_dims + 4 + 8;
  return align_up (n, w->alignment);
}

uint64_t
rt_gguf_writer_file_bytes (const RtGgufWriter *w)
{
  uint64_t n = header_bytes (w);

  for (uint64_t i = 0; i < w->n_tensors; i++)
    n += align_up (w->tensors[i].bytes, w->alignment);
  return n;
}

static bool
fail_io (const RtGgufWriter *w, const char *doing, int number, RtError *error)
{
  if (number == ENOSPC || number == EDQUOT)
    return rt_fail (error, RT_ERROR_IO,
                    "%s: %s: no room on the disk for %llu bytes (%llu are written); free some "
                    "space or choose another folder",
                    w->path, doing, (unsigned long long)rt_gguf_writer_file_bytes (w),
                    (unsigned long long)w->n_written);
  return rt_fail (error, RT_ERROR_IO, "%s: %s: %s (%llu of %llu bytes are written)", w->path, doing,
                  strerror (number), (unsigned long long)w->n_written,
                  (unsigned long long)rt_gguf_writer_file_bytes (w));
}

static bool
write_bytes (RtGgufWriter *w, const void *bytes, uint64_t n, RtError *error)
{
  const uint8_t *p = bytes;

  while (n > 0)
    {
      /* Linux writes at most 2 GiB in one call. */
      size_t n_piece = n < (1u << 30) ? (size_t)n : 1u << 30;
      ssize_t n_done = write (w->fd, p, n_piece);
      if (n_done < 0 && errno == EINTR)
        continue;
      if (n_done <= 0)
        return fail_io (w, "cannot write", n_done < 0 ? errno : ENOSPC, error);
      p += n_done;
      n -= (uint64_t)n_done;
      w->n_written += (uint64_t)n_done;
    }
  return true;
}

static bool
write_padding (RtGgufWriter *w, RtError *error)
{
  static const uint8_t zeros[4096];
  uint64_t n = align_up (w->n_written, w->alignment) - w->n_written;

  while (n > 0)
    {
      uint64_t n_piece = n < sizeof zeros ? n : sizeof zeros;
      if (!write_bytes (w, zeros, n_piece, error))
        return false;
      n -= n_piece;
    }
  return true;
}

static bool
write_header (RtGgufWriter *w, RtError *error)
{
  Buffer b = { 0 };
  uint64_t offset = 0;
  bool ok = append (&b, RT_GGUF_MAGIC, 4, error) && append_u32 (&b, 3, error)
            && append_u64 (&b, w->n_tensors, error) && append_u64 (&b, w->n_meta, error)
            && append (&b, w->meta.bytes, w->meta.n, error);

  for (uint64_t i = 0; ok && i < w->n_tensors; i++)
    {
      const Entry *t = &w->tensors[i];
      ok = append_string (&b, slice_of (t->name), error) && append_u32 (&b, t->n_dims, error)
           && append (&b, t->ne, 8 * t->n_dims, error) && append_u32 (&b, (uint32_t)t->dtype, error)
           && append_u64 (&b, offset, error);
      offset += align_up (t->bytes, w->alignment);
    }
  ok = ok && write_bytes (w, b.bytes, b.n, error) && write_padding (w, error);
  free (b.bytes);
  return ok;
}

/* A new file beside the wanted one, with the rights of an ordinary file (mkstemp's are the owner's
 * alone, and asking for the umask races with other threads). */
static bool
open_temporary (RtGgufWriter *w, RtError *error)
{
  for (unsigned attempt = 0; w->fd < 0; attempt++)
    {
      free (w->temporary);
      if (asprintf (&w->temporary, "%s.%ld-%u.part", w->path, (long)getpid (), attempt) < 0)
        {
          w->temporary = NULL;
          return fail_memory (error);
        }
      w->fd = open (w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (w->fd < 0 && (errno != EEXIST || attempt == 1000))
        return fail_io (w, "cannot create a file beside it", errno, error);
    }
  return true;
}

bool
rt_gguf_writer_begin (RtGgufWriter *w, const char *path, RtError *error)
{
  if (w->path)
    return rt_fail (error, RT_ERROR_RANGE, "%s: this writer has already begun %s", path, w->path);
  w->path = strdup (path);
  if (!w->path)
    return fail_memory (error);
  if (!open_temporary (w, error))
    return false;

  /* Find a full disk now rather than after minutes. Not every file system can reserve. */
  if (fallocate (w->fd, 0, 0, (off_t)rt_gguf_writer_file_bytes (w)) < 0
      && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
    return fail_io (w, "cannot reserve its space", errno, error);
  return write_header (w, error);
}

bool
rt_gguf_writer_write (RtGgufWriter *w, const void *bytes, uint64_t n_bytes, RtError *error)
{
  const uint8_t *p = bytes;

  if (w->fd < 0)
    return rt_fail (error, RT_ERROR_RANGE, "tensor data before the file is begun");
  while (n_bytes > 0)
    {
      if (w->current == w->n_tensors)
        return rt_fail (error, RT_ERROR_RANGE, "%s: %llu bytes more than the declared tensors hold",
                        w->path, (unsigned long long)n_bytes);
      uint64_t n_missing = w->tensors[w->current].bytes - w->n_current;
      uint64_t n_piece = n_bytes < n_missing ? n_bytes : n_missing;
      if (!write_bytes (w, p, n_piece, error))
        return false;
      p += n_piece;
      n_bytes -= n_piece;
      w->n_current += n_piece;
      if (w->n_current == w->tensors[w->current].bytes)
        {
          if (!write_padding (w, error))
            return false;
          w->current++;
          w->n_current = 0;
        }
    }
  return true;
}

/* Make the rename itself survive a power cut. Best effort: some file systems refuse. */
static void
sync_folder_of (const char *path)
{
  const char *slash = strrchr (path, '/');
  char *folder = slash == path ? strdup ("/")
                 : slash       ? strndup (path, (size_t)(slash - path))
                               : strdup (".");
  int fd = folder ? open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

  if (fd >= 0)
    {
      fsync (fd);
      close (fd);
    }
  free (folder);
}

bool
rt_gguf_writer_end (RtGgufWriter *w, RtError *error)
{
  if (w->fd < 0)
    return rt_fail (error, RT_ERROR_RANGE, "the file is not begun, or ended before");
  if (w->current < w->n_tensors)
    return rt_fail (error, RT_ERROR_RANGE, "%s: tensor '%s' has %llu of its %llu bytes", w->path,
                    w->tensors[w->current].name, (unsigned long long)w->n_current,
                    (unsigned long long)w->tensors[w->current].bytes);
  if (fsync (w->fd) < 0)
    return fail_io (w, "cannot bring it to the disk", errno, error);

  int fd = w->fd;
  w->fd = -1;
  if (close (fd) < 0 || rename (w->temporary, w->path) < 0)
    {
      int number = errno;
      unlink (w->temporary);
      return fail_io (w, "cannot put the finished file in place", number, error);
    }
  sync_folder_of (w->path);
  return true;
}
