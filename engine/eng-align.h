/* Lining up what two or more runs executed, node by node: other fusion, other weight formats, other
 * file formats of one network. */
#pragma once

#include "eng-profile.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_ALIGN_NONE,   /* not one network, as far as can be seen; see the reason */
  ENG_ALIGN_NAMES,  /* by the names of the source nodes */
  ENG_ALIGN_SHAPES, /* the names differ: by the order, kind and size of the heavy operators */
} EngAlignKind;

/* What covers the same source nodes in all runs that have them: the smallest groups of executed
 * nodes for which that holds. */
typedef struct
{
  GArray *
      *nodes; /* [n_runs] guint: nodes of that run's profile, in order; empty: not executed there */
  int layer;  /* on the axis of the first run */
} EngAlignGroup;

typedef struct
{
  guint n_runs;
  EngAlignKind *
      kinds; /* [n_runs] how each run was lined up with the first; that is ENG_ALIGN_NAMES itself */
  char **reasons;    /* [n_runs] why not, in a sentence; NULL where it was */
  GPtrArray *groups; /* of EngAlignGroup, in network order */
} EngAlignment;

/* @profiles: [n_runs]. Nodes of a profile whose kind is ENG_ALIGN_NONE are in no group. Names are
 * compared without what converters add (":0", "_int8", "_quantize"); names that agree must stand
 * for equal work (within 5 % of the operations on nine tenths of the heavy nodes), or the networks
 * are different ones. Shapes are lined up as sentences of two translations are (Gale and Church, A
 * program for aligning sentences in bilingual corpora, Computational Linguistics 19, 1993): one
 * heavy operator for one, or one for up to four, where their operations agree within 5 %. Time and
 * memory grow with the product of the numbers of heavy nodes. */
EngAlignment *eng_align (EngProfile *const *profiles, guint n_runs);
void eng_alignment_free (EngAlignment *alignment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngAlignment, eng_alignment_free)

/* How two profiles would line up, without doing it for every node; @reason (nullable): why not. For
 * lists of runs to choose from. */
EngAlignKind eng_align_check (EngProfile *a, EngProfile *b, char **reason);

/* A source name without what converters add to it; newly allocated. */
char *eng_align_plain_name (const char *name);

G_END_DECLS
