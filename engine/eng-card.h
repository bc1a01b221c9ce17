/* Network cards: what a file does not say about itself. How a picture or a sound becomes the input,
 * what the outputs mean, what the classes are called.
 *
 *   { "lathe-card": 1,
 *     "title": "Keyword spotting, DS-CNN",
 *     "match": [ { "inputs": ["i8 [1, 49, 10, 1]"], "outputs": ["i8 [1, 12]"] },
 *                { "sha256": "..." } ],
 *     "front": { "kind": "picture", "fit": "stretch", "scale": 0.0078125, "offset": -1 },
 *     "task": { "kind": "classify", "labels": ["down", "go", ...] },
 *     "states": [["h", "hn"]],
 *     "dims": { "sequence": 576 },
 *     "source": "where every number is from" }
 *
 * Shapes are for networks that only one thing has; a shape that many networks share (28 x 28 in,
 * ten classes out) must be named by its files' hashes.
 *
 * Found in this order: NAME.card.json beside the model; the built-in ones of data/networks, by the
 * file's SHA-256 or by the types and shapes of its inputs and outputs; else an empty card, whose
 * task is "tensor": the network takes tensors and its outputs are shown as statistics. */
#pragma once

#include <json-glib/json-glib.h>

#include "import/eng-format.h"

G_BEGIN_DECLS

typedef struct _EngCard EngCard;
#define ENG_TYPE_CARD (eng_card_get_type ())
GType eng_card_get_type (void);
EngCard *eng_card_ref (EngCard *card);
void eng_card_unref (EngCard *card);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngCard, eng_card_unref)

/* A card that is wrong (not JSON, an unknown task, front end or key of a number) is an error that
 * says what is. */
EngCard *eng_card_from_json (const char *json, const char *name, GError **error);
/* For the network of @path; @sha256 is of the file. An error only when the card beside the file is
 * wrong. */
EngCard *eng_card_find (const char *path, const EngImported *imported, const char *sha256,
                        GError **error);
/* Whether one of the card's matches fits; a sha256 is compared only when @sha256 is not NULL. */
gboolean eng_card_matches (EngCard *card, const EngImported *imported, const char *sha256);

const char *eng_card_get_title (EngCard *card); /* NULL: none */
/* "keyword-ds-cnn.json", the path of the file beside the model, or "none" */
const char *eng_card_get_origin (EngCard *card);
/* "picture", ...; "tensor" when the card names none */
const char *eng_card_get_front (EngCard *card);
const char *eng_card_get_task (EngCard *card);          /* "classify", ...; "tensor" */
JsonObject *eng_card_get_front_options (EngCard *card); /* borrowed; never NULL */
JsonObject *eng_card_get_task_options (EngCard *card);
/* all of it, for the identity of what is built with it */
const char *eng_card_get_text (EngCard *card);

/* Class names: the card's, the file's own, or those of a text file beside the model whose name
 * contains "label" and which has @n_classes lines. NULL: nobody knows. NULL-terminated;
 * borrowed. */
const char *const *eng_card_get_labels (EngCard *card, guint n_classes);

/* Sizes for dimensions that the file leaves open, by the file's name for them; *@n of them, names
 * borrowed; g_free(). NULL: none. The network is then read again with these. */
EngDimSize *eng_card_dup_dims (EngCard *card, guint *n);

/* The state that network input @name is: the name of the output that becomes it after a run; NULL:
 * it is none. Where the card names several (files of one network call it differently), it is the
 * first that @imported has, else the first. */
const char *eng_card_get_state (EngCard *card, const char *name, const EngImported *imported);

/* Numbers of the options; @fallback when they are not there. */
double eng_card_number (JsonObject *options, const char *name, double fallback);
/* The same as a count: cut to whole numbers from 0 to G_MAXINT; G_MAXUINT stays when it is the
 * @fallback. */
guint eng_card_count (JsonObject *options, const char *name, guint fallback);
/* One number for all, or a list of exactly @n; FALSE: neither, or not there. */
gboolean eng_card_numbers (JsonObject *options, const char *name, double *numbers, guint n);

G_END_DECLS
