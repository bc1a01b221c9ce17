/* What a person feeds a network: a picture, a sound, a tensor, or random numbers when only speed is
 * asked for. Immutable; reference counted. */
#pragma once

#include "data/eng-array.h"
#include "data/eng-picture.h"
#include "data/eng-sound.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_INPUT_PICTURE,
  ENG_INPUT_SOUND,
  ENG_INPUT_ARRAY,  /* .npy: with type and shape */
  ENG_INPUT_BYTES,  /* .bin, .raw: as the network's input is */
  ENG_INPUT_RANDOM, /* generated, the same for the same seed */
} EngInputKind;

typedef struct _EngInput EngInput;
#define ENG_TYPE_INPUT (eng_input_get_type ())
GType eng_input_get_type (void);
EngInput *eng_input_ref (EngInput *input);
void eng_input_unref (EngInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngInput, eng_input_unref)

/* Told by content; only bytes without any mark need the name's end (.bin, .raw, .dat). Blocking. */
EngInput *eng_input_load (const char *path, GCancellable *cancellable, GError **error);
EngInput *eng_input_from_bytes (GBytes *bytes, const char *name, GError **error);
EngInput *eng_input_new_picture (EngPicture *picture, const char *name);
EngInput *eng_input_new_sound (EngSound *sound, const char *name);
EngInput *eng_input_new_array (EngArray *array, const char *name);
EngInput *eng_input_new_random (guint64 seed);

/* "a picture", "a sound", ... for messages. */
const char *eng_input_kind_name (EngInputKind kind);

EngInputKind eng_input_get_kind (EngInput *input);
const char *eng_input_get_name (EngInput *input);    /* the file's base name, or "random" */
EngPicture *eng_input_get_picture (EngInput *input); /* NULL unless it is one; so the others */
EngSound *eng_input_get_sound (EngInput *input);
EngArray *eng_input_get_array (EngInput *input);
GBytes *eng_input_get_bytes (EngInput *input);
guint64 eng_input_get_seed (EngInput *input);

G_END_DECLS
