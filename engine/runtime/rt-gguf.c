/* The GGUF reader: maps a file and checks its whole structure once, so that everybody after it may
 * trust what it hands out.
 *
 * Called by the importers, by the tokenizer and by `lathe inspect`. Must not know what the keys
 * mean, except "general.alignment", which the layout itself depends on.
 *
 *   "GGUF" version n_tensors n_meta | key type value ... | name n_dims ne[] dtype offset ... | pad
 * | data
 *
 * Look-ups use sorted indices rather than hash tables: names come from the file, and nobody can
 * choose names that make a sort slow. */
#include "rt-gguf-private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GGUF files are read in place: little-endian machines only"
#endif

/* Smallest possible entries; they bound the counts by the size of the file. */
#define MIN_META_BYTES (8 + 4 + 1)
#define MIN_TENSOR_BYTES (8 + 4 + 4 + 8)

/* Files in the wild have no nested arrays; the format allows them. */
#define MAX_ARRAY_DEPTH 4

/* Where in the file the parser stands, and what it is reading, for messages. */
typedef struct
{
  const uint8_t *bytes;
  uint64_t n_bytes;
  uint64_t at;
  char what[96];
  RtError *error;
} Cursor;

static bool
need (Cursor *c, uint64_t n, const char *part)
{
  if (n <= c->n_bytes - c->at)
    return true;
  return rt_fail (
      c->error, RT_ERROR_FORMAT,
      "the file ends too early: %s of %s needs %llu bytes at byte %llu, the file has %llu", part,
      c->what, (unsigned long long)n, (unsigned long long)c->at, (unsigned long long)c->n_bytes);
}

static bool
read_u32 (Cursor *c, uint32_t *value, const char *part)
{
  if (!need (c, 4, part))
    return false;
  *value = rt_gguf_load_u32 (c->bytes + c->at);
  c->at += 4;
  return true;
}

static bool
read_u64 (Cursor *c, uint64_t *value, const char *part)
{
  if (!need (c, 8, part))
    return false;
  *value = rt_gguf_load_u64 (c->bytes + c->at);
  c->at += 8;
  return true;
}

static bool
read_string (Cursor *c, RtSlice *value, const char *part)
{
  if (!read_u64 (c, &value->length, part) || !need (c, value->length, part))
    return false;
  value->data = (const char *)c->bytes + c->at;
  c->at += value->length;
  return true;
}

/* Name the entry that is being read: "tensor 3 'blk.0.attn_q.weight'". */
static void
set_what (Cursor *c, const char *kind, uint64_t index, const RtSlice *name)
{
  char shown[64];

  if (name)
    snprintf (c->what, sizeof c->what, "%s %llu '%s'", kind, (unsigned long long)index,
              rt_slice_show (*name, shown, sizeof shown));
  else
    snprintf (c->what, sizeof c->what, "%s %llu", kind, (unsigned long long)index);
}

/* ---- Metadata ---- */

static bool skip_array (Cursor *c, RtGgufType *item_type, uint64_t *n_items, uint64_t *items_at,
                        int depth);

/* Step over one value of @type, checking what is inside. */
static bool
skip_value (Cursor *c, uint32_t type, int depth)
{
  uint32_t n_bytes = rt_gguf_type_bytes (type);
  RtSlice string;
  RtGgufType item_type;
  uint64_t n_items, items_at;

  if (type == RT_GGUF_STRING)
    return read_string (c, &string, "a string");
  if (type == RT_GGUF_ARRAY)
    return skip_array (c, &item_type, &n_items, &items_at, depth + 1);
  if (n_bytes == 0)
    return rt_fail (c->error, RT_ERROR_FORMAT, "%s has value type %u; the format knows 0 to 12",
                    c->what, type);
  if (!need (c, n_bytes, "the value"))
    return false;
  if (type == RT_GGUF_BOOL && c->bytes[c->at] > 1)
    return rt_fail (c->error, RT_ERROR_FORMAT, "%s is a bool with the value %u instead of 0 or 1",
                    c->what, c->bytes[c->at]);
  c->at += n_bytes;
  return true;
}

static bool
skip_array (Cursor *c, RtGgufType *item_type, uint64_t *n_items, uint64_t *items_at, int depth)
{
  uint32_t type;

  if (depth > MAX_ARRAY_DEPTH)
    return rt_fail (c->error, RT_ERROR_UNSUPPORTED, "%s has arrays nested more than %d deep",
                    c->what, MAX_ARRAY_DEPTH);
  if (!read_u32 (c, &type, "the item type") || !read_u64 (c, n_items, "the item count"))
    return false;
  if (type > RT_GGUF_F64)
    return rt_fail (c->error, RT_ERROR_FORMAT, "%s has item type %u; the format knows 0 to 12",
                    c->what, type);
  *item_type = type;
  *items_at = c->at;

  uint32_t item_bytes = rt_gguf_type_bytes (type);
  if (item_bytes > 0)
    {
      if (*n_items > (c->n_bytes - c->at) / item_bytes)
        return rt_fail (c->error, RT_ERROR_FORMAT,
                        "%s announces %llu items of %u bytes at byte %llu, the file has %llu bytes",
                        c->what, (unsigned long long)*n_items, item_bytes,
                        (unsigned long long)c->at, (unsigned long long)c->n_bytes);
      c->at += *n_items * item_bytes;
      return true;
    }
  /* Every string and every array takes at least 8 bytes, so this ends with the file. */
  for (uint64_t i = 0; i < *n_items; i++)
    if (!skip_value (c, type, depth))
      return false;
  return true;
}

static bool
read_meta (Cursor *c, uint64_t index, RtGgufMeta *meta)
{
  uint32_t type;

  set_what (c, "metadata entry", index, NULL);
  if (!read_string (c, &meta->key, "the key"))
    return false;
  set_what (c, "metadata entry", index, &meta->key);
  if (!read_u32 (c, &type, "the value type"))
    return false;

  meta->type = type;
  meta->item_type = type;
  meta->n_items = 1;
  uint64_t at = c->at;
  if (type == RT_GGUF_ARRAY)
    {
      if (!skip_array (c, &meta->item_type, &meta->n_items, &at, 1))
        return false;
    }
  else if (!skip_value (c, type, 0))
    return false;
  meta->data = c->bytes + at;
  meta->bytes = c->at - at;
  return true;
}

static bool
read_all_meta (Cursor *c, RtGguf *gguf)
{
  gguf->meta = calloc (gguf->n_meta ? gguf->n_meta : 1, sizeof *gguf->meta);
  if (!gguf->meta)
    return rt_fail (c->error, RT_ERROR_MEMORY, "no memory for %llu metadata entries",
                    (unsigned long long)gguf->n_meta);
  for (uint64_t i = 0; i < gguf->n_meta; i++)
    if (!read_meta (c, i, &gguf->meta[i]))
      return false;
  return true;
}

/* ---- Tensors ---- */

/* Bytes of a tensor whose dimensions were read, or false when a product overflows. */
static bool
size_tensor (Cursor *c, RtGgufTensor *t)
{
  uint64_t n_values = 1;
  uint32_t block_len = rt_gguf_dtype_block_len (t->dtype);

  for (uint32_t d = 0; d < RT_GGUF_MAX_DIMS; d++)
    {
      if (t->ne[d] == 0)
        return rt_fail (c->error, RT_ERROR_FORMAT, "%s has no values: dimension %u is 0", c->what,
                        d);
      if (__builtin_mul_overflow (n_values, t->ne[d], &n_values) || n_values > INT64_MAX)
        return rt_fail (c->error, RT_ERROR_FORMAT,
                        "%s has too many values: %llu x %llu x %llu x %llu overflows", c->what,
                        (unsigned long long)t->ne[0], (unsigned long long)t->ne[1],
                        (unsigned long long)t->ne[2], (unsigned long long)t->ne[3]);
    }
  if (block_len == 0)
    return true;
  if (t->ne[0] % block_len != 0)
    return rt_fail (c->error, RT_ERROR_FORMAT,
                    "%s has rows of %llu values; %s needs a multiple of %u", c->what,
                    (unsigned long long)t->ne[0], rt_gguf_dtype_name (t->dtype), block_len);
  t->bytes = rt_gguf_dtype_bytes (t->dtype, n_values);
  if (t->bytes == 0 || t->bytes > c->n_bytes)
    return rt_fail (c->error, RT_ERROR_FORMAT,
                    "%s needs more bytes (%llu values of %s) than the file has (%llu)", c->what,
                    (unsigned long long)n_values, rt_gguf_dtype_name (t->dtype),
                    (unsigned long long)c->n_bytes);
  return true;
}

static bool
read_tensor (Cursor *c, uint64_t index, RtGgufTensor *t, uint64_t *offset)
{
  uint32_t dtype;

  set_what (c, "tensor", index, NULL);
  if (!read_string (c, &t->name, "the name"))
    return false;
  set_what (c, "tensor", index, &t->name);
  if (!read_u32 (c, &t->n_dims, "the number of dimensions"))
    return false;
  if (t->n_dims > RT_GGUF_MAX_DIMS)
    return rt_fail (c->error, RT_ERROR_FORMAT, "%s has %u dimensions; the format allows %d",
                    c->what, t->n_dims, RT_GGUF_MAX_DIMS);
  for (uint32_t d = 0; d < RT_GGUF_MAX_DIMS; d++)
    {
      t->ne[d] = 1;
      if (d < t->n_dims && !read_u64 (c, &t->ne[d], "a dimension"))
        return false;
    }
  if (!read_u32 (c, &dtype, "the type") || !read_u64 (c, offset, "the offset"))
    return false;
  if (dtype > INT32_MAX)
    return rt_fail (c->error, RT_ERROR_FORMAT, "%s has the impossible type %u", c->what, dtype);
  t->dtype = (int)dtype;
  return size_tensor (c, t);
}

/* Turn the offsets into pointers; the data section starts at the next multiple of the alignment. */
static bool
place_tensors (Cursor *c, RtGguf *gguf, const uint64_t *offsets)
{
  uint64_t start = c->at + (gguf->alignment - c->at % gguf->alignment) % gguf->alignment;

  for (uint64_t i = 0; i < gguf->n_tensors; i++)
    {
      RtGgufTensor *t = &gguf->tensors[i];
      set_what (c, "tensor", i, &t->name);
      if (offsets[i] % gguf->alignment != 0)
        return rt_fail (c->error, RT_ERROR_FORMAT,
                        "%s starts at offset %llu, not a multiple of the alignment %llu", c->what,
                        (unsigned long long)offsets[i], (unsigned long long)gguf->alignment);
      uint64_t room = start < c->n_bytes ? c->n_bytes - start : 0;
      if (offsets[i] > room || t->bytes > room - offsets[i])
        return rt_fail (c->error, RT_ERROR_FORMAT,
                        "%s needs %llu bytes at offset %llu of the data, which has %llu: the file "
                        "is cut short or damaged",
                        c->what, (unsigned long long)t->bytes, (unsigned long long)offsets[i],
                        (unsigned long long)room);
      if (t->bytes > 0)
        t->data = c->bytes + start + offsets[i];
    }
  return true;
}

static bool
read_all_tensors (Cursor *c, RtGguf *gguf)
{
  uint64_t n = gguf->n_tensors ? gguf->n_tensors : 1;
  uint64_t *offsets = calloc (n, sizeof *offsets);
  bool ok = false;

  gguf->tensors = calloc (n, sizeof *gguf->tensors);
  if (!offsets || !gguf->tensors)
    {
      rt_fail (c->error, RT_ERROR_MEMORY, "no memory for %llu tensor entries",
               (unsigned long long)gguf->n_tensors);
      goto out;
    }
  for (uint64_t i = 0; i < gguf->n_tensors; i++)
    if (!read_tensor (c, i, &gguf->tensors[i], &offsets[i]))
      goto out;
  ok = place_tensors (c, gguf, offsets);

out:
  free (offsets);
  return ok;
}

/* ---- Indices ---- */

static int
compare_meta (const void *a, const void *b, void *data)
{
  const RtGgufMeta *meta = data;
  return rt_slice_compare (meta[*(const uint32_t *)a].key, meta[*(const uint32_t *)b].key);
}

static int
compare_tensor_names (const void *a, const void *b, void *data)
{
  const RtGgufTensor *tensors = data;
  return rt_slice_compare (tensors[*(const uint32_t *)a].name, tensors[*(const uint32_t *)b].name);
}

static int
compare_tensor_places (const void *a, const void *b, void *data)
{
  const RtGgufTensor *tensors = data;
  const RtGgufTensor *x = &tensors[*(const uint32_t *)a], *y = &tensors[*(const uint32_t *)b];
  return x->data < y->data ? -1 : x->data > y->data;
}

/* 0 .. n-1, sorted by @compare over @data. */
static uint32_t *
new_sorted_index (uint64_t n, int (*compare) (const void *, const void *, void *), void *data,
                  RtError *error)
{
  uint32_t *index = malloc ((n ? n : 1) * sizeof *index);

  if (!index)
    {
      rt_fail (error, RT_ERROR_MEMORY, "no memory for an index of %llu entries",
               (unsigned long long)n);
      return NULL;
    }
  for (uint64_t i = 0; i < n; i++)
    index[i] = (uint32_t)i;
  qsort_r (index, n, sizeof *index, compare, data);
  return index;
}

static bool
fail_duplicate (RtError *error, const char *kind, RtSlice name, uint32_t a, uint32_t b)
{
  char shown[80];

  return rt_fail (error, RT_ERROR_FORMAT, "%s '%s' is there twice, as entries %u and %u", kind,
                  rt_slice_show (name, shown, sizeof shown), a < b ? a : b, a < b ? b : a);
}

static bool
check_overlaps (const RtGguf *gguf, RtError *error)
{
  uint32_t *order = new_sorted_index (gguf->n_tensors, compare_tensor_places, gguf->tensors, error);
  const RtGgufTensor *before = NULL;

  if (!order)
    return false;
  for (uint64_t i = 0; i < gguf->n_tensors; i++)
    {
      const RtGgufTensor *t = &gguf->tensors[order[i]];
      if (!t->data)
        continue;
      if (before && (const uint8_t *)before->data + before->bytes > (const uint8_t *)t->data)
        {
          char a[64], b[64];
          free (order);
          return rt_fail (error, RT_ERROR_FORMAT, "tensors '%s' and '%s' overlap in the file",
                          rt_slice_show (before->name, a, sizeof a),
                          rt_slice_show (t->name, b, sizeof b));
        }
      before = t;
    }
  free (order);
  return true;
}

static bool
build_indices (RtGguf *gguf, RtError *error)
{
  gguf->meta_by_key = new_sorted_index (gguf->n_meta, compare_meta, gguf->meta, error);
  gguf->tensor_by_name
      = new_sorted_index (gguf->n_tensors, compare_tensor_names, gguf->tensors, error);
  if (!gguf->meta_by_key || !gguf->tensor_by_name)
    return false;

  for (uint64_t i = 1; i < gguf->n_meta; i++)
    {
      uint32_t a = gguf->meta_by_key[i - 1], b = gguf->meta_by_key[i];
      if (rt_slice_compare (gguf->meta[a].key, gguf->meta[b].key) == 0)
        return fail_duplicate (error, "key", gguf->meta[a].key, a, b);
    }
  for (uint64_t i = 1; i < gguf->n_tensors; i++)
    {
      uint32_t a = gguf->tensor_by_name[i - 1], b = gguf->tensor_by_name[i];
      if (rt_slice_compare (gguf->tensors[a].name, gguf->tensors[b].name) == 0)
        return fail_duplicate (error, "tensor", gguf->tensors[a].name, a, b);
    }
  return check_overlaps (gguf, error);
}

/* ---- The whole file ---- */

static bool
read_header (Cursor *c, RtGguf *gguf)
{
  snprintf (c->what, sizeof c->what, "the header");
  if (!need (c, 4, "the magic"))
    return false;
  if (memcmp (c->bytes, RT_GGUF_MAGIC, 4) != 0)
    {
      char shown[24];
      return rt_fail (c->error, RT_ERROR_FORMAT,
                      "not a GGUF file: it starts with '%s' instead of 'GGUF'",
                      rt_slice_show ((RtSlice){ (const char *)c->bytes, 4 }, shown, sizeof shown));
    }
  c->at = 4;
  if (!read_u32 (c, &gguf->version, "the version"))
    return false;
  if (gguf->version != 0 && (gguf->version & 0xffff) == 0)
    return rt_fail (c->error, RT_ERROR_UNSUPPORTED,
                    "a big-endian GGUF file (version %u); convert it to little-endian first",
                    __builtin_bswap32 (gguf->version));
  if (gguf->version == 1)
    return rt_fail (c->error, RT_ERROR_UNSUPPORTED,
                    "GGUF version 1, which was only used in August 2023; convert it to version 3");
  if (gguf->version != 2 && gguf->version != 3)
    return rt_fail (c->error, RT_ERROR_UNSUPPORTED, "GGUF version %u; versions 2 and 3 are known",
                    gguf->version);
  if (!read_u64 (c, &gguf->n_tensors, "the tensor count")
      || !read_u64 (c, &gguf->n_meta, "the metadata count"))
    return false;

  uint64_t rest = c->n_bytes - c->at;
  if (gguf->n_meta > rest / MIN_META_BYTES || gguf->n_meta > UINT32_MAX)
    return rt_fail (c->error, RT_ERROR_FORMAT,
                    "the header announces %llu metadata entries, more than %llu bytes can hold",
                    (unsigned long long)gguf->n_meta, (unsigned long long)rest);
  if (gguf->n_tensors > rest / MIN_TENSOR_BYTES || gguf->n_tensors > UINT32_MAX)
    return rt_fail (c->error, RT_ERROR_FORMAT,
                    "the header announces %llu tensors, more than %llu bytes can hold",
                    (unsigned long long)gguf->n_tensors, (unsigned long long)rest);
  return true;
}

/* The indices do not exist yet, so this looks through all entries. */
static bool
read_alignment (Cursor *c, RtGguf *gguf)
{
  gguf->alignment = RT_GGUF_DEFAULT_ALIGNMENT;
  for (uint64_t i = 0; i < gguf->n_meta; i++)
    {
      const RtGgufMeta *meta = &gguf->meta[i];
      if (!rt_slice_equals (meta->key, "general.alignment"))
        continue;
      if (meta->type != RT_GGUF_U32)
        return rt_fail (c->error, RT_ERROR_FORMAT, "general.alignment is a %s instead of a u32",
                        rt_gguf_type_name (meta->type));
      gguf->alignment = rt_gguf_load_u32 (meta->data);
      if (!rt_gguf_alignment_valid (gguf->alignment))
        return rt_fail (c->error, RT_ERROR_FORMAT,
                        "general.alignment is %llu; it must be a power of two of at least 8",
                        (unsigned long long)gguf->alignment);
      return true;
    }
  return true;
}

RtGguf *
rt_gguf_open_bytes (const void *bytes, size_t n_bytes, RtError *error)
{
  RtGguf *gguf = calloc (1, sizeof *gguf);
  Cursor c = { .bytes = bytes, .n_bytes = n_bytes, .error = error };

  if (!gguf)
    {
      rt_fail (error, RT_ERROR_MEMORY, "no memory to open a file");
      return NULL;
    }
  gguf->bytes = bytes;
  gguf->n_bytes = n_bytes;
  if (read_header (&c, gguf) && read_all_meta (&c, gguf) && read_alignment (&c, gguf)
      && read_all_tensors (&c, gguf) && build_indices (gguf, error))
    return gguf;
  rt_gguf_close (gguf);
  return NULL;
}

RtGguf *
rt_gguf_open_parts (const void *bytes, size_t n_bytes, const RtGgufTensor *tensors,
                    const bool *mapped, uint64_t n_tensors, RtError *error)
{
  RtGguf *gguf = rt_gguf_open_bytes (bytes, n_bytes, error);

  if (!gguf)
    return NULL;
  assert (gguf->n_tensors == 0);
  free (gguf->tensors);
  free (gguf->meta_by_key);
  free (gguf->tensor_by_name);
  gguf->meta_by_key = gguf->tensor_by_name = NULL;
  gguf->tensors = malloc ((size_t)(n_tensors + 1) * sizeof *tensors);
  gguf->tensor_mapped = calloc ((size_t)n_tensors + 1, sizeof *gguf->tensor_mapped);
  if (gguf->tensors && gguf->tensor_mapped)
    {
      if (mapped && n_tensors > 0)
        memcpy (gguf->tensor_mapped, mapped, (size_t)n_tensors * sizeof *mapped);
      if (n_tensors > 0)
        memcpy (gguf->tensors, tensors, (size_t)n_tensors * sizeof *tensors);
      gguf->n_tensors = n_tensors;
      if (build_indices (gguf, error))
        return gguf;
    }
  else
    rt_fail (error, RT_ERROR_MEMORY, "no memory for %llu tensors", (unsigned long long)n_tensors);
  rt_gguf_close (gguf);
  return NULL;
}

/* Map the file; the descriptor is not needed afterwards. */
static const uint8_t *
map_file (const char *path, uint64_t *n_bytes, RtError *error)
{
  struct stat info;
  void *bytes = NULL;
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    {
      rt_fail (error, RT_ERROR_IO, "cannot open: %s", strerror (errno));
      return NULL;
    }
  if (fstat (fd, &info) < 0)
    rt_fail (error, RT_ERROR_IO, "cannot read its size: %s", strerror (errno));
  else if (!S_ISREG (info.st_mode))
    rt_fail (error, RT_ERROR_IO, "%s, not a file",
             S_ISDIR (info.st_mode) ? "a folder" : "a device or pipe");
  else if (info.st_size == 0)
    rt_fail (error, RT_ERROR_FORMAT, "not a GGUF file: it is empty");
  else if ((uint64_t)info.st_size > SIZE_MAX)
    rt_fail (error, RT_ERROR_MEMORY, "%lld bytes are more than this machine can map",
             (long long)info.st_size);
  else
    {
      bytes = mmap (NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
      if (bytes == MAP_FAILED)
        {
          rt_fail (error, RT_ERROR_IO, "cannot map %lld bytes: %s", (long long)info.st_size,
                   strerror (errno));
          bytes = NULL;
        }
      *n_bytes = (uint64_t)info.st_size;
    }
  close (fd);
  return bytes;
}

RtGguf *
rt_gguf_open (const char *path, RtError *error)
{
  uint64_t n_bytes = 0;
  const uint8_t *bytes = map_file (path, &n_bytes, error);
  RtGguf *gguf = bytes ? rt_gguf_open_bytes (bytes, n_bytes, error) : NULL;

  if (gguf)
    {
      gguf->mapped = true;
      return gguf;
    }
  if (bytes)
    munmap ((void *)bytes, n_bytes);
  rt_fail_prefix (error, "%s", path);
  return NULL;
}

void
rt_gguf_close (RtGguf *gguf)
{
  if (!gguf)
    return;
  free (gguf->meta);
  free (gguf->meta_by_key);
  free (gguf->tensors);
  free (gguf->tensor_by_name);
  free (gguf->tensor_mapped);
  if (gguf->mapped)
    munmap ((void *)gguf->bytes, gguf->n_bytes);
  free (gguf);
}

void
rt_gguf_forget_tensor (const RtGguf *gguf, const RtGgufTensor *tensor)
{
  uintptr_t page = (uintptr_t)sysconf (_SC_PAGESIZE);
  bool mapped
      = gguf->tensor_mapped ? gguf->tensor_mapped[tensor - gguf->tensors] : gguf->mapped;

  if (!mapped || !tensor->data)
    return;
  /* Only pages that hold nothing else: the neighbours may still be wanted. */
  uintptr_t from = (uintptr_t)tensor->data;
  uintptr_t to = (from + tensor->bytes) / page * page;
  from = (from + page - 1) / page * page;
  if (from < to)
    madvise ((void *)from, to - from, MADV_DONTNEED);
}
