/* Inputs of networks: which kind a file is, by its content. Called by runs, evaluation and the
 * window; knows nothing of tasks. */
#include "data/eng-input.h"

#include <string.h>

#include "eng-error.h"

#define MAX_FILE_BYTES (1u << 30)

struct _EngInput
{
  gatomicrefcount ref_count;
  EngInputKind kind;
  char *name;
  EngPicture *picture;
  EngSound *sound;
  EngArray *array;
  GBytes *bytes;
  guint64 seed;
};

G_DEFINE_BOXED_TYPE (EngInput, eng_input, eng_input_ref, eng_input_unref)

static EngInput *
input_new (EngInputKind kind, const char *name)
{
  EngInput *input = g_new0 (EngInput, 1);
  g_atomic_ref_count_init (&input->ref_count);
  input->kind = kind;
  input->name = g_strdup (name);
  return input;
}

EngInput *
eng_input_ref (EngInput *input)
{
  g_atomic_ref_count_inc (&input->ref_count);
  return input;
}

void
eng_input_unref (EngInput *input)
{
  if (!g_atomic_ref_count_dec (&input->ref_count))
    return;
  g_free (input->name);
  g_clear_pointer (&input->picture, eng_picture_unref);
  g_clear_pointer (&input->sound, eng_sound_unref);
  g_clear_pointer (&input->array, eng_array_unref);
  g_clear_pointer (&input->bytes, g_bytes_unref);
  g_free (input);
}

EngInput *
eng_input_new_picture (EngPicture *picture, const char *name)
{
  EngInput *input = input_new (ENG_INPUT_PICTURE, name);
  input->picture = eng_picture_ref (picture);
  return input;
}

EngInput *
eng_input_new_sound (EngSound *sound, const char *name)
{
  EngInput *input = input_new (ENG_INPUT_SOUND, name);
  input->sound = eng_sound_ref (sound);
  return input;
}

EngInput *
eng_input_new_array (EngArray *array, const char *name)
{
  EngInput *input = input_new (ENG_INPUT_ARRAY, name);
  input->array = eng_array_ref (array);
  return input;
}

EngInput *
eng_input_new_random (guint64 seed)
{
  EngInput *input = input_new (ENG_INPUT_RANDOM, "random");
  input->seed = seed;
  return input;
}

/* Marks of what libsndfile reads. */
static gboolean
is_sound (const guint8 *bytes, gsize n)
{
  if (n >= 12 && memcmp (bytes + 8, "WAVE", 4) == 0
      && (memcmp (bytes, "RIFF", 4) == 0 || memcmp (bytes, "RIFX", 4) == 0
          || memcmp (bytes, "RF64", 4) == 0))
    return TRUE;
  if (n >= 12 && memcmp (bytes, "FORM", 4) == 0 && memcmp (bytes + 8, "AIF", 3) == 0)
    return TRUE;
  if (n < 4)
    return FALSE;
  return memcmp (bytes, "fLaC", 4) == 0 || memcmp (bytes, "OggS", 4) == 0
         || memcmp (bytes, ".snd", 4) == 0 || memcmp (bytes, "caff", 4) == 0
         || memcmp (bytes, "ID3", 3) == 0 || (bytes[0] == 0xff && (bytes[1] & 0xe6) == 0xe2);
}

static gboolean
is_named_raw (const char *name)
{
  return g_str_has_suffix (name, ".bin") || g_str_has_suffix (name, ".raw")
         || g_str_has_suffix (name, ".dat");
}

EngInput *
eng_input_from_bytes (GBytes *bytes, const char *name, GError **error)
{
  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  gsize n;
  const guint8 *data = g_bytes_get_data (bytes, &n);
  if (eng_array_sniff_npy (bytes))
    {
      g_autoptr (EngArray) array = eng_array_from_npy (bytes, name, error);
      return array != NULL ? eng_input_new_array (array, name) : NULL;
    }
  if (is_named_raw (name))
    {
      EngInput *input = input_new (ENG_INPUT_BYTES, name);
      input->bytes = g_bytes_ref (bytes);
      return input;
    }
  if (is_sound (data, n))
    {
      g_autoptr (EngSound) sound = eng_sound_from_bytes (bytes, name, error);
      return sound != NULL ? eng_input_new_sound (sound, name) : NULL;
    }
  g_autoptr (EngPicture) picture = eng_picture_from_bytes (bytes, name, error);
  if (picture == NULL)
    g_prefix_error (error, "Inputs are pictures, sounds, .npy arrays or .bin bytes. ");
  return picture != NULL ? eng_input_new_picture (picture, name) : NULL;
}

EngInput *
eng_input_load (const char *path, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);

  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autoptr (GFileInfo) info
      = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_STANDARD_TYPE,
                           0, cancellable, error);
  if (info == NULL)
    return NULL;
  if (g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR
      || g_file_info_get_size (info) > MAX_FILE_BYTES)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s is no file of at most 1 GiB; an input is a picture, a sound or a tensor",
                   path);
      return NULL;
    }
  g_autoptr (GBytes) bytes = g_file_load_bytes (file, cancellable, NULL, error);
  return bytes != NULL ? eng_input_from_bytes (bytes, name, error) : NULL;
}

/* ---- Looking ---- */

const char *
eng_input_kind_name (EngInputKind kind)
{
  static const char *const names[]
      = { "a picture", "a sound", "an array", "bytes", "random numbers" };
  g_return_val_if_fail (kind < G_N_ELEMENTS (names), NULL);
  return names[kind];
}

EngInputKind
eng_input_get_kind (EngInput *self)
{
  return self->kind;
}

const char *
eng_input_get_name (EngInput *self)
{
  return self->name;
}

EngPicture *
eng_input_get_picture (EngInput *self)
{
  return self->picture;
}

EngSound *
eng_input_get_sound (EngInput *self)
{
  return self->sound;
}

EngArray *
eng_input_get_array (EngInput *self)
{
  return self->array;
}

GBytes *
eng_input_get_bytes (EngInput *self)
{
  return self->bytes;
}

guint64
eng_input_get_seed (EngInput *self)
{
  return self->seed;
}
