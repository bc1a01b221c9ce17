/* Readers of inputs: NumPy arrays, tar archives, pictures, sounds; and damaged ones. */
#include <math.h>
#include <string.h>

#include "data/eng-input.h"
#include "data/eng-tar.h"
#include "eng-error.h"
#include "eng-test.h"

/* ---- .npy ---- */

/* A file as NumPy 1.24 writes it: version 1, header padded to 64. */
static GBytes *
npy (const char *header, gconstpointer data, gsize n_bytes)
{
  GByteArray *file = g_byte_array_new ();
  gsize n = strlen (header);
  guint8 start[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (guint8)(n & 255), (guint8)(n >> 8) };
  g_byte_array_append (file, start, sizeof start);
  g_byte_array_append (file, (const guint8 *)header, (guint)n);
  g_byte_array_append (file, data, (guint)n_bytes);
  return g_byte_array_free_to_bytes (file);
}

static void
test_npy (void)
{
  static const gint16 numbers[] = { 1, -2, 300, -400, 5, 6 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes
      = npy ("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }          \n", numbers,
             sizeof numbers);
  g_autoptr (EngArray) array = eng_array_from_npy (bytes, "x.npy", &error);

  g_assert_no_error (error);
  g_assert_cmpint (eng_array_get_type_of_elements (array), ==, RT_TYPE_I16);
  g_assert_cmpuint (eng_array_get_shape (array)->n_dims, ==, 2);
  g_assert_cmpint (eng_array_get_shape (array)->dims[1], ==, 3);
  for (guint i = 0; i < 6; i++)
    g_assert_cmpfloat (eng_element_get (RT_TYPE_I16, eng_array_get_data (array), i), ==,
                       (double)numbers[i]);

  /* What we write, we read. */
  g_autoptr (GBytes) written = eng_array_to_npy (array);
  g_autoptr (EngArray) again = eng_array_from_npy (written, "y.npy", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_array_get_n (again), ==, 6);
  g_assert_cmpmem (eng_array_get_data (again), sizeof numbers, numbers, sizeof numbers);

  /* One number has no dimensions. */
  static const double one = 2.5;
  g_autoptr (GBytes) scalar
      = npy ("{'shape': (), 'fortran_order': False, \"descr\": '<f8'}", &one, sizeof one);
  g_autoptr (EngArray) number = eng_array_from_npy (scalar, "z.npy", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_array_get_shape (number)->n_dims, ==, 0);
  g_assert_cmpfloat (eng_element_get (RT_TYPE_F64, eng_array_get_data (number), 0), ==, 2.5);
}

static void
test_npy_damaged (void)
{
  static const struct
  {
    const char *header;
    gsize n_bytes;
    const char *says;
  } cases[] = {
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 7, "do not fit" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 9, "do not fit" },
    { "{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", 8, "big-endian" },
    { "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", 8, "no plain numbers" },
    { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 8, "quoted text" },
    { "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2)}", 8, "Fortran" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 8, "no number" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 2)}", 8,
      "8 dim" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 8, "large" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 8, "fit" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2", 8, "end" },
    { "{'descr': '<f4', 'fortran_order': False, 'more': 1}", 8, "unknown keys" },
    { "{'descr': '<f4', 'shape': (2,)}", 8, "lacks" },
    { "{'descr': '<f4", 8, "does not end" },
    { "", 8, "no dictionary" },
  };
  static const guint8 data[16] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = npy (cases[i].header, data, cases[i].n_bytes);
      g_autoptr (EngArray) array = eng_array_from_npy (bytes, "x.npy", &error);
      g_assert_null (array);
      g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
      if (strstr (error->message, cases[i].says) == NULL)
        g_error ("case %u: %s", i, error->message);
    }
}

static void
test_raw (void)
{
  static const guint8 data[6] = { 1, 2, 3, 4, 5, 6 };
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, sizeof data);
  RtShape shape = { 2, { 2, 3 } }, wrong = { 1, { 5 } };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngArray) array = eng_array_from_raw (bytes, RT_TYPE_I8, &shape, "x.bin", &error);
  g_assert_no_error (error);
  g_assert_nonnull (array);
  g_assert_null (eng_array_from_raw (bytes, RT_TYPE_I8, &wrong, "x.bin", &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
}

static void
test_elements (void)
{
  static const int types[]
      = { RT_TYPE_I8,  RT_TYPE_U8,  RT_TYPE_I16, RT_TYPE_U16, RT_TYPE_I32, RT_TYPE_U32,
          RT_TYPE_I64, RT_TYPE_U64, RT_TYPE_F16, RT_TYPE_F32, RT_TYPE_F64 };
  guint8 memory[32];

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      eng_element_set (types[i], memory, 1, 100);
      g_assert_cmpfloat (eng_element_get (types[i], memory, 1), ==, 100);
    }
  eng_element_set (RT_TYPE_I8, memory, 0, 300);
  g_assert_cmpfloat (eng_element_get (RT_TYPE_I8, memory, 0), ==, 127);
  eng_element_set (RT_TYPE_U8, memory, 0, 2.5); /* half to even */
  g_assert_cmpfloat (eng_element_get (RT_TYPE_U8, memory, 0), ==, 2);
  eng_element_set (RT_TYPE_U64, memory, 0, 1e30);
  g_assert_cmpfloat (eng_element_get (RT_TYPE_U64, memory, 0), >, 1.8e19);
}

/* ---- tar ---- */

/* An archive made by the system's tar, of a file with a long name and an empty one. */
static char *
make_archive (const char *directory, const char *format)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *file = g_build_filename (directory, "short.txt", NULL);
  g_autofree char *stem = g_strnfill (120, 'n');
  g_autofree char *name = g_strconcat (stem, ".txt", NULL);
  g_autofree char *named = g_build_filename (directory, name, NULL);
  char *archive = g_build_filename (directory, "x.tar.gz", NULL);
  g_autofree char *option = g_strdup_printf ("--format=%s", format);
  const char *argv[] = { "tar", "-C", directory, "-czf", archive, option, "short.txt", name, NULL };
  int status;

  g_assert_true (g_file_set_contents (file, "hello", -1, &error));
  g_assert_true (g_file_set_contents (named, "", -1, &error));
  g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, &status, &error));
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  return archive;
}

static void
test_tar (gconstpointer format)
{
  char *directory = eng_test_directory ();
  g_autofree char *archive = make_archive (directory, format);
  g_autoptr (GError) error = NULL;
  g_assert_true (eng_tar_sniff (archive));
  g_autoptr (EngTar) tar = eng_tar_open (archive, NULL, &error);
  const char *name;
  guint64 n;

  g_assert_no_error (error);
  g_assert_true (eng_tar_next (tar, &name, &n, NULL, &error));
  g_assert_cmpstr (name, ==, "short.txt");
  g_assert_cmpuint (n, ==, 5);
  g_autoptr (GBytes) bytes = eng_tar_read (tar, 100, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "hello", 5);
  g_assert_true (eng_tar_next (tar, &name, &n, NULL, &error));
  g_assert_cmpuint (strlen (name), ==, 124);
  g_assert_cmpuint (n, ==, 0);
  g_assert_false (eng_tar_next (tar, &name, &n, NULL, &error));
  g_assert_no_error (error);
  eng_test_remove (directory);
}

/* Every single byte of a small archive changed, and every length of it: an error or other content,
 * never a crash or an endless loop. */
static void
test_tar_damaged (void)
{
  char *directory = eng_test_directory ();
  g_autofree char *archive = make_archive (directory, "gnu");
  g_autoptr (GError) error = NULL;
  g_autoptr (EngTar) whole = eng_tar_open (archive, NULL, &error);
  g_autoptr (GFile) file = g_file_new_for_path (archive);
  g_autoptr (GFileInputStream) gz = g_file_read (file, NULL, &error);
  g_autoptr (GZlibDecompressor) gunzip = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP);
  g_autoptr (GInputStream) plain
      = g_converter_input_stream_new (G_INPUT_STREAM (gz), G_CONVERTER (gunzip));
  guint8 data[4096];
  gsize n_data = 0;
  guint n_errors = 0;

  g_assert_true (g_input_stream_read_all (plain, data, sizeof data, &n_data, NULL, &error));
  for (gsize i = 0; i < 2 * n_data; i++)
    {
      guint8 *copy = g_memdup2 (data, n_data);
      if (i < n_data)
        copy[i] ^= 0xa5;
      g_autoptr (GBytes) bytes = g_bytes_new_take (copy, n_data);
      g_autoptr (GBytes) part
          = i < n_data ? g_bytes_ref (bytes) : g_bytes_new_from_bytes (bytes, 0, i - n_data);
      g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_bytes (part);
      g_autoptr (EngTar) tar = eng_tar_new (stream, "x.tar");
      const char *name;
      guint64 n;
      guint n_members = 0;

      g_clear_error (&error);
      while (eng_tar_next (tar, &name, &n, NULL, &error))
        g_assert_cmpuint (n_members++, <, 10);
      n_errors += error != NULL;
    }
  g_assert_cmpuint (n_errors, >, 512);
  eng_test_remove (directory);
}

/* ---- pictures and sounds ---- */

static void
test_picture (void)
{
  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "x.png", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngPicture) picture = eng_picture_new (5, 3);

  for (guint i = 0; i < 45; i++)
    eng_picture_edit_pixels (picture)[i] = (guint8)(i * 5);
  g_assert_true (eng_picture_save_png (picture, path, &error));
  g_autoptr (EngInput) input = eng_input_load (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (eng_input_get_kind (input), ==, ENG_INPUT_PICTURE);
  EngPicture *again = eng_input_get_picture (input);
  g_assert_cmpuint (eng_picture_get_width (again), ==, 5);
  g_assert_cmpuint (eng_picture_get_height (again), ==, 3);
  g_assert_cmpmem (eng_picture_get_pixels (again), 45, eng_picture_get_pixels (picture), 45);
  eng_test_remove (directory);
}

/* A BMP header that promises 60000 x 60000 pixels is refused before they are allocated. */
static void
test_picture_too_large (void)
{
  guint8 bmp[64] = { 'B', 'M', 64, 0,    0,    0, 0, 0,    0,    0, 54, 0, 0, 0, 40,
                     0,   0,   0,  0x60, 0xea, 0, 0, 0x60, 0xea, 0, 0,  1, 0, 24 };
  g_autoptr (GBytes) bytes = g_bytes_new_static (bmp, sizeof bmp);
  g_autoptr (GError) error = NULL;
  g_assert_null (eng_picture_from_bytes (bytes, "x.bmp", &error));
  g_assert_nonnull (error);
}

static void
test_not_an_input (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("just words", 10);
  g_autoptr (GError) error = NULL;
  g_assert_null (eng_input_from_bytes (bytes, "words.txt", &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "words.txt"));
}

/* A tone keeps its value at every moment when the rate changes; one above the new Nyquist rate is
 * gone. */
static void
test_resample (void)
{
  static const guint rates[][2]
      = { { 44100, 16000 }, { 8000, 16000 }, { 48000, 16000 }, { 16000, 11025 } };

  for (guint r = 0; r < G_N_ELEMENTS (rates); r++)
    {
      guint from_hz = rates[r][0], to_hz = rates[r][1];
      g_autoptr (GError) error = NULL;
      g_autoptr (EngSound) sound = eng_sound_new (from_hz, from_hz / 4);
      for (gsize i = 0; i < from_hz / 4; i++)
        eng_sound_edit_samples (sound)[i] = (float)sin (2 * G_PI * 1000 * (double)i / from_hz);
      g_autoptr (EngSound) other = eng_sound_resample (sound, to_hz, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (eng_sound_get_n_samples (other), ==, (to_hz + 3) / 4);
      for (gsize i = 100; i + 100 < to_hz / 4; i++)
        g_assert_cmpfloat_with_epsilon ((double)eng_sound_get_samples (other)[i],
                                        sin (2 * G_PI * 1000 * (double)i / to_hz), 2e-4);
    }

  g_autoptr (GError) error = NULL;
  g_autoptr (EngSound) high = eng_sound_new (48000, 12000);
  for (gsize i = 0; i < 12000; i++)
    eng_sound_edit_samples (high)[i] = (float)sin (2 * G_PI * 10000 * (double)i / 48000);
  g_autoptr (EngSound) low = eng_sound_resample (high, 16000, &error);
  for (gsize i = 100; i < 3900; i++)
    g_assert_cmpfloat_with_epsilon ((double)eng_sound_get_samples (low)[i], 0, 2e-4);
}

static void
test_sound (void)
{
  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "x.wav", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngSound) sound = eng_sound_new (16000, 1000);

  for (guint i = 0; i < 1000; i++)
    eng_sound_edit_samples (sound)[i] = (float)i / 1000 - 0.5f;
  g_assert_true (eng_sound_save_wav (sound, path, &error));
  g_assert_no_error (error);
  g_autoptr (EngInput) input = eng_input_load (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (eng_input_get_kind (input), ==, ENG_INPUT_SOUND);
  EngSound *again = eng_input_get_sound (input);
  g_assert_cmpuint (eng_sound_get_rate (again), ==, 16000);
  g_assert_cmpuint (eng_sound_get_n_samples (again), ==, 1000);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpfloat_with_epsilon ((double)eng_sound_get_samples (again)[i],
                                    (double)i / 1000 - 0.5, 1.0 / 32768);
  eng_test_remove (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/data/npy", test_npy);
  g_test_add_func ("/data/npy-damaged", test_npy_damaged);
  g_test_add_func ("/data/raw", test_raw);
  g_test_add_func ("/data/elements", test_elements);
  g_test_add_data_func ("/data/tar-ustar-names", "gnu", test_tar);
  g_test_add_data_func ("/data/tar-pax-names", "pax", test_tar);
  g_test_add_func ("/data/tar-damaged", test_tar_damaged);
  g_test_add_func ("/data/picture", test_picture);
  g_test_add_func ("/data/picture-too-large", test_picture_too_large);
  g_test_add_func ("/data/not-an-input", test_not_an_input);
  g_test_add_func ("/data/resample", test_resample);
  g_test_add_func ("/data/sound", test_sound);
  return g_test_run ();
}
