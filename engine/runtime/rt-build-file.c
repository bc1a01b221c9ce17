/* Files of builds. Called by the desktop (to write) and by the runner (to read). Section "config":
 *
 *     string hash, u32 language, u32 n_symbols + i64 each, u32 cache format, u32 cache positions,
 *     u32 planner, u32 threads */
#include "rt-build-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kn-attn.h"

static const char magic[8] = { 'L', 'A', 'T', 'H', 'E', 'B', 'L', 'D' };

#define HEADER_BYTES 64
#define SECTION_BYTES 24
#define MAX_SECTIONS 16
/* Written and summed at once: progress is told this often. */
#define PIECE_BYTES (1u << 20)

/* ---- Writing ---- */

typedef struct
{
  int fd;
  RtSha256 sum;
  uint64_t n_done, n_all;
  RtBuildProgress progress;
  void *data;
  const char *path;
  RtError *error;
} Output;

static bool
put (Output *out, const void *bytes, uint64_t n_bytes)
{
  const uint8_t *next = bytes;

  while (n_bytes > 0)
    {
      size_t piece = n_bytes < PIECE_BYTES ? (size_t)n_bytes : PIECE_BYTES;
      ssize_t n = write (out->fd, next, piece);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return rt_fail (out->error, RT_ERROR_IO, "%s cannot be written: %s", out->path,
                        strerror (n < 0 ? errno : ENOSPC));
      rt_sha256_add (&out->sum, next, (size_t)n);
      next += n;
      n_bytes -= (uint64_t)n;
      out->n_done += (uint64_t)n;
      if (out->progress != NULL && !out->progress (out->n_done, out->n_all, out->data))
        return rt_fail (out->error, RT_ERROR_CANCELLED, "Writing %s was cancelled", out->path);
    }
  return true;
}

/* Zeros up to @offset of what lies behind the header. */
static bool
pad (Output *out, uint64_t offset)
{
  static const uint8_t zeros[KN_ALIGN];
  return out->n_done >= offset || put (out, zeros, offset - out->n_done);
}

static void
add_config (RtBytes *bytes, const RtBuildConfig *config)
{
  rt_bytes_add_string (bytes, config->hash);
  rt_bytes_add_u32 (bytes, config->is_language);
  rt_bytes_add_u32 (bytes, RT_N_SYMBOLS);
  for (uint32_t i = 0; i < RT_N_SYMBOLS; i++)
    rt_bytes_add_u64 (bytes, (uint64_t)config->max_symbols[i]);
  rt_bytes_add_u32 (bytes, (uint32_t)config->kv_format);
  rt_bytes_add_u32 (bytes, config->kv_capacity);
  rt_bytes_add_u32 (bytes, (uint32_t)config->planner);
  rt_bytes_add_u32 (bytes, config->n_threads);
}

typedef struct
{
  RtBuildSection what;
  const void *bytes; /* NULL: the blobs */
  uint64_t n_bytes, offset;
} Section;

static uint64_t
align_up (uint64_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

static bool
put_all (Output *out, const Section *sections, uint32_t n_sections, const RtBlobs *blobs)
{
  RtBytes table = { 0 };

  for (uint32_t i = 0; i < n_sections; i++)
    {
      rt_bytes_add_u32 (&table, sections[i].what);
      rt_bytes_add_u32 (&table, 0);
      rt_bytes_add_u64 (&table, sections[i].offset);
      rt_bytes_add_u64 (&table, sections[i].n_bytes);
    }
  bool ok = !table.failed || rt_fail (out->error, RT_ERROR_MEMORY, "No memory to write a build");
  ok = ok && put (out, table.bytes, table.n);
  free (table.bytes);
  for (uint32_t i = 0; ok && i < n_sections; i++)
    {
      uint64_t start = sections[i].offset - HEADER_BYTES;
      ok = pad (out, start);
      if (sections[i].bytes != NULL)
        ok = ok && put (out, sections[i].bytes, sections[i].n_bytes);
      else
        for (uint32_t b = 0; ok && b < blobs->n_blobs; b++)
          ok = pad (out, start + blobs->blobs[b].offset)
               && put (out, blobs->blobs[b].bytes, blobs->blobs[b].n_bytes);
    }
  return ok && pad (out, out->n_all);
}

static void
make_header (uint8_t header[HEADER_BYTES], uint32_t n_sections, uint64_t n_bytes,
             const uint8_t digest[RT_SHA256_BYTES])
{
  RtBytes bytes = { .bytes = header, .capacity = HEADER_BYTES };

  rt_bytes_add (&bytes, magic, sizeof magic);
  rt_bytes_add_u32 (&bytes, RT_BUILD_VERSION);
  rt_bytes_add_u32 (&bytes, n_sections);
  rt_bytes_add_u64 (&bytes, n_bytes);
  rt_bytes_add_u64 (&bytes, 0);
  rt_bytes_add (&bytes, digest, RT_SHA256_BYTES);
}

/* Everything behind the header, then the header, which holds its sum. */
static bool
write_file (Output *out, const Section *sections, uint32_t n_sections, const RtBlobs *blobs,
            uint8_t *digest)
{
  uint8_t header[HEADER_BYTES] = { 0 }, sum[RT_SHA256_BYTES];

  rt_sha256_init (&out->sum);
  if (pwrite (out->fd, header, sizeof header, 0) != sizeof header
      || lseek (out->fd, HEADER_BYTES, SEEK_SET) != HEADER_BYTES)
    return rt_fail (out->error, RT_ERROR_IO, "%s cannot be written: %s", out->path,
                    strerror (errno));
  if (!put_all (out, sections, n_sections, blobs))
    return false;
  rt_sha256_end (&out->sum, sum);
  make_header (header, n_sections, HEADER_BYTES + out->n_all, sum);
  if (digest != NULL)
    memcpy (digest, sum, sizeof sum);
  if (pwrite (out->fd, header, sizeof header, 0) != sizeof header || fsync (out->fd) != 0)
    return rt_fail (out->error, RT_ERROR_IO, "%s cannot be written: %s", out->path,
                    strerror (errno));
  return true;
}

/* Through a temporary file in the same folder. */
static bool
write_safely (Output *out, const Section *sections, uint32_t n_sections, const RtBlobs *blobs,
              uint8_t *digest)
{
  size_t n = strlen (out->path) + 8;
  char *temporary = malloc (n);

  if (temporary == NULL)
    return rt_fail (out->error, RT_ERROR_MEMORY, "No memory to write a build");
  snprintf (temporary, n, "%s.XXXXXX", out->path);
  out->fd = mkstemp (temporary);
  if (out->fd < 0)
    {
      rt_fail (out->error, RT_ERROR_IO, "%s cannot be written: %s", out->path, strerror (errno));
      free (temporary);
      return false;
    }
  bool ok = fchmod (out->fd, 0644) == 0 && write_file (out, sections, n_sections, blobs, digest);
  if (close (out->fd) != 0 && ok)
    ok = rt_fail (out->error, RT_ERROR_IO, "%s cannot be written: %s", out->path, strerror (errno));
  if (ok && rename (temporary, out->path) != 0)
    ok = rt_fail (out->error, RT_ERROR_IO, "%s cannot be written: %s", out->path, strerror (errno));
  if (!ok)
    unlink (temporary);
  free (temporary);
  return ok;
}

bool
rt_build_write (const char *path, const RtBuildParts *parts, RtBuildProgress progress, void *data,
                uint8_t digest[RT_SHA256_BYTES], RtError *error)
{
  RtBytes config = { 0 }, graph = { 0 };
  RtBlobs blobs = { 0 };
  Section sections[5];
  uint32_t n = 0;

  add_config (&config, &parts->config);
  bool ok = rt_graph_write (parts->graph, parts->weights, &graph, &blobs, error);
  sections[n++] = (Section){ RT_BUILD_INFO, parts->info, strlen (parts->info), 0 };
  sections[n++] = (Section){ RT_BUILD_CONFIG, config.bytes, config.n, 0 };
  sections[n++] = (Section){ RT_BUILD_GRAPH, graph.bytes, graph.n, 0 };
  if (parts->tokenizer != NULL)
    sections[n++] = (Section){ RT_BUILD_TOKENIZER, parts->tokenizer, parts->tokenizer_bytes, 0 };
  sections[n++] = (Section){ RT_BUILD_DATA, NULL, blobs.n_bytes, 0 };

  uint64_t at = align_up (HEADER_BYTES + n * SECTION_BYTES);
  for (uint32_t i = 0; i < n; i++)
    {
      sections[i].offset = at;
      at = align_up (at + sections[i].n_bytes);
    }
  Output out = {
    .n_all = at - HEADER_BYTES, .progress = progress, .data = data, .path = path, .error = error
  };
  if (ok && config.failed)
    ok = rt_fail (error, RT_ERROR_MEMORY, "No memory to write a build");
  ok = ok && write_safely (&out, sections, n, &blobs, digest);
  rt_blobs_clear (&blobs);
  free (config.bytes);
  free (graph.bytes);
  return ok;
}

/* ---- Reading ---- */

static bool
map_file (const char *path, RtBuildFile *build, RtError *error)
{
  struct stat info;
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0 || fstat (fd, &info) != 0)
    {
      rt_fail (error, RT_ERROR_IO, "%s cannot be read: %s", path, strerror (errno));
      if (fd >= 0)
        close (fd);
      return false;
    }
  build->mapping_bytes = (size_t)info.st_size;
  build->mapping = info.st_size > HEADER_BYTES
                       ? mmap (NULL, build->mapping_bytes, PROT_READ, MAP_PRIVATE, fd, 0)
                       : MAP_FAILED;
  close (fd);
  if (build->mapping != MAP_FAILED)
    return true;
  build->mapping = NULL;
  return rt_fail (error, RT_ERROR_FORMAT, "%s is not the file of a build: it has %lld bytes", path,
                  (long long)info.st_size);
}

static bool
check_sum (const RtBuildFile *build, const uint8_t *expected, const char *path, RtError *error)
{
  uint8_t digest[RT_SHA256_BYTES];
  RtSha256 sum;

  rt_sha256_init (&sum);
  rt_sha256_add (&sum, (const uint8_t *)build->mapping + HEADER_BYTES,
                 build->mapping_bytes - HEADER_BYTES);
  rt_sha256_end (&sum, digest);
  return memcmp (digest, expected, sizeof digest) == 0
         || rt_fail (error, RT_ERROR_FORMAT,
                     "%s was altered: its bytes do not have the sum that it says. Send it again.",
                     path);
}

static bool
check_header (const RtBuildFile *build, const char *path, uint32_t *n_sections, RtError *error)
{
  const uint8_t *bytes = build->mapping;
  RtReader r = { bytes + sizeof magic, bytes + HEADER_BYTES, false };
  uint32_t version = rt_reader_u32 (&r);
  *n_sections = rt_reader_u32 (&r);
  uint64_t n_bytes = rt_reader_u64 (&r);

  if (memcmp (bytes, magic, sizeof magic) != 0)
    return rt_fail (error, RT_ERROR_FORMAT, "%s is not the file of a build: it begins otherwise",
                    path);
  if (version != RT_BUILD_VERSION)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s is a build of version %u, and this runner reads version %d: use the runner "
                    "that belongs to the Lathe that made it",
                    path, version, RT_BUILD_VERSION);
  if (n_bytes != build->mapping_bytes)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%s is %s: it has %zu bytes of %" PRIu64 ". Send it again.", path,
                    build->mapping_bytes < n_bytes ? "cut short" : "too long", build->mapping_bytes,
                    n_bytes);
  if (*n_sections > MAX_SECTIONS
      || (build->mapping_bytes - HEADER_BYTES) / SECTION_BYTES < *n_sections)
    return rt_fail (error, RT_ERROR_FORMAT, "%s has %u sections, expected at most %d", path,
                    *n_sections, MAX_SECTIONS);
  return check_sum (build, bytes + 32, path, error);
}

typedef struct
{
  const uint8_t *bytes; /* NULL: absent */
  uint64_t n_bytes;
} Part;

static bool
find_parts (const RtBuildFile *build, uint32_t n_sections, Part parts[RT_BUILD_DATA + 1],
            RtError *error)
{
  const uint8_t *bytes = build->mapping;
  RtReader r = { bytes + HEADER_BYTES, bytes + HEADER_BYTES + n_sections * SECTION_BYTES, false };

  for (uint32_t i = 0; i < n_sections; i++)
    {
      uint32_t what = rt_reader_u32 (&r);
      rt_reader_u32 (&r);
      uint64_t offset = rt_reader_u64 (&r), n = rt_reader_u64 (&r);
      if (offset % KN_ALIGN != 0 || offset > build->mapping_bytes
          || n > build->mapping_bytes - offset)
        return rt_fail (error, RT_ERROR_FORMAT, "Section %u of the build lies outside of its file",
                        i);
      if (what > RT_BUILD_DATA || what < RT_BUILD_INFO || parts[what].bytes != NULL)
        return rt_fail (error, RT_ERROR_FORMAT,
                        "The build has a section %u that is unknown or there twice", what);
      parts[what] = (Part){ bytes + offset, n };
    }
  for (uint32_t what = RT_BUILD_INFO; what <= RT_BUILD_DATA; what++)
    if (parts[what].bytes == NULL && what != RT_BUILD_TOKENIZER)
      return rt_fail (error, RT_ERROR_FORMAT, "The build lacks its section %u", what);
  return true;
}

static bool
read_config (const Part *part, RtBuildConfig *config, RtError *error)
{
  RtReader r = { part->bytes, part->bytes + part->n_bytes, false };
  char *hash = rt_reader_string (&r);
  uint32_t language = rt_reader_u32 (&r), n_symbols = rt_reader_u32 (&r);

  if (hash != NULL)
    snprintf (config->hash, sizeof config->hash, "%s", hash);
  bool hash_fits = hash != NULL && strlen (hash) < sizeof config->hash;
  free (hash);
  config->is_language = language != 0;
  for (uint32_t i = 0; n_symbols == RT_N_SYMBOLS && i < RT_N_SYMBOLS; i++)
    config->max_symbols[i] = (int64_t)rt_reader_u64 (&r);
  config->kv_format = (KnDtype)rt_reader_u32 (&r);
  config->kv_capacity = rt_reader_u32 (&r);
  config->planner = (RtPlanner)rt_reader_u32 (&r);
  config->n_threads = rt_reader_u32 (&r);
  if (r.failed || r.next != r.end || !hash_fits || n_symbols != RT_N_SYMBOLS
      || (uint32_t)config->planner >= RT_N_PLANNERS || config->n_threads == 0
      || config->n_threads > 1024
      || (config->is_language && !kn_kv_format_ok (config->kv_format, 32)))
    return rt_fail (error, RT_ERROR_FORMAT, "The build's section on how to run it makes no sense");
  return true;
}

static bool
read_parts (const Part *parts, RtBuildFile *build, RtError *error)
{
  const Part *graph = &parts[RT_BUILD_GRAPH], *data = &parts[RT_BUILD_DATA],
             *tokenizer = &parts[RT_BUILD_TOKENIZER], *info = &parts[RT_BUILD_INFO];

  if (!read_config (&parts[RT_BUILD_CONFIG], &build->config, error))
    return false;
  build->info = malloc ((size_t)info->n_bytes + 1);
  if (build->info == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "No memory for what the build says of itself");
  memcpy (build->info, info->bytes, (size_t)info->n_bytes);
  build->info[info->n_bytes] = '\0';
  if (tokenizer->bytes != NULL)
    {
      build->tokenizer = rt_gguf_open_bytes (tokenizer->bytes, (size_t)tokenizer->n_bytes, error);
      if (build->tokenizer == NULL)
        return rt_fail_prefix (error, "The build's tokenizer");
    }
  build->graph = rt_graph_read (graph->bytes, (size_t)graph->n_bytes, data->bytes, data->n_bytes,
                                &build->weights, error);
  return build->graph != NULL;
}

bool
rt_build_open (const char *path, RtBuildFile *build, RtError *error)
{
  Part parts[RT_BUILD_DATA + 1] = { { 0 } };
  uint32_t n_sections;

  *build = (RtBuildFile){ 0 };
  if (map_file (path, build, error) && check_header (build, path, &n_sections, error)
      && find_parts (build, n_sections, parts, error) && read_parts (parts, build, error))
    return true;
  rt_build_close (build);
  return false;
}

void
rt_build_close (RtBuildFile *build)
{
  if (build->graph != NULL)
    rt_graph_weights_free (build->weights, rt_graph_n_values (build->graph));
  rt_graph_free (build->graph);
  rt_gguf_close (build->tokenizer);
  free (build->info);
  if (build->mapping != NULL)
    munmap (build->mapping, build->mapping_bytes);
  *build = (RtBuildFile){ 0 };
}
