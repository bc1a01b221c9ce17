/* The GGUF writer: byte for byte what the format's description gives, whole or not at all. */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "gguf-bytes.h"
#include "rt-gguf.h"

typedef struct
{
  char *folder, *path;
  RtGgufWriter *w;
  RtError error;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("lathe-gguf-write-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "out.gguf", NULL);
  f->w = rt_gguf_writer_new (&f->error);
}

/* Nothing but the finished file, if there is one, may be left in the folder. */
static void
tear_down (Fixture *f, gconstpointer data)
{
  rt_gguf_writer_free (f->w);
  g_remove (f->path);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->path);
  g_free (f->folder);
}

static void
test_bytes (Fixture *f, gconstpointer data)
{
  static const uint64_t ne[2] = { 3, 2 };
  static const uint32_t numbers[] = { 7, 9 };
  static const float values[6] = { 0, 1, 2, 3, 4, 5 };
  const RtSlice words[] = { { "a", 1 }, { "", 0 }, { "x\0y", 3 } };
  RtError *e = &f->error;

  g_assert_true (rt_gguf_writer_add_string (f->w, "general.architecture", "llama", e));
  g_assert_true (rt_gguf_writer_add_u32 (f->w, "u32", 4000000000u, e));
  g_assert_true (rt_gguf_writer_add_u64 (f->w, "u64", UINT64_MAX, e));
  g_assert_true (rt_gguf_writer_add_f32 (f->w, "f32", 0.1f, e));
  g_assert_true (rt_gguf_writer_add_bool (f->w, "bool", true, e));
  g_assert_true (rt_gguf_writer_add_array (f->w, "numbers", RT_GGUF_U32, numbers, 2, e));
  g_assert_true (rt_gguf_writer_add_strings (f->w, "words", words, 3, e));
  g_assert_true (rt_gguf_writer_add_tensor (f->w, "first", 0, 2, ne, e));
  g_assert_true (rt_gguf_writer_add_tensor (f->w, "scalar", 0, 0, NULL, e));
  g_assert_true (rt_gguf_writer_begin (f->w, f->path, e));
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  /* In pieces, and the last one runs over into the second tensor. */
  g_assert_true (rt_gguf_writer_write (f->w, values, 5, e));
  g_assert_true (rt_gguf_writer_write (f->w, (const char *)values + 5, 15, e));
  float tail[2] = { 5, 42 };
  g_assert_true (rt_gguf_writer_write (f->w, tail, sizeof tail, e));
  g_assert_true (rt_gguf_writer_end (f->w, e));

  g_autoptr (GByteArray) b = g_byte_array_new ();
  put_header (b, 3, 2, 7);
  put_key (b, "general.architecture", RT_GGUF_STRING);
  put_string (b, "llama");
  put_key (b, "u32", RT_GGUF_U32);
  put_u32 (b, 4000000000u);
  put_key (b, "u64", RT_GGUF_U64);
  put_u64 (b, UINT64_MAX);
  put_key (b, "f32", RT_GGUF_F32);
  put_f32 (b, 0.1f);
  put_key (b, "bool", RT_GGUF_BOOL);
  put_u8 (b, 1);
  put_key (b, "numbers", RT_GGUF_ARRAY);
  put_u32 (b, RT_GGUF_U32);
  put_u64 (b, 2);
  put_u32 (b, 7);
  put_u32 (b, 9);
  put_key (b, "words", RT_GGUF_ARRAY);
  put_u32 (b, RT_GGUF_STRING);
  put_u64 (b, 3);
  put_string (b, "a");
  put_string (b, "");
  put_u64 (b, 3);
  put_bytes (b, "x\0y", 3);
  put_tensor_2d (b, "first", 3, 2, 0, 0);
  put_string (b, "scalar");
  put_u32 (b, 0);
  put_u32 (b, 0);
  put_u64 (b, 32);
  put_padding (b, 32);
  for (int i = 0; i < 6; i++)
    put_f32 (b, (float)i);
  put_padding (b, 32);
  put_f32 (b, 42);
  put_padding (b, 32);

  g_autofree char *written = NULL;
  gsize n = 0;
  g_assert_true (g_file_get_contents (f->path, &written, &n, NULL));
  g_assert_cmpmem (written, n, b->data, b->len);
  g_assert_cmpuint (rt_gguf_writer_file_bytes (f->w), ==, b->len);

  struct stat info;
  mode_t mask = umask (0);
  umask (mask);
  g_assert_cmpint (stat (f->path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0666 & ~mask);
}

/* Everything of a file built by hand, copied entry by entry, reads back the same. */
static void
test_copy (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) b = g_byte_array_new ();
  RtError *e = &f->error;

  put_header (b, 3, 1, 4);
  put_key (b, "general.alignment", RT_GGUF_U32);
  put_u32 (b, 64);
  put_key (b, "small", RT_GGUF_I16);
  put_bytes (b, "\x01\x80", 2);
  put_key (b, "text", RT_GGUF_STRING);
  put_string (b, "hello");
  put_key (b, "nested", RT_GGUF_ARRAY);
  put_u32 (b, RT_GGUF_ARRAY);
  put_u64 (b, 1);
  put_u32 (b, RT_GGUF_STRING);
  put_u64 (b, 2);
  put_string (b, "in");
  put_string (b, "side");
  put_tensor_2d (b, "t", 32, 1, 8, 0);
  put_padding (b, 64);
  put_zeros (b, 34);
  put_padding (b, 64);

  RtGguf *in = rt_gguf_open_bytes (b->data, b->len, e);
  g_assert_nonnull (in);
  for (uint64_t i = 0; i < rt_gguf_n_meta (in); i++)
    g_assert_true (rt_gguf_writer_copy_meta (f->w, rt_gguf_meta (in, i), e));
  const RtGgufTensor *t = rt_gguf_tensor (in, 0);
  g_assert_true (rt_gguf_writer_add_tensor (f->w, "t", t->dtype, t->n_dims, t->ne, e));
  g_assert_true (rt_gguf_writer_begin (f->w, f->path, e));
  g_assert_true (rt_gguf_writer_write (f->w, t->data, t->bytes, e));
  g_assert_true (rt_gguf_writer_end (f->w, e));
  rt_gguf_close (in);

  g_autofree char *written = NULL;
  gsize n = 0;
  g_assert_true (g_file_get_contents (f->path, &written, &n, NULL));
  g_assert_cmpmem (written, n, b->data, b->len);
}

static void
test_wrong_declarations (Fixture *f, gconstpointer data)
{
  static const uint64_t ne[RT_GGUF_MAX_DIMS + 1] = { 33, 1, 1, 1, 1 };
  static const uint64_t zero[1] = { 0 }, huge[2] = { UINT64_MAX, 2 };
  RtError *e = &f->error;

  g_assert_true (rt_gguf_writer_add_u32 (f->w, "k", 1, e));
  g_assert_false (rt_gguf_writer_add_string (f->w, "k", "again", e));
  g_assert_cmpstr (e->message, ==, "key 'k' is already written");
  g_assert_false (rt_gguf_writer_add_u32 (f->w, "general.alignment", 12, e));
  g_assert_false (rt_gguf_writer_add_array (f->w, "a", RT_GGUF_STRING, NULL, 0, e));

  g_assert_false (rt_gguf_writer_add_tensor (f->w, "t", 8, 1, ne, e));
  g_assert_cmpint (e->status, ==, RT_ERROR_RANGE);
  g_assert_nonnull (strstr (e->message, "33"));
  g_assert_false (rt_gguf_writer_add_tensor (f->w, "t", 0, 5, ne, e));
  g_assert_false (rt_gguf_writer_add_tensor (f->w, "t", 0, 1, zero, e));
  g_assert_false (rt_gguf_writer_add_tensor (f->w, "t", 0, 2, huge, e));
  g_assert_false (rt_gguf_writer_add_tensor (f->w, "t", 4, 1, ne, e));
  g_assert_cmpint (e->status, ==, RT_ERROR_UNSUPPORTED);
  g_assert_true (rt_gguf_writer_add_tensor (f->w, "t", 0, 1, ne, e));
  g_assert_false (rt_gguf_writer_add_tensor (f->w, "t", 0, 1, ne, e));
}

/* An incomplete file never appears, and an older one under its name stays. */
static void
test_incomplete (Fixture *f, gconstpointer data)
{
  static const uint64_t ne[1] = { 8 };
  static const float values[9];
  RtError *e = &f->error;
  g_autofree char *left = NULL;

  g_assert_true (g_file_set_contents (f->path, "older", -1, NULL));
  g_assert_false (rt_gguf_writer_write (f->w, values, 4, e));
  g_assert_true (rt_gguf_writer_add_tensor (f->w, "t", 0, 1, ne, e));
  g_assert_true (rt_gguf_writer_begin (f->w, f->path, e));
  g_assert_true (rt_gguf_writer_write (f->w, values, 28, e));
  g_assert_false (rt_gguf_writer_end (f->w, e));
  g_assert_nonnull (strstr (e->message, "tensor 't' has 28 of its 32 bytes"));
  g_assert_false (rt_gguf_writer_write (f->w, values, 5, e));
  g_assert_nonnull (strstr (e->message, "1 bytes more"));
  rt_gguf_writer_free (g_steal_pointer (&f->w));
  g_assert_true (g_file_get_contents (f->path, &left, NULL, NULL));
  g_assert_cmpstr (left, ==, "older");
}

static void
test_no_folder (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->folder, "absent", "x.gguf", NULL);

  g_assert_false (rt_gguf_writer_begin (f->w, path, &f->error));
  g_assert_cmpint (f->error.status, ==, RT_ERROR_IO);
  g_assert_true (g_str_has_prefix (f->error.message, path));
}

/* A file size limit stands in for a full disk: the same system calls fail. */
static void
test_no_room (Fixture *f, gconstpointer data)
{
  static const uint64_t ne[1] = { 1 << 20 };
  struct rlimit before, small;
  RtError *e = &f->error;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  small = before;
  small.rlim_cur = 1 << 16;
  g_assert_true (rt_gguf_writer_add_tensor (f->w, "t", 0, 1, ne, e));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  bool ok = rt_gguf_writer_begin (f->w, f->path, e);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_false (ok);
  g_assert_cmpint (e->status, ==, RT_ERROR_IO);
  g_assert_true (g_str_has_prefix (e->message, f->path));
  g_assert_nonnull (strstr (e->message, "4194368"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/gguf-write/bytes", test_bytes);
  ADD ("/gguf-write/copy", test_copy);
  ADD ("/gguf-write/wrong-declarations", test_wrong_declarations);
  ADD ("/gguf-write/incomplete", test_incomplete);
  ADD ("/gguf-write/no-folder", test_no_folder);
  ADD ("/gguf-write/no-room", test_no_room);
  return g_test_run ();
}
