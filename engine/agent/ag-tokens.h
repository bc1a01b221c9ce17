/* Who is paired: names and hashes of tokens. The tokens themselves are only with the studios. */
#pragma once

#include "ag-proof.h"

G_BEGIN_DECLS

#define AG_MAX_PAIRINGS 32

typedef struct
{
  char *id;     /* of the pairing */
  char *name;   /* of the studio */
  gint64 since; /* Unix seconds */
  guint8 hash[32];
} AgPaired;

typedef struct _AgTokens AgTokens;

/* "pairings.json" in @folder; absent: nobody. A file that cannot be read is an error. */
AgTokens *ag_tokens_load (const char *folder, GError **error);
void ag_tokens_free (AgTokens *tokens); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AgTokens, ag_tokens_free)

/* A new pairing; saved before it counts. *@token: 64 hexadecimal digits, to be told once. NULL: not
 * saved, or there are AG_MAX_PAIRINGS. Borrowed. */
const AgPaired *ag_tokens_add (AgTokens *tokens, const char *name, char **token, GError **error);
/* Whose token it is, or NULL; takes the same time whoever it is and wherever it differs. */
const AgPaired *ag_tokens_check (AgTokens *tokens, const char *token);
/* @which: an id or a name; NULL: all. *@ids: of those that went. FALSE: not saved. */
gboolean ag_tokens_remove (AgTokens *tokens, const char *which, GPtrArray *ids, GError **error);
const GPtrArray *ag_tokens_list (AgTokens *tokens); /* AgPaired */

G_END_DECLS
