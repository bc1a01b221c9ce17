/* The file of a build, for a runner on any board: the executed graph, weights as the kernels read
 * them (the same bytes on every processor), the tokenizer, and how to run it. It describes itself
 * and carries its own SHA-256: one that was cut short or altered is refused with the reason.
 *
 *     offset  bytes  little-endian
 *     0       8      "LATHEBLD"
 *     8       4      version, 1
 *     12      4      number of sections
 *     16      8      bytes of the file
 *     24      8      0
 *     32      32     SHA-256 of everything behind these 64 bytes
 *     64      24 n   sections: u32 what (RtBuildSection), u32 0, u64 offset (a multiple of 64), u64
 *                    bytes
 *
 *     info       JSON text for people and programs: model, recipe, hashes; not read here
 *     config     how to run it, see the .c
 *     graph      rt-graph-file.h
 *     tokenizer  a GGUF file without tensors: vocabulary and chat template; language models only
 *     data       what the graph refers to */
#pragma once

#include "rt-exec.h"
#include "rt-gguf.h"
#include "rt-graph-file.h"
#include "rt-sha256.h"

#define RT_BUILD_VERSION 1
#define RT_BUILD_HASH_BYTES 65

typedef enum
{
  RT_BUILD_INFO = 1,
  RT_BUILD_CONFIG,
  RT_BUILD_GRAPH,
  RT_BUILD_TOKENIZER,
  RT_BUILD_DATA,
} RtBuildSection;

/* How to run it. */
typedef struct
{
  char hash[RT_BUILD_HASH_BYTES]; /* of the build: hexadecimal SHA-256, what runs are filed under */
  int64_t max_symbols[RT_N_SYMBOLS];
  KnDtype kv_format;
  uint32_t kv_capacity; /* positions; 0: the graph needs no cache */
  RtPlanner planner;
  uint32_t n_threads; /* as on the computer that made it; a board may have fewer */
  bool is_language;
} RtBuildConfig;

/* What is written. */
typedef struct
{
  RtBuildConfig config;
  const RtGraph *graph;
  RtWeight *const *weights; /* [n_values] */
  const char *info;         /* JSON */
  const void *tokenizer;    /* NULL: none */
  uint64_t tokenizer_bytes;
} RtBuildParts;

/* Bytes written so far; false: stop, which fails with RT_ERROR_CANCELLED. */
typedef bool (*RtBuildProgress) (uint64_t n_done, uint64_t n_all, void *data);

/* The file appears under @path only when it is complete. @digest (may be NULL): of the whole
 * file. */
bool rt_build_write (const char *path, const RtBuildParts *parts, RtBuildProgress progress,
                     void *data, uint8_t digest[RT_SHA256_BYTES], RtError *error);

/* A file that was read, checked and unpacked. */
typedef struct
{
  RtBuildConfig config;
  RtGraph *graph;
  RtWeight **weights; /* [n_values of the graph] */
  RtGguf *tokenizer;  /* NULL: none */
  char *info;
  void *mapping; /* the file, which the graph's constants lie in */
  size_t mapping_bytes;
} RtBuildFile;

/* Fails with RT_ERROR_IO (cannot be read), RT_ERROR_FORMAT (cut short, altered, not a build),
 * RT_ERROR_UNSUPPORTED (another version, an operator or format that this program lacks). Takes a
 * pass over the file for its sum, and the memory of its weights. */
bool rt_build_open (const char *path, RtBuildFile *build, RtError *error);
void rt_build_close (RtBuildFile *build);
