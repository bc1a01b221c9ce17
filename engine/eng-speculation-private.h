/* The record's insides, for the files that keep and write it. */
#pragma once

#include "eng-speculation.h"

G_BEGIN_DECLS

struct _EngSpeculation
{
  EngSpeculationSetup setup; /* drafter owned */
  GArray *rounds;            /* EngRound */
  GArray *drafts;            /* EngDraft of all rounds, in order */
  GArray *tokens;            /* gint32 */
  GArray *text_starts;       /* guint: one per token */
  guint text_length;
  GHashTable *pieces;        /* GINT_TO_POINTER (token) -> char * */
  GArray *verify_costs;      /* EngVerifyCost, by rising n_tokens */
  EngFigure draft_cost;
  GArray *acceptance;        /* EngAcceptance, by depth - 1 */
  guint n_compared, n_differing;
  char *notice;
};

G_END_DECLS
